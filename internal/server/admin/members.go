package admin

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/access"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/identity"
	"github.com/bailey-project/bailey/internal/vault/member"
)

// withChange answers the change of a way to log in.
func withChange(a *desk.Ask, word string, do func(context.Context, *vault.Vault, vault.Caller, string, identity.MethodChange) (identity.Method, error)) (any, error) {
	ch, err := methodChange(a)
	if err != nil {
		return nil, err
	}
	if err := a.OrgAdmins("edit", "identity"); err != nil {
		return nil, err
	}
	m, err := do(a.Context(), a.Vault, a.Caller, a.PathValue("identity"), ch)
	return methodOf(word, m, err)
}

// plain answers what needs no body about a way to log in.
func plain(a *desk.Ask, action, word string, do func(context.Context, *vault.Vault, vault.Caller, string) (identity.Method, error)) (any, error) {
	if err := a.OrgAdmins(action, "identity"); err != nil {
		return nil, err
	}
	m, err := do(a.Context(), a.Vault, a.Caller, a.PathValue("identity"))
	return methodOf(word, m, err)
}

// number reads a number that is not negative from the query.
func number(a *desk.Ask, name string, byDefault int) (int, error) {
	text := a.Query().Get(name)
	if text == "" {
		return byDefault, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, &api.Error{Code: api.Invalid, Status: 422, Name: "ValidationFailure", Message: name + " is not a number",
			Issues: []api.Issue{{Code: "invalid_type", Expected: "number", Received: "nan", Path: []string{name}, Message: "Expected number, received nan"}}}
	}
	return n, nil
}

// roleGrantJSON is a role that was given, in the dialect.
type roleGrantJSON struct {
	ID          string    `json:"id"`
	Role        string    `json:"role"`
	Membership  string    `json:"projectMembershipId,omitempty"`
	CustomID    *string   `json:"customRoleId"`
	CustomName  *string   `json:"customRoleName,omitempty"`
	CustomSlug  *string   `json:"customRoleSlug,omitempty"`
	IsTemporary bool      `json:"isTemporary"`
	Mode        *string   `json:"temporaryMode"`
	Range       *string   `json:"temporaryRange"`
	Start       *api.Time `json:"temporaryAccessStartTime"`
	End         *api.Time `json:"temporaryAccessEndTime"`
}

// custom is the dialect's word for a role that a project made.
const custom = "custom"

func roleGrantOf(g member.RoleGrant, membership string) roleGrantJSON {
	out := roleGrantJSON{ID: string(g.ID), Role: g.Slug, Membership: membership, IsTemporary: g.Temporary}
	if g.Role != nil {
		id := string(g.Role.ID)
		out.Role, out.CustomID, out.CustomName, out.CustomSlug = custom, &id, &g.Role.Name, &g.Role.Slug
	}
	if g.Temporary {
		mode := "relative"
		out.Mode, out.Range, out.Start, out.End = &mode, &g.Range, &api.Time{Time: g.Start}, &api.Time{Time: g.End}
	}
	return out
}

// wantedRoles reads the roles of a body. Clients send empty strings and a time
// of now for what is not temporary.
func wantedRoles(a *desk.Ask) (out []member.RoleGrant, err error) {
	var body struct {
		Role  string
		Roles []struct {
			Role, TemporaryMode, TemporaryRange string
			IsTemporary                         bool
			TemporaryAccessStartTime            *time.Time
		}
	}
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	if body.Role != "" {
		out = append(out, member.RoleGrant{Slug: body.Role})
	}
	for _, r := range body.Roles {
		g := member.RoleGrant{Slug: r.Role}
		if r.IsTemporary {
			d, err := span(r.TemporaryRange)
			if err != nil || r.TemporaryAccessStartTime == nil {
				return nil, api.Errorf(api.Invalid, "a temporary role needs temporaryRange, such as 1h, and temporaryAccessStartTime")
			}
			g.Temporary, g.Range, g.Start = true, r.TemporaryRange, *r.TemporaryAccessStartTime
			g.End = g.Start.Add(d)
		}
		out = append(out, g)
	}
	if len(out) == 0 {
		return nil, api.Required("roles")
	}
	return out, nil
}

// span reads "30s", "1h" and, as the dialect does, "7d" and "2w".
func span(s string) (time.Duration, error) {
	for unit, d := range map[string]time.Duration{"d": 24 * time.Hour, "w": 7 * 24 * time.Hour} {
		if n, err := strconv.Atoi(strings.TrimSuffix(s, unit)); err == nil && strings.HasSuffix(s, unit) && n > 0 && n <= 3650 {
			return time.Duration(n) * d, nil
		}
	}
	return time.ParseDuration(s)
}

