package server

import (
	"net/http"
	"os"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/link"
)

// status works without a vault and while it is locked.
func (s *Server) status(r *http.Request) (any, error) {
	out := api.Status{
		Version: s.opts.Version, Build: s.build.String(), Protocol: api.Protocol,
		Pid: os.Getpid(), IdleSeconds: int(s.opts.Idle / time.Second), Locked: true,
	}
	v, err := s.open(r.Context())
	if api.IsCode(err, api.Missing) {
		out.Locked = false
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	info, err := v.Info(r.Context())
	if err != nil {
		return nil, err
	}
	out.Vault, out.Locked, out.Projects = true, info.Locked, info.Projects
	out.BackupVerified, out.CreatedAt = !info.RecoveryVerified.IsZero(), api.Time{Time: info.CreatedAt}
	out.CodeShown = !info.RecoveryShown.IsZero()
	return out, nil
}

func (s *Server) projects(v *vault.Vault, r *http.Request) (any, error) {
	list, err := v.Projects(r.Context(), s.caller(r))
	if err != nil {
		return nil, err
	}
	out := make([]api.Project, 0, len(list))
	for i := range list {
		out = append(out, dialect.Project(&list[i]))
	}
	return struct {
		Projects []api.Project `json:"projects"`
	}{out}, nil
}

func (s *Server) project(v *vault.Vault, r *http.Request) (any, error) {
	p, err := v.Project(r.Context(), s.caller(r), r.PathValue("project"))
	if err != nil {
		return nil, err
	}
	return dialect.Project(&p), nil
}

func (s *Server) createProject(v *vault.Vault, r *http.Request) (any, error) {
	var body api.Project
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	if body.Slug == "" {
		return nil, api.Required("slug")
	}
	p, err := v.CreateProject(r.Context(), s.caller(r), body.Slug, dialect.First(body.Name, body.Slug))
	if err != nil {
		return nil, err
	}
	return dialect.Project(&p), nil
}

func (s *Server) createEnvironment(v *vault.Vault, r *http.Request) (any, error) {
	var body api.Environment
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	if body.Slug == "" {
		return nil, api.Required("slug")
	}
	e, err := v.CreateEnvironment(r.Context(), s.caller(r), r.PathValue("project"),
		vault.Environment{Slug: body.Slug, Name: dialect.First(body.Name, body.Slug)})
	if err != nil {
		return nil, err
	}
	return dialect.Environment(&e), nil
}

// placeholders derives stand-ins. Names that the folder lacks are left out:
// a stand-in has the shape of a value.
func (s *Server) placeholders(v *vault.Vault, r *http.Request) (any, error) {
	var q api.PlaceholderQuery
	if err := dialect.Read(r, &q); err != nil {
		return nil, err
	}
	place := vault.Place{Project: q.Project, Environment: q.Environment, Path: q.Path}
	list, err := shown(r, v, s.caller(r), place)
	if err != nil {
		return nil, err
	}
	key, err := v.PlaceholderKey(r.Context(), q.Project)
	if err != nil {
		return nil, err
	}
	byName := make(map[secret.Name]*vault.Secret, len(list))
	for i := range list {
		byName[list[i].Name] = &list[i]
	}
	items := make([]api.Standin, 0, len(q.Names))
	for _, want := range q.Names {
		found, ok := byName[want.Name]
		if !ok {
			continue
		}
		text, err := standin(want.Kind, key.Reveal(), found, q.Profile)
		if err != nil {
			return nil, err
		}
		items = append(items, api.Standin{Name: want.Name, Placeholder: text})
	}
	return struct {
		Items []api.Standin `json:"items"`
	}{items}, nil
}

// shown are the values that programs get: imported, the user's own, resolved.
func shown(r *http.Request, v *vault.Vault, c vault.Caller, p vault.Place) ([]vault.Secret, error) {
	l, err := link.List(r.Context(), v, c, p, link.Options{Imports: true, Expand: true, Owner: desk.VisitorOf(r.Context()).Owner()})
	if err != nil {
		return nil, err
	}
	var all []vault.Secret
	for _, im := range l.Imports { // of two with a name, the later counts
		all = append(all, im.Secrets...)
	}
	return append(all, l.Secrets...), nil
}

func standin(kind string, key []byte, s *vault.Secret, profile string) (string, error) {
	switch kind {
	case api.KindPlaceholder, "":
		return string(secret.NewPlaceholder(key, s.Name, string(s.Project), profile, s.Value)), nil
	case api.KindFake:
		return string(secret.Fake(key, s.Name, string(s.Project), s.Value).Reveal()), nil
	}
	return "", api.Errorf(api.Invalid, "kind is placeholder or fake")
}

func (s *Server) history(v *vault.Vault, r *http.Request) (any, error) {
	q := r.URL.Query()
	ref := vault.Ref{Project: q.Get("project"), Environment: q.Get("environment"), Path: q.Get("path"), Name: secret.Name(q.Get("name"))}
	list, err := v.History(r.Context(), s.caller(r), ref)
	if err != nil {
		return nil, err
	}
	out := make([]api.Version, 0, len(list))
	for i := range list {
		e := &list[i]
		out = append(out, api.Version{
			Version: e.Version, CreatedAt: api.Time{Time: e.UpdatedAt}, Actor: e.Actor, Deleted: e.Deleted,
			Current: i == 0 && !e.Deleted,
		})
	}
	return struct {
		Versions []api.Version `json:"versions"`
	}{out}, nil
}

func (s *Server) restore(v *vault.Vault, r *http.Request) (any, error) {
	var body api.Restore
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	ref := vault.Ref{Project: body.Project, Environment: body.Environment, Path: body.Path, Name: body.Name}
	done, err := v.Restore(r.Context(), s.caller(r), ref, body.Version)
	if err != nil {
		return nil, err
	}
	return api.SecretOne{Secret: dialect.Secret(&done, true, nil)}, nil
}
