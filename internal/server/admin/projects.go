// Package admin answers for who and where: projects and their environments,
// identities and how they log in, what they may, and service tokens.
//
// It knows no secret, and decides nothing about who asks; desk does, and every
// handler asks it first. Its invariant: nobody gives another more than he has
// himself, because only administrators give.
package admin

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/access"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/identity"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/member"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// projectJSON is a project in the dialect. What this server has no notion of
// says so: no quota on history, no key of another service.
type projectJSON struct {
	ID                  string    `json:"id"`
	LegacyID            string    `json:"_id"`
	Name                string    `json:"name"`
	Slug                string    `json:"slug"`
	Description         string    `json:"description"`
	Type                string    `json:"type"`
	AutoCapitalization  bool      `json:"autoCapitalization"`
	OrgID               string    `json:"orgId"`
	CreatedAt           api.Time  `json:"createdAt"`
	UpdatedAt           api.Time  `json:"updatedAt"`
	Version             int       `json:"version"`
	UpgradeStatus       *string   `json:"upgradeStatus"`
	PitVersionLimit     int       `json:"pitVersionLimit"`
	KmsCertificateKeyID *string   `json:"kmsCertificateKeyId"`
	AuditLogsRetention  *int      `json:"auditLogsRetentionDays"`
	HasDeleteProtection bool      `json:"hasDeleteProtection"`
	Environments        []envJSON `json:"environments"`
}

type envJSON struct {
	Name string `json:"name"`
	Slug string `json:"slug"`
	ID   string `json:"id"`
}

// keysKept is what "pitVersionLimit" says: how many versions are kept. All are.
const keysKept = 10

func projectOf(a *desk.Ask, p *vault.Project) projectJSON {
	out := projectJSON{
		ID: string(p.ID), LegacyID: string(p.ID), Name: p.Name, Slug: p.Slug, Description: p.Description, Type: "secret-manager",
		OrgID: string(organisationOf(a, p.Organisation)), CreatedAt: api.Time{Time: p.CreatedAt}, UpdatedAt: api.Time{Time: p.UpdatedAt},
		Version: 3, PitVersionLimit: keysKept, HasDeleteProtection: p.Protected, Environments: []envJSON{},
	}
	for _, e := range p.Environments {
		out.Environments = append(out.Environments, envJSON{e.Name, e.Slug, string(e.ID)})
	}
	return out
}

// organisationOf is the id of an organisation: the vault's own has the vault's.
func organisationOf(a *desk.Ask, id vault.ID) vault.ID {
	if id != "" {
		return id
	}
	own, _ := vault.Look(a.Context(), a.Vault, func(w *tree.Reader) (vault.ID, error) { return ledger.IDOf(w.Top().ID), nil })
	return own
}

// ListProjects answers the projects in which the visitor has a role.
func ListProjects(a *desk.Ask) (any, error) {
	list, err := a.Vault.Projects(a.Context(), a.Caller)
	if err != nil {
		return nil, err
	}
	out := []projectJSON{}
	for i := range list {
		if a.Who.Belongs(list[i].ID) {
			out = append(out, projectOf(a, &list[i]))
		}
	}
	word := "projects"
	if strings.HasPrefix(a.URL.Path, "/api/v1/workspace") {
		word = "workspaces"
	}
	return map[string][]projectJSON{word: out}, nil
}

// project is the one in the route, for who belongs to it.
func project(a *desk.Ask) (vault.Project, error) {
	id, err := a.Project(a.PathValue("project"))
	if err == nil && !a.Who.Belongs(id) {
		err = desk.Refuse("read", access.Workspace)
	}
	if err != nil {
		return vault.Project{}, err
	}
	return a.Vault.Project(a.Context(), a.Caller, string(id))
}

// GetProject answers one, by id or slug, as the field "workspace" or "project".
func GetProject(a *desk.Ask) (any, error) {
	p, err := project(a)
	if err != nil {
		return nil, err
	}
	return wrapped(a, projectOf(a, &p)), nil
}

func wrapped(a *desk.Ask, p projectJSON) any {
	if strings.HasPrefix(a.URL.Path, "/api/v1/workspace") {
		return map[string]projectJSON{"workspace": p}
	}
	return map[string]projectJSON{"project": p}
}