func setMember(a *desk.Ask, fresh bool) (m member.Membership, err error) {
	roles, err := wantedRoles(a)
	if err != nil {
		return m, err
	}
	project, err := a.Administrators(a.PathValue("project"), "members")
	if err != nil {
		return m, err
	}
	m = member.Membership{Project: project, Identity: vault.ID(a.PathValue("identity")), Roles: roles}
	return member.Set(a.Context(), a.Vault, a.Caller, m, fresh, access.BuiltIn)
}

type memberJSON struct {
	ID         string           `json:"id"`
	ProjectID  string           `json:"projectId"`
	IdentityID string           `json:"identityId"`
	CreatedAt  api.Time         `json:"createdAt"`
	UpdatedAt  api.Time         `json:"updatedAt"`
	Roles      *[]roleGrantJSON `json:"roles,omitempty"`
	Identity   *identityJSON    `json:"identity,omitempty"`
	Project    *projectRef      `json:"project,omitempty"`
}

type projectRef struct {
	Name string `json:"name"`
	ID   string `json:"id"`
}

func memberOf(m member.Membership) memberJSON {
	return memberJSON{ID: string(m.ID), ProjectID: string(m.Project), IdentityID: string(m.Identity),
		CreatedAt: api.Time{Time: m.CreatedAt}, UpdatedAt: api.Time{Time: m.UpdatedAt}}
}

// whole is a membership with its roles, identity and project.
func whole(a *desk.Ask, m member.Membership) (memberJSON, error) {
	out := memberOf(m)
	roles := []roleGrantJSON{}
	for _, g := range m.Roles {
		roles = append(roles, roleGrantOf(g, ""))
	}
	i, err := identity.Get(a.Context(), a.Vault, a.Caller, string(m.Identity))
	if err != nil {
		return out, err
	}
	who := identityOf(i)
	p, err := a.Vault.Project(a.Context(), a.Caller, string(m.Project))
	out.Roles, out.Identity, out.Project = &roles, &who, &projectRef{p.Name, string(p.ID)}
	return out, err
}

func oneMember(m memberJSON, err error) (any, error) {
	return map[string]memberJSON{"identityMembership": m}, err
}

// AddMember gives an identity roles in a project where it has none.
func AddMember(a *desk.Ask) (any, error) {
	m, err := setMember(a, true)
	return oneMember(memberOf(m), err)
}

// UpdateMember replaces the roles of an identity in a project.
func UpdateMember(a *desk.Ask) (any, error) {
	m, err := setMember(a, false)
	out := []roleGrantJSON{}
	for _, g := range m.Roles {
		out = append(out, roleGrantOf(g, string(m.ID)))
	}
	return map[string][]roleGrantJSON{"roles": out}, err
}

// GetMember answers what an identity may in a project.
func GetMember(a *desk.Ask) (any, error) {
	project, err := a.Require(a.PathValue("project"), "read", access.Thing{Subject: access.Identities})
	if err != nil {
		return nil, err
	}
	m, err := member.Get(a.Context(), a.Vault, a.Caller, string(project), a.PathValue("identity"))
	if err != nil {
		return nil, err
	}
	return oneMember(whole(a, m))
}

// GetMemberByID finds a membership by its own id.
func GetMemberByID(a *desk.Ask) (any, error) {
	m, err := member.ByID(a.Context(), a.Vault, a.Caller, a.PathValue("membership"))
	if err == nil {
		_, err = a.Require(string(m.Project), "read", access.Thing{Subject: access.Identities})
	}
	if err != nil {
		return nil, err
	}
	return oneMember(whole(a, m))
}

// ListMembers answers the identities of a project, in pages.
func ListMembers(a *desk.Ask) (any, error) {
	project, err := a.Require(a.PathValue("project"), "read", access.Thing{Subject: access.Identities})
	if err != nil {
		return nil, err
	}
	list, err := member.List(a.Context(), a.Vault, a.Caller, string(project))
	if err != nil {
		return nil, err
	}
	page, err := paged(a, list)
	out := make([]memberJSON, 0, len(page))
	for _, m := range page {
		one, err := whole(a, m)
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return struct {
		Memberships []memberJSON `json:"identityMemberships"`
		Total       int          `json:"totalCount"`
	}{out, len(list)}, err
}

// RemoveMember takes all roles in a project from an identity.
func RemoveMember(a *desk.Ask) (any, error) {
	project, err := a.Administrators(a.PathValue("project"), "members")
	if err != nil {
		return nil, err
	}
	m, err := member.Remove(a.Context(), a.Vault, a.Caller, string(project), a.PathValue("identity"))
	return oneMember(memberOf(m), err)
}

type roleJSON struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Slug        string          `json:"slug"`
	Permissions json.RawMessage `json:"permissions,omitempty"`
	CreatedAt   api.Time        `json:"createdAt"`
	UpdatedAt   api.Time        `json:"updatedAt"`
	ProjectID   string          `json:"projectId"`
}

