package server

import (
	"encoding/base64"
	"io/fs"
	"net/http"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
)

// originals lists the sealed files of a project or, with path, reads one.
func (s *Server) originals(v *vault.Vault, r *http.Request) (any, error) {
	project, path := r.URL.Query().Get("project"), r.URL.Query().Get("path")
	if project == "" {
		return nil, api.Required("project")
	}
	if path == "" {
		return s.listOriginals(r, v, project)
	}
	o, err := v.Original(r.Context(), s.caller(r), project, path)
	if err != nil {
		return nil, err
	}
	out := dialect.Original(&o)
	content := api.PlainString(base64.StdEncoding.EncodeToString(o.Data.Reveal()))
	out.Content = &content
	return out, nil
}

func (s *Server) listOriginals(r *http.Request, v *vault.Vault, project string) (any, error) {
	list, err := v.Originals(r.Context(), s.caller(r), project)
	if err != nil {
		return nil, err
	}
	out := make([]api.Original, 0, len(list))
	for i := range list {
		out = append(out, dialect.Original(&list[i]))
	}
	return struct {
		Originals []api.Original `json:"originals"`
	}{out}, nil
}

func (s *Server) putOriginal(v *vault.Vault, r *http.Request) (any, error) {
	var body api.Original
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	if body.Content == nil {
		return nil, api.Required("content")
	}
	b, err := base64.StdEncoding.DecodeString(string(body.Content.Value().Reveal()))
	if err != nil {
		return nil, api.Errorf(api.Invalid, "content is not base64")
	}
	return nil, v.PutOriginal(r.Context(), s.caller(r), r.URL.Query().Get("project"), vault.Original{
		Path: body.Path, Mode: fs.FileMode(body.Mode).Perm(), Data: secret.NewValue(b),
	})
}

func (s *Server) deleteOriginal(v *vault.Vault, r *http.Request) (any, error) {
	q := r.URL.Query()
	return nil, v.DeleteOriginal(r.Context(), s.caller(r), q.Get("project"), q.Get("path"))
}
