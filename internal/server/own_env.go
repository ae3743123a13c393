package server

import (
	"net/http"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/moment"
)

// ownPast are Bailey's routes about what environments were.
func (s *Server) ownPast() map[string]handler {
	return map[string]handler{
		"POST " + api.Base + "/environments/restore":  s.on(s.restoreEnvironment),
		"POST " + api.Base + "/environments/diff":     s.on(s.diff),
		"POST " + api.Base + "/environments/rollback": s.on(s.rollback),
		"GET " + api.Base + "/environments/log":       s.on(s.commits),
		"POST " + api.Base + "/projects/restore":      s.on(s.restoreProject),
	}
}

func readMoment(r *http.Request) (m api.Moment, p vault.Place, at moment.Point, err error) {
	if err = dialect.Read(r, &m); err != nil {
		return m, p, at, err
	}
	if m.Project == "" {
		return m, p, at, api.Required("project")
	}
	at.Version = m.Version
	if m.Time != nil {
		at.Time = m.Time.Time
	}
	return m, vault.Place{Project: m.Project, Environment: m.Environment}, at, nil
}

func (s *Server) restoreEnvironment(v *vault.Vault, r *http.Request) (any, error) {
	m, _, _, err := readMoment(r)
	if err != nil {
		return nil, err
	}
	e, err := v.RestoreEnvironment(r.Context(), s.caller(r), m.Project, m.Environment)
	return dialect.Environment(&e), err
}

func (s *Server) restoreProject(v *vault.Vault, r *http.Request) (any, error) {
	m, _, _, err := readMoment(r)
	if err != nil {
		return nil, err
	}
	p, err := v.RestoreProject(r.Context(), s.caller(r), m.Project)
	return dialect.Project(&p), err
}

func differences(list []moment.Difference, err error) (any, error) {
	out := make([]api.Difference, 0, len(list))
	for _, d := range list {
		out = append(out, api.Difference{Path: d.Path, Name: string(d.Name), Kind: d.Kind})
	}
	return map[string][]api.Difference{"differences": out}, err
}

func (s *Server) diff(v *vault.Vault, r *http.Request) (any, error) {
	m, p, at, err := readMoment(r)
	if err != nil {
		return nil, err
	}
	other := dialect.First(m.Other, m.Environment)
	return differences(moment.Diff(r.Context(), v, s.caller(r), p.Project, moment.Side{Environment: m.Environment, Point: at}, moment.Side{Environment: other}))
}

func (s *Server) rollback(v *vault.Vault, r *http.Request) (any, error) {
	m, p, at, err := readMoment(r)
	if err != nil {
		return nil, err
	}
	if m.Version == 0 && m.Time == nil {
		return nil, api.Errorf(api.Invalid, "a rollback needs a time or a version")
	}
	return differences(moment.Rollback(r.Context(), v, s.caller(r), p, at, m.DryRun))
}

func (s *Server) commits(v *vault.Vault, r *http.Request) (any, error) {
	q := r.URL.Query()
	list, err := moment.Log(r.Context(), v, s.caller(r), vault.Place{Project: q.Get("project"), Environment: q.Get("environment")})
	out := make([]api.Commit, 0, len(list))
	for _, c := range list {
		out = append(out, api.Commit{Version: c.Version, Time: api.Time{Time: c.Time}, Actor: c.Actor, Names: c.Names})
	}
	return map[string][]api.Commit{"commits": out}, err
}