func roleOf(r member.Role, permissions bool) roleJSON {
	out := roleJSON{string(r.ID), r.Name, r.Description, r.Slug, nil, api.Time{Time: r.CreatedAt}, api.Time{Time: r.UpdatedAt}, string(r.Project)}
	if permissions {
		out.Permissions = r.Permissions
	}
	return out
}

// builtIn are the roles that every project has. Their ids are the dialect's.
func builtIn(project vault.ID) (out []roleJSON) {
	for i, r := range [][3]string{
		{access.Admin, "Admin", "Full administrative access over a project"}, {access.Member, "Developer", "Limited read/write role in a project"},
		{access.Viewer, "Viewer", "Only read role in a project"}, {access.NoAccess, "No Access", "No access to any resources in the project"},
	} {
		id := "b11b49a9-09a9-4443-916a-4246f9ff2c" + strconv.Itoa(69+i)
		out = append(out, roleJSON{ID: id, Slug: r[0], Name: r[1], Description: r[2], ProjectID: string(project)})
	}
	return out
}

// ListRoles answers the roles of a project, the built-in ones first.
func ListRoles(a *desk.Ask) (any, error) {
	project, err := a.Require(a.PathValue("project"), "read", access.Thing{Subject: access.Roles})
	if err != nil {
		return nil, err
	}
	list, err := member.Roles(a.Context(), a.Vault, a.Caller, string(project))
	out := builtIn(project)
	for _, r := range list {
		out = append(out, roleOf(r, false))
	}
	return map[string][]roleJSON{"roles": out}, err
}

// GetRole finds one that a project made, by id or slug.
func GetRole(a *desk.Ask) (any, error) {
	project, err := a.Require(a.PathValue("project"), "read", access.Thing{Subject: access.Roles})
	if err != nil {
		return nil, err
	}
	list, err := member.Roles(a.Context(), a.Vault, a.Caller, string(project))
	which := a.PathValue("role")
	for _, r := range list {
		if r.Slug == which || string(r.ID) == which {
			return map[string]roleJSON{"role": roleOf(r, true)}, nil
		}
	}
	if err == nil {
		err = api.Errorf(api.Missing, "Role not found")
	}
	return nil, err
}

// CreateRole makes a role for a project.
func CreateRole(a *desk.Ask) (any, error) { return putRole(a, "") }

// UpdateRole changes one.
func UpdateRole(a *desk.Ask) (any, error) { return putRole(a, vault.ID(a.PathValue("role"))) }

func putRole(a *desk.Ask, id vault.ID) (any, error) {
	var body struct {
		Slug, Name, Description string
		Permissions             json.RawMessage
	}
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	project, err := a.Administrators(a.PathValue("project"), "roles")
	if err != nil {
		return nil, err
	}
	switch {
	case id == "" && body.Slug == "":
		return nil, api.Required("slug")
	case id == "" && body.Permissions == nil:
		return nil, api.Required("permissions")
	case access.BuiltIn(body.Slug) || body.Slug == custom:
		return nil, api.Errorf(api.Invalid, "Role with slug %s already exists", body.Slug)
	}
	if body.Permissions != nil {
		if body.Permissions, err = normal(body.Permissions); err != nil {
			return nil, api.Errorf(api.Invalid, "%s", err)
		}
	}
	name := body.Name
	if id == "" && name == "" {
		name = body.Slug
	}
	r, err := member.PutRole(a.Context(), a.Vault, a.Caller,
		member.Role{ID: id, Project: project, Slug: body.Slug, Name: name, Description: body.Description, Permissions: body.Permissions})
	return map[string]roleJSON{"role": roleOf(r, true)}, err
}

// normal checks permissions and gives every action the form of a list, as
// answers have it.
func normal(raw json.RawMessage) (json.RawMessage, error) {
	if _, err := access.Parse(raw); err != nil {
		return nil, err
	}
	var list []map[string]any
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	for _, p := range list {
		if one, ok := p["action"].(string); ok {
			p["action"] = []string{one}
		}
	}
	return json.Marshal(list)
}

// DeleteRole removes a role; whoever had it has less.
func DeleteRole(a *desk.Ask) (any, error) {
	project, err := a.Administrators(a.PathValue("project"), "roles")
	if err != nil {
		return nil, err
	}
	r, err := member.DeleteRole(a.Context(), a.Vault, a.Caller, string(project), a.PathValue("role"))
	return map[string]roleJSON{"role": roleOf(r, true)}, err
}