// GetProjectBare answers one as the whole answer.
func GetProjectBare(a *desk.Ask) (any, error) {
	p, err := project(a)
	return projectOf(a, &p), err
}

// CreateProject makes a project; the machine that made it administers it.
func CreateProject(a *desk.Ask) (any, error) {
	var body struct {
		ProjectName, ProjectDescription, Slug, OrganizationSlug, Type, Template string
		ShouldCreateDefaultEnvs, HasDeleteProtection                            *bool
	}
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	switch {
	case body.ProjectName == "":
		return nil, api.Required("projectName")
	case !a.Who.OrgMember():
		return nil, desk.Refuse("create", "workspace")
	case body.Type != "" && body.Type != "secret-manager":
		return nil, api.Errorf(api.Invalid, "projects of type %s are not offered", body.Type)
	case body.Template != "" && body.Template != "default":
		return nil, api.Errorf(api.Missing, "Project template '%s' not found", body.Template)
	}
	org, err := identity.FindOrganisation(a.Context(), a.Vault, a.Caller, body.OrganizationSlug)
	if err != nil {
		return nil, err
	}
	want := vault.Project{Slug: body.Slug, Name: body.ProjectName, Description: body.ProjectDescription,
		Organisation: org.ID, Protected: body.HasDeleteProtection != nil && *body.HasDeleteProtection}
	if want.Slug == "" {
		want.Slug = slugify(body.ProjectName)
	}
	var envs []vault.Environment
	if body.ShouldCreateDefaultEnvs == nil || *body.ShouldCreateDefaultEnvs {
		envs = []vault.Environment{{Slug: "dev", Name: "Development"}, {Slug: "staging", Name: "Staging"}, {Slug: "prod", Name: "Production"}}
	}
	p, err := a.Vault.MakeProject(a.Context(), a.Caller, want, envs)
	if err != nil {
		return nil, err
	}
	if !a.Who.Local {
		m := member.Membership{Project: p.ID, Identity: a.Who.Principal.Identity.ID, Roles: []member.RoleGrant{{Slug: access.Admin}}}
		if _, err := member.Set(a.Context(), a.Vault, a.Caller, m, true, access.BuiltIn); err != nil {
			return nil, err
		}
	}
	return map[string]projectJSON{"project": projectOf(a, &p)}, nil
}

// slugify makes a slug that nobody has.
func slugify(name string) string {
	var b [3]byte
	_, _ = rand.Read(b[:])
	var out strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case out.Len() > 50:
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			out.WriteRune(r)
		case out.Len() > 0 && !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
	}
	return strings.Trim(strings.Trim(out.String(), "-")+"-"+hex.EncodeToString(b[:]), "-")
}

func updateProject(a *desk.Ask) (vault.Project, error) {
	var body struct {
		Name, Description, Slug *string
		HasDeleteProtection     *bool
	}
	if err := a.Body(&body); err != nil {
		return vault.Project{}, err
	}
	id, err := a.Administrators(a.PathValue("project"), "settings")
	if err != nil {
		return vault.Project{}, err
	}
	return a.Vault.UpdateProject(a.Context(), a.Caller, string(id),
		vault.ProjectChange{Slug: body.Slug, Name: body.Name, Description: body.Description, Protected: body.HasDeleteProtection})
}

// UpdateProject changes name, slug, description or protection.
func UpdateProject(a *desk.Ask) (any, error) {
	p, err := updateProject(a)
	return wrapped(a, projectOf(a, &p)), err
}

// UpdateProjectBare is UpdateProject with the project as the whole answer.
func UpdateProjectBare(a *desk.Ask) (any, error) {
	p, err := updateProject(a)
	return projectOf(a, &p), err
}

func deleteProject(a *desk.Ask) (vault.Project, error) {
	id, err := a.Administrators(a.PathValue("project"), "existence")
	if err != nil {
		return vault.Project{}, err
	}
	return a.Vault.DeleteProject(a.Context(), a.Caller, string(id))
}

// DeleteProject hides a project; the vault's owner can bring it back.
func DeleteProject(a *desk.Ask) (any, error) {
	p, err := deleteProject(a)
	return wrapped(a, projectOf(a, &p)), err
}

