package desk

import (
	"context"
	"net/netip"
	"slices"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/access"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/identity"
)

// localOwner is the owner of the personal secrets of whoever has the vault's
// own socket.
const localOwner = "local"

// Visitor is who asks: the user of this machine on its socket, or whoever a
// token belongs to. The zero Visitor may nothing.
type Visitor struct {
	Local     bool
	Principal identity.Principal
	From      netip.Addr // invalid on the socket
}

type visitorKey struct{}

// WithVisitor marks a request's context as coming from v.
func WithVisitor(ctx context.Context, v Visitor) context.Context {
	return context.WithValue(ctx, visitorKey{}, v)
}

// VisitorOf is who a request comes from; nobody, unless it was marked.
func VisitorOf(ctx context.Context) Visitor {
	v, _ := ctx.Value(visitorKey{}).(Visitor)
	return v
}

// Owner is whose personal secrets the visitor sees; "" for machines.
func (v Visitor) Owner() string {
	if v.Local {
		return localOwner
	}
	return ""
}

// Actor is how audit records call the visitor.
func (v Visitor) Actor() string {
	if v.Principal.Service != nil {
		return "service:" + v.Principal.Name()
	}
	return "identity:" + v.Principal.Name()
}

// rules are what the visitor may in a project.
func (v Visitor) rules(project vault.ID) (u access.Union) {
	switch {
	case v.Local:
		return access.Everything()
	case v.Principal.Service != nil:
		return serviceRules(v.Principal.Service, project)
	}
	for _, g := range v.Principal.Grants[project] {
		if g.Role == nil {
			u = append(u, access.RulesOf(g.Slug))
		} else if rs, err := access.Parse(g.Role.Permissions); err == nil { // else it gives nothing
			u = append(u, rs)
		}
	}
	return u
}

func serviceRules(t *identity.ServiceToken, project vault.ID) access.Union {
	if t.Project != project {
		return nil
	}
	var actions []string
	for _, p := range t.Permissions {
		if p == "read" {
			actions = append(actions, "read")
		} else {
			actions = append(actions, "create", "edit", "delete")
		}
	}
	rules := access.Rules{{Subject: access.Environments, Actions: []string{"read"}}, {Subject: access.Workspace, Actions: []string{"read"}}}
	for _, s := range t.Scopes {
		for _, subject := range []string{access.Secrets, access.Folders, access.Imports} {
			rules = append(rules, access.Rule{Subject: subject, Actions: actions, Conditions: []access.Condition{
				{Field: "environment", Operator: "$eq", Values: []string{s.Environment}},
				{Field: "secretPath", Operator: "$glob", Values: []string{s.SecretPath}},
			}})
		}
	}
	return access.Union{rules}
}

// May says whether the visitor may do that in a project.
func (v Visitor) May(project vault.ID, action string, t access.Thing) bool {
	return v.rules(project).May(action, t)
}

// Belongs says whether the visitor has any role in a project that gives
// something.
func (v Visitor) Belongs(project vault.ID) bool {
	return slices.ContainsFunc(v.rules(project), func(rs access.Rules) bool { return len(rs) > 0 })
}

// Administers says whether the visitor may everything in a project: only then
// he gives to others, who then have no more than he has.
func (v Visitor) Administers(project vault.ID) bool {
	return v.OrgAdmin() || v.May(project, "manage", access.Thing{Subject: "all"})
}

// OrgAdmin says whether the visitor makes identities.
func (v Visitor) OrgAdmin() bool {
	return v.Local || v.Principal.Service == nil && v.Principal.Identity.ID != "" && v.Principal.Identity.Role == identity.OrgAdmin
}

// OrgMember says whether the visitor makes projects.
func (v Visitor) OrgMember() bool {
	return v.OrgAdmin() || v.Principal.Service == nil && v.Principal.Identity.Role == identity.OrgMember
}

// Refuse is the answer to what may not be done.
func Refuse(action, subject string) *api.Error {
	return api.Errorf(api.Denied, "You are not allowed to %s on %s", action, subject)
}
