package server

import (
	"net/http"
	"os"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
)

// health is the dialect's own status: is anybody there.
func (s *Server) health(*http.Request) (any, error) {
	return struct {
		Date                    api.Time `json:"date"`
		Message                 string   `json:"message"`
		EmailConfigured         bool     `json:"emailConfigured"`
		InviteOnlySignup        bool     `json:"inviteOnlySignup"`
		RedisConfigured         bool     `json:"redisConfigured"`
		SecretScanningConfigure bool     `json:"secretScanningConfigured"`
	}{Date: api.Time{Time: time.Now()}, Message: "Ok", InviteOnlySignup: true}, nil
}

// login has no identities to know: every answer is that of wrong credentials.
func (s *Server) login(r *http.Request) (any, error) {
	var body struct{ ClientID, ClientSecret *api.Plain }
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	switch {
	case body.ClientID == nil:
		return nil, api.Required("clientId")
	case body.ClientSecret == nil:
		return nil, api.Required("clientSecret")
	}
	return nil, unauthorized("Invalid credentials")
}

func (s *Server) renew(r *http.Request) (any, error) {
	var body struct{ AccessToken *api.Plain }
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	if body.AccessToken == nil {
		return nil, api.Required("accessToken")
	}
	return nil, unauthorized("No identity access token found")
}

func unauthorized(message string) *api.Error {
	return &api.Error{Code: api.Denied, Status: http.StatusUnauthorized, Name: "UnauthorizedError", Message: message}
}

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
	list, err := v.List(r.Context(), s.caller(r), place, vault.ListOptions{})
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
	return api.SecretOne{Secret: dialect.Secret(&done, true)}, nil
}
