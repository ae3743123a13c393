package content

import (
	"path"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/access"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// ListFolders answers what lies in a folder, all below it when recursive.
func ListFolders(a *desk.Ask) (any, error) {
	q := a.Query()
	p, err := dialect.PlaceOf(q)
	if err != nil {
		return nil, err
	}
	if err := a.RequireAt(&p, "read", access.Folders); err != nil {
		return nil, err
	}
	list, err := a.Vault.Folders(a.Context(), a.Caller, p, dialect.Flag(q, "recursive", false))
	if err != nil {
		if a.Exact && api.IsCode(dialect.Error(err), api.Missing) {
			return map[string][]api.Folder{"folders": {}}, nil
		}
		return nil, err
	}
	out := make([]api.Folder, 0, len(list))
	for _, f := range list[1:] { // the first is the folder itself
		if a.Who.May(vault.ID(p.Project), "read", access.Thing{Subject: access.Folders, Environment: p.Environment, Path: f.Path, Some: true}) {
			out = append(out, dialect.Folder(f))
		}
	}
	return map[string][]api.Folder{"folders": out}, nil
}

func oneFolder(f vault.Folder, err error) (any, error) {
	return map[string]api.Folder{"folder": dialect.Folder(f)}, err
}

// CreateFolder makes a folder with its parents; one that is there is answered
// as it is.
func CreateFolder(a *desk.Ask) (any, error) {
	body, p, err := folderBody(a)
	if err != nil {
		return nil, err
	}
	if body.Name == "" {
		return nil, api.Required("name")
	}
	p.Path = path.Join("/", p.Path, body.Name)
	if err := a.RequireAt(&p, "create", access.Folders); err != nil {
		return nil, err
	}
	f, err := a.Vault.CreateFolder(a.Context(), a.Caller, p)
	if err == nil && body.Description != nil && *body.Description != "" && f.Description == "" {
		f, err = a.Vault.UpdateFolder(a.Context(), a.Caller, p, nil, body.Description)
	}
	return oneFolder(f, err)
}

func folderBody(a *desk.Ask) (body api.FolderWrite, p vault.Place, err error) {
	if err = a.Body(&body); err == nil {
		p, err = dialect.PlaceOfFolder(&body)
	}
	return body, p, err
}

// folderJSON is a folder with where it lies.
type folderJSON struct {
	api.Folder
	Environment struct {
		ID   string `json:"envId"`
		Name string `json:"envName"`
		Slug string `json:"envSlug"`
	} `json:"environment"`
	Path      string `json:"path"`
	ProjectID string `json:"projectId"`
}

// GetFolder finds a folder by its id.
func GetFolder(a *desk.Ask) (any, error) {
	f, p, err := a.Vault.FolderByID(a.Context(), a.Caller, a.PathValue("folder"))
	if err != nil {
		return nil, err
	}
	return located(a, f, p)
}

// GetFolderAt finds a folder by where it lies.
func GetFolderAt(a *desk.Ask) (any, error) {
	p := vault.Place{Project: a.PathValue("project"), Environment: a.PathValue("environment"), Path: path.Join("/", a.PathValue("path"))}
	if err := a.RequireAt(&p, "read", access.Folders); err != nil {
		return nil, err
	}
	list, err := a.Vault.Folders(a.Context(), a.Caller, p, false)
	if err != nil {
		return nil, err
	}
	return located(a, list[0], p)
}

func located(a *desk.Ask, f vault.Folder, p vault.Place) (any, error) {
	if err := a.RequireAt(&p, "read", access.Folders); err != nil {
		return nil, api.Errorf(api.Missing, "Folder with ID '%s' not found", f.ID)
	}
	e, err := vault.Look(a.Context(), a.Vault, func(w *tree.Reader) (vault.Environment, error) { return w.Environment(p.Project, p.Environment) })
	out := folderJSON{Folder: dialect.Folder(f), Path: f.Path, ProjectID: p.Project}
	out.Environment.ID, out.Environment.Name, out.Environment.Slug = string(e.ID), e.Name, e.Slug
	return map[string]folderJSON{"folder": out}, err
}

// UpdateFolder renames or describes the folder of that id.
func UpdateFolder(a *desk.Ask) (any, error) {
	body, p, err := folderBody(a)
	if err != nil {
		return nil, err
	}
	_, at, err := pick(a, p, "edit")
	if err != nil {
		return nil, err
	}
	var name *string
	if body.Name != "" {
		name = &body.Name
		to := at
		to.Path = path.Join(path.Dir(at.Path), body.Name)
		if err := a.RequireAt(&to, "create", access.Folders); err != nil {
			return nil, err
		}
		// Elsewhere other rules may hold: nobody moves what he may not read.
		if err := mayAll(a, at, "readValue", "edit"); err != nil {
			return nil, err
		}
	}
	return oneFolder(a.Vault.UpdateFolder(a.Context(), a.Caller, at, name, body.Description))
}

// pick finds the folder in the route, an id or a name, in the folder p.
func pick(a *desk.Ask, p vault.Place, action string) (vault.Folder, vault.Place, error) {
	if err := a.RequireAt(&p, action, access.Folders); err != nil {
		return vault.Folder{}, p, err
	}
	list, err := vault.Look(a.Context(), a.Vault, func(w *tree.Reader) ([]vault.Folder, error) { return w.Folders(p, false) })
	if err != nil {
		return vault.Folder{}, p, err
	}
	which := a.PathValue("folder")
	for _, f := range list[1:] {
		if string(f.ID) == which || f.Name == which {
			p.Path = f.Path
			return f, p, a.RequireAt(&p, action, access.Folders)
		}
	}
	return vault.Folder{}, p, &api.Error{Code: api.Missing, Name: "Delete folder", Message: "Folder not found"}
}

// DeleteFolder deletes the folder of that id or name with all it holds.
func DeleteFolder(a *desk.Ask) (any, error) {
	_, p, err := folderBody(a)
	if err != nil {
		return nil, err
	}
	_, at, err := pick(a, p, "delete")
	if err == nil {
		err = mayAll(a, at, "delete")
	}
	if err != nil {
		return nil, err
	}
	return oneFolder(a.Vault.DeleteFolder(a.Context(), a.Caller, at))
}

// mayAll refuses unless the visitor may do that to all that lies in a folder
// and below.
func mayAll(a *desk.Ask, p vault.Place, actions ...string) error {
	tags, err := tagsOf(a, p.Project)
	if err != nil {
		return err
	}
	list, err := vault.Look(a.Context(), a.Vault, func(w *tree.Reader) ([]vault.Secret, error) {
		return w.List(p, vault.ListOptions{NamesOnly: true, Recursive: true})
	})
	for i := range list {
		for _, action := range actions {
			if !a.Who.May(vault.ID(p.Project), action, thing(&list[i], tags)) {
				return desk.Refuse(action, access.Secrets)
			}
		}
	}
	return err
}

// DeleteEmptyFolder is DeleteFolder for one that holds nothing, unless forced.
func DeleteEmptyFolder(a *desk.Ask) (any, error) {
	body, p, err := folderBody(a)
	if err != nil {
		return nil, err
	}
	_, at, err := pick(a, p, "delete")
	if err == nil {
		err = mayAll(a, at, "delete")
	}
	if err != nil {
		return nil, err
	}
	if body.Force == nil || !*body.Force {
		q := vault.Question{Action: "folder.delete", Place: at}
		return oneFolder(vault.Write(a.Context(), a.Vault, a.Caller, q, func(w *tree.Writer) (vault.Folder, error) {
			below, err := w.Folders(at, true)
			if err != nil {
				return vault.Folder{}, err
			}
			inside, err := w.List(at, vault.ListOptions{NamesOnly: true})
			if err != nil {
				return vault.Folder{}, err
			}
			if len(below) > 1 || len(inside) > 0 {
				return vault.Folder{}, api.Errorf(api.Invalid, "Folder is not empty; delete it with forceDelete")
			}
			f, _, err := w.DeleteFolder(at)
			return f, err
		}))
	}
	return oneFolder(a.Vault.DeleteFolder(a.Context(), a.Caller, at))
}