// DeleteProjectBare is DeleteProject with the project as the whole answer.
func DeleteProjectBare(a *desk.Ask) (any, error) {
	p, err := deleteProject(a)
	return projectOf(a, &p), err
}

type environmentJSON struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Slug      string   `json:"slug"`
	Position  int      `json:"position"`
	ProjectID string   `json:"projectId"`
	CreatedAt api.Time `json:"createdAt"`
	UpdatedAt api.Time `json:"updatedAt"`
}

func environmentOf(e vault.Environment) environmentJSON {
	return environmentJSON{string(e.ID), e.Name, e.Slug, e.Position, string(e.Project), api.Time{Time: e.CreatedAt}, api.Time{Time: e.UpdatedAt}}
}

func changed(message string, e vault.Environment, err error) (any, error) {
	return struct {
		Message     string          `json:"message"`
		Workspace   string          `json:"workspace"`
		Environment environmentJSON `json:"environment"`
	}{message, string(e.Project), environmentOf(e)}, err
}

// CreateEnvironment adds one, at the end unless a position is named.
func CreateEnvironment(a *desk.Ask) (any, error) {
	var body struct {
		Name, Slug string
		Position   int
	}
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	id, err := a.Require(a.PathValue("project"), "create", access.Thing{Subject: access.Environments})
	switch {
	case err != nil:
		return nil, err
	case body.Name == "":
		return nil, api.Required("name")
	case body.Slug == "":
		return nil, api.Required("slug")
	}
	e, err := a.Vault.CreateEnvironment(a.Context(), a.Caller, string(id), vault.Environment{Slug: body.Slug, Name: body.Name})
	if err == nil && body.Position > 0 && body.Position != e.Position {
		e, err = a.Vault.UpdateEnvironment(a.Context(), a.Caller, string(id), string(e.ID), vault.EnvironmentChange{Position: &body.Position})
	}
	return changed("Successfully created new environment", e, err)
}

// GetEnvironment finds one of a project by id or slug.
func GetEnvironment(a *desk.Ask) (any, error) {
	id, err := a.Require(a.PathValue("project"), "read", access.Thing{Subject: access.Environments})
	if err != nil {
		return nil, err
	}
	e, err := a.Vault.Environment(a.Context(), a.Caller, string(id), a.PathValue("environment"))
	return map[string]environmentJSON{"environment": environmentOf(e)}, err
}

// GetEnvironmentByID finds one without its project.
func GetEnvironmentByID(a *desk.Ask) (any, error) {
	e, err := a.Vault.EnvironmentByID(a.Context(), a.Caller, a.PathValue("environment"))
	if err == nil && !a.Who.May(e.Project, "read", access.Thing{Subject: access.Environments}) {
		err = api.Errorf(api.Missing, "Environment with id '%s' not found", a.PathValue("environment"))
	}
	return map[string]environmentJSON{"environment": environmentOf(e)}, err
}

// UpdateEnvironment renames one or moves it among the others. Position 0, which
// clients send for "not said", leaves it where it is.
func UpdateEnvironment(a *desk.Ask) (any, error) {
	var body struct {
		Name, Slug *string
		Position   *int
	}
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	id, err := a.Require(a.PathValue("project"), "edit", access.Thing{Subject: access.Environments})
	if err != nil {
		return nil, err
	}
	if body.Position != nil && *body.Position < 1 {
		body.Position = nil
	}
	e, err := a.Vault.UpdateEnvironment(a.Context(), a.Caller, string(id), a.PathValue("environment"),
		vault.EnvironmentChange{Slug: body.Slug, Name: body.Name, Position: body.Position})
	return changed("Successfully updated environment", e, err)
}

// DeleteEnvironment hides one; the vault's owner can bring it back.
func DeleteEnvironment(a *desk.Ask) (any, error) {
	id, err := a.Require(a.PathValue("project"), "delete", access.Thing{Subject: access.Environments})
	if err != nil {
		return nil, err
	}
	e, err := a.Vault.DeleteEnvironment(a.Context(), a.Caller, string(id), a.PathValue("environment"))
	return changed("Successfully deleted environment", e, err)
}

// unauthorized is the answer to who is not let in.
func unauthorized(message string) *api.Error {
	return &api.Error{Code: api.Denied, Status: http.StatusUnauthorized, Name: "UnauthorizedError", Message: message}
}
