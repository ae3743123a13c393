// Package desk is where a request of the dialect arrives: who asks, for what,
// and whether he may.
//
// It answers nothing itself and knows no route; packages content and admin do.
// Its invariants: a handler has no way to the vault but through an Ask, which
// knows its visitor; and a visitor that nobody let in may nothing.
package desk

import (
	"net/http"
	"net/url"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/access"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// Ask is one request to be answered.
type Ask struct {
	*http.Request
	Vault  *vault.Vault
	Who    Visitor
	Caller vault.Caller
	// Refused records that somebody was not let in.
	Refused func(action, detail string)
	Exact   bool // answer as the original does where it is known to be worse, see doc/compatibility.md
}

// Handler answers one route: a value for the body, or an error.
type Handler func(a *Ask) (any, error)

// Query is the request's query.
func (a *Ask) Query() url.Values { return a.URL.Query() }

// Body decodes the request's body.
func (a *Ask) Body(into any) error { return dialect.Read(a.Request, into) }

// Project finds the id of a project that is named by id or slug.
func (a *Ask) Project(idOrSlug string) (vault.ID, error) {
	p, err := vault.Look(a.Context(), a.Vault, func(w *tree.Reader) (vault.Project, error) { return w.Project(idOrSlug) })
	return p.ID, err
}

// Require finds a project and refuses what the visitor may not do there.
func (a *Ask) Require(idOrSlug, action string, t access.Thing) (vault.ID, error) {
	id, err := a.Project(idOrSlug)
	if err != nil {
		return "", err
	}
	if !a.Who.May(id, action, t) {
		return "", Refuse(action, t.Subject)
	}
	return id, nil
}

// RequireAt is Require for what lies in a folder. The environment may be named
// in the dialect's or in Bailey's words; p gets the project's id and the
// environment's slug.
func (a *Ask) RequireAt(p *vault.Place, action, subject string) error {
	return a.RequireAnd(p, action, subject, func(*tree.Reader) error { return nil })
}

// RequireAnd is RequireAt, reading something more in the same look.
func (a *Ask) RequireAnd(p *vault.Place, action, subject string, more func(*tree.Reader) error) error {
	_, err := vault.Look(a.Context(), a.Vault, func(w *tree.Reader) (struct{}, error) {
		err := dialect.Aliased(&p.Environment, func() error {
			e, err := w.Environment(p.Project, p.Environment)
			if err == nil {
				p.Project, p.Environment = string(e.Project), e.Slug
			}
			return err
		})
		if err == nil {
			err = more(w)
		}
		return struct{}{}, err
	})
	if err != nil {
		return err
	}
	if !a.Who.May(vault.ID(p.Project), action, access.Thing{Subject: subject, Environment: p.Environment, Path: p.Path, Some: true}) {
		return Refuse(action, subject)
	}
	return nil
}

// Administrators refuses who does not administer a project.
func (a *Ask) Administrators(idOrSlug, subject string) (vault.ID, error) {
	id, err := a.Project(idOrSlug)
	if err == nil && !a.Who.Administers(id) {
		err = &api.Error{Code: api.Denied, Name: "PermissionBoundaryError", Message: "Only an administrator of the project may change its " + subject}
	}
	return id, err
}

// OrgAdmins refuses who does not administer the organisation.
func (a *Ask) OrgAdmins(action, subject string) error {
	if !a.Who.OrgAdmin() {
		return Refuse(action, subject)
	}
	return nil
}
