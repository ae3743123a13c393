package content

import (
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/access"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/link"
)

// importJSON is an import in the dialect. Replication, which copies behind the
// scenes, is not offered: it is always false.
type importJSON struct {
	ID                   string   `json:"id"`
	Version              int      `json:"version"`
	ImportPath           string   `json:"importPath"`
	Position             int      `json:"position"`
	CreatedAt            api.Time `json:"createdAt"`
	UpdatedAt            api.Time `json:"updatedAt"`
	FolderID             string   `json:"folderId"`
	IsReplication        bool     `json:"isReplication"`
	IsReplicationSuccess *bool    `json:"isReplicationSuccess"`
	ReplicationStatus    *string  `json:"replicationStatus"`
	LastReplicated       *string  `json:"lastReplicated"`
	IsReserved           bool     `json:"isReserved"`
	ImportEnv            envJSON  `json:"importEnv"`

	Environment *envJSON `json:"environment,omitempty"` // only where one is asked for by id
	SecretPath  string   `json:"secretPath,omitempty"`
	ProjectID   string   `json:"projectId,omitempty"`
}

type envJSON struct {
	Name string `json:"name"`
	Slug string `json:"slug"`
	ID   string `json:"id"`
}

func importOf(i link.Import) importJSON {
	return importJSON{ID: string(i.ID), Version: i.Version, ImportPath: i.From.Path, Position: i.Position, FolderID: string(i.Folder),
		CreatedAt: api.Time{Time: i.CreatedAt}, UpdatedAt: api.Time{Time: i.UpdatedAt},
		ImportEnv: envJSON{i.FromEnv.Name, i.FromEnv.Slug, string(i.FromEnv.ID)}}
}

type importBody struct {
	api.FolderWrite
	IsReplication bool
	Import        struct {
		Environment, Path string
		Position          int
	}
}

// importBodyOf reads the body, and requires that its visitor may do that.
func importBodyOf(a *desk.Ask, action string) (body importBody, p vault.Place, err error) {
	if err = a.Body(&body); err != nil {
		return body, p, err
	}
	if p, err = dialect.PlaceOfFolder(&body.FolderWrite); err != nil {
		return body, p, err
	}
	if err = a.RequireAt(&p, action, access.Imports); err != nil || body.Import.Environment == "" && body.Import.Path == "" {
		return body, p, err
	}
	// Whoever may not read there must not make others' answers show it.
	from := vault.Place{Project: p.Project, Environment: dialect.First(body.Import.Environment, p.Environment), Path: body.Import.Path}
	err = a.RequireAt(&from, "readValue", access.Secrets)
	body.Import.Environment = from.Environment
	return body, p, err
}

func imported(message string, i link.Import, err error) (any, error) {
	return struct {
		Message      string     `json:"message"`
		SecretImport importJSON `json:"secretImport"`
	}{message, importOf(i)}, err
}

// CreateImport makes a folder show another one.
func CreateImport(a *desk.Ask) (any, error) {
	body, p, err := importBodyOf(a, "create")
	switch {
	case err != nil:
		return nil, err
	case body.Import.Environment == "":
		return nil, api.Required("import")
	case body.IsReplication:
		return nil, api.Errorf(api.Invalid, "replication is not offered: an import always shows what is there now")
	}
	from := vault.Place{Environment: body.Import.Environment, Path: dialect.First(body.Import.Path, "/")}
	i, err := link.Create(a.Context(), a.Vault, a.Caller, p, from)
	return imported("Successfully created secret import", i, err)
}

// ListImports answers the imports of a folder.
func ListImports(a *desk.Ask) (any, error) {
	p, err := dialect.PlaceOf(a.Query())
	if err != nil {
		return nil, err
	}
	if err := a.RequireAt(&p, "read", access.Imports); err != nil {
		return nil, err
	}
	list, err := link.Imports(a.Context(), a.Vault, a.Caller, p)
	out := make([]importJSON, 0, len(list))
	for _, i := range list {
		out = append(out, importOf(i))
	}
	return struct {
		Message       string       `json:"message"`
		SecretImports []importJSON `json:"secretImports"`
	}{"Successfully fetched secret imports", out}, err
}

// GetImport finds an import by its id.
func GetImport(a *desk.Ask) (any, error) {
	i, into, err := link.ByID(a.Context(), a.Vault, a.Caller, a.PathValue("import"))
	if err != nil {
		return nil, err
	}
	if err := a.RequireAt(&i.Into, "read", access.Imports); err != nil {
		return nil, api.Errorf(api.Missing, "Secret import not found")
	}
	out := importOf(i)
	out.Environment = &envJSON{into.Name, into.Slug, string(into.ID)}
	out.SecretPath, out.ProjectID = i.Into.Path, i.Into.Project
	return map[string]importJSON{"secretImport": out}, nil
}

// UpdateImport changes where an import leads, or its position.
func UpdateImport(a *desk.Ask) (any, error) {
	body, p, err := importBodyOf(a, "edit")
	if err != nil {
		return nil, err
	}
	ch := link.Change{Environment: body.Import.Environment, Path: body.Import.Path, Position: body.Import.Position}
	i, err := link.Update(a.Context(), a.Vault, a.Caller, p, a.PathValue("import"), ch)
	return imported("Successfully updated secret import", i, err)
}

// DeleteImport removes an import.
func DeleteImport(a *desk.Ask) (any, error) {
	_, p, err := importBodyOf(a, "delete")
	if err != nil {
		return nil, err
	}
	i, err := link.Delete(a.Context(), a.Vault, a.Caller, p, a.PathValue("import"))
	return imported("Successfully deleted secret import", i, err)
}
