package server

import (
	"net/http"
	"path"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
)

func (s *Server) listFolders(v *vault.Vault, r *http.Request) (any, error) {
	q := r.URL.Query()
	place, err := dialect.PlaceOf(q)
	if err != nil {
		return nil, err
	}
	list, err := s.folders(v, r, &place, dialect.Flag(q, "recursive", false))
	if err != nil {
		return nil, err
	}
	out := make([]api.Folder, 0, len(list))
	for _, f := range list {
		out = append(out, dialect.Folder(f))
	}
	return struct {
		Folders []api.Folder `json:"folders"`
	}{out}, nil
}

// folders lists what lies in p, without p itself.
func (s *Server) folders(v *vault.Vault, r *http.Request, p *vault.Place, recursive bool) ([]vault.Folder, error) {
	var list []vault.Folder
	err := dialect.Aliased(&p.Environment, func() (err error) {
		list, err = v.Folders(r.Context(), s.caller(r), *p, recursive)
		return err
	})
	if len(list) > 0 {
		list = list[1:]
	}
	return list, err
}

func (s *Server) makeFolder(v *vault.Vault, r *http.Request) (any, error) {
	var body api.FolderWrite
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	if body.Name == "" {
		return nil, api.Required("name")
	}
	place, err := dialect.PlaceOfFolder(&body)
	if err != nil {
		return nil, err
	}
	place.Path = path.Join("/", place.Path, body.Name)
	var made vault.Folder
	err = dialect.Aliased(&place.Environment, func() error {
		made, err = v.CreateFolder(r.Context(), s.caller(r), place)
		return err
	})
	if err != nil {
		return nil, err
	}
	return oneFolder(made), nil
}

// deleteFolder takes an id or a name, in the folder that path or directory
// names.
func (s *Server) deleteFolder(v *vault.Vault, r *http.Request) (any, error) {
	var body api.FolderWrite
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	place, err := dialect.PlaceOfFolder(&body)
	if err != nil {
		return nil, err
	}
	list, err := s.folders(v, r, &place, false)
	if err != nil {
		return nil, err
	}
	which := r.PathValue("folder")
	for _, f := range list {
		if string(f.ID) != which && f.Name != which {
			continue
		}
		place.Path = f.Path
		gone, err := v.DeleteFolder(r.Context(), s.caller(r), place)
		if err != nil {
			return nil, err
		}
		return oneFolder(gone), nil
	}
	return nil, &api.Error{Code: api.Missing, Name: "Delete folder", Message: "Folder not found"}
}

func oneFolder(f vault.Folder) any {
	return struct {
		Folder api.Folder `json:"folder"`
	}{dialect.Folder(f)}
}
