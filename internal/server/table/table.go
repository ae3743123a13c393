// Package table lists what the server answers of the dialect.
//
// It answers nothing itself but whether anybody is there. Its invariant: what is
// not in it does not exist for a client, and what is, doc/compatibility.md shows.
package table

import (
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/admin"
	"github.com/bailey-project/bailey/internal/server/content"
	"github.com/bailey-project/bailey/internal/server/desk"
)

// Routes is the table of the dialect: what is answered, as
// doc/compatibility.md shows it. A route without handler streams.
func Routes() []desk.Route {
	var out []desk.Route
	on := func(method, pattern string, h desk.Handler) {
		out = append(out, desk.Route{Method: method, Pattern: pattern, Handler: h})
	}
	out = append(out, desk.Route{Method: "GET", Pattern: "/api/status", Handler: health, Anytime: true})
	on("POST", "/api/v1/auth/universal-auth/login", admin.Login)
	on("POST", "/api/v1/auth/token/renew", admin.Renew)
	on("POST", "/api/v1/auth/token/revoke", admin.Revoke)
	on("GET", "/api/v1/identities/details", admin.Details)
	on("GET", "/api/v1/organization", admin.Organisations)
	on("POST", "/api/v1/events/subscribe/project-events", nil)

	for _, base := range []string{"/api/v4/secrets", "/api/v3/secrets/raw"} {
		on("GET", base, content.List)
		on("GET", base+"/{name}", content.Get)
		on("POST", base+"/{name}", content.Create)
		on("PATCH", base+"/{name}", content.Update)
		on("DELETE", base+"/{name}", content.Delete)
		on("GET", base+"/id/{id}", content.GetByID)
	}
	for _, batch := range []string{"/api/v4/secrets/batch", "/api/v3/secrets/batch/raw"} {
		on("POST", batch, content.CreateMany)
		on("PATCH", batch, content.UpdateMany)
		on("DELETE", batch, content.DeleteMany)
	}
	on("POST", "/api/v4/secrets/move", content.Move)
	on("POST", "/api/v3/secrets/move", content.Move)
	for _, base := range []string{"/api/v1/folders", "/api/v2/folders"} {
		on("GET", base, content.ListFolders)
		on("POST", base, content.CreateFolder)
		on("GET", base+"/{folder}", content.GetFolder)
		on("PATCH", base+"/{folder}", content.UpdateFolder)
	}
	on("GET", "/api/v1/folders/{project}/{environment}/{path...}", content.GetFolderAt)
	on("DELETE", "/api/v1/folders/{folder}", content.DeleteFolder)
	on("DELETE", "/api/v2/folders/{folder}", content.DeleteEmptyFolder)
	for _, base := range []string{"/api/v1/secret-imports", "/api/v2/secret-imports"} {
		on("GET", base, content.ListImports)
		on("POST", base, content.CreateImport)
		on("GET", base+"/{import}", content.GetImport)
		on("PATCH", base+"/{import}", content.UpdateImport)
		on("DELETE", base+"/{import}", content.DeleteImport)
	}
	projects(on)
	identities(on)
	return out
}

// projects are the routes of projects, in the words of all ages.
func projects(on func(method, pattern string, h desk.Handler)) {
	on("GET", "/api/v1/workspace", admin.ListProjects)
	on("GET", "/api/v1/projects", admin.ListProjects)
	on("POST", "/api/v2/workspace", admin.CreateProject)
	on("POST", "/api/v1/projects", admin.CreateProject)
	for _, base := range []string{"/api/v1/workspace/{project}", "/api/v1/projects/{project}"} {
		on("GET", base, admin.GetProject)
		on("PATCH", base, admin.UpdateProject)
		on("DELETE", base, admin.DeleteProject)
		on("POST", base+"/environments", admin.CreateEnvironment)
		on("GET", base+"/environments/{environment}", admin.GetEnvironment)
		on("PATCH", base+"/environments/{environment}", admin.UpdateEnvironment)
		on("DELETE", base+"/environments/{environment}", admin.DeleteEnvironment)
		on("GET", base+"/environments/slug/{environment}", admin.GetEnvironment)
		on("GET", base+"/tags", content.ListTags)
		on("POST", base+"/tags", content.CreateTag)
		on("GET", base+"/tags/{tag}", content.GetTag)
		on("PATCH", base+"/tags/{tag}", content.UpdateTag)
		on("DELETE", base+"/tags/{tag}", content.DeleteTag)
		on("GET", base+"/tags/slug/{tag}", content.GetTag)
		on("GET", base+"/service-token-data", admin.ListServiceTokens)
	}
	on("GET", "/api/v1/workspace/environments/{environment}", admin.GetEnvironmentByID)
	on("GET", "/api/v1/projects/slug/{project}", admin.GetProjectBare)
	on("GET", "/api/v2/workspace/{project}", admin.GetProjectBare)
	on("PATCH", "/api/v2/workspace/{project}", admin.UpdateProjectBare)
	on("DELETE", "/api/v2/workspace/{project}", admin.DeleteProjectBare)
	for _, base := range []string{"/api/v1/workspace/{project}/roles", "/api/v2/workspace/{project}/roles", "/api/v1/projects/{project}/roles"} {
		on("GET", base, admin.ListRoles)
		on("POST", base, admin.CreateRole)
		on("GET", base+"/{role}", admin.GetRole)
		on("PATCH", base+"/{role}", admin.UpdateRole)
		on("DELETE", base+"/{role}", admin.DeleteRole)
		on("GET", base+"/slug/{role}", admin.GetRole)
	}
	for _, base := range []string{"/api/v2/workspace/{project}/identity-memberships", "/api/v1/projects/{project}/memberships/identities"} {
		on("GET", base, admin.ListMembers)
		on("POST", base+"/{identity}", admin.AddMember)
		on("GET", base+"/{identity}", admin.GetMember)
		on("PATCH", base+"/{identity}", admin.UpdateMember)
		on("DELETE", base+"/{identity}", admin.RemoveMember)
	}
	on("GET", "/api/v2/workspace/identity-memberships/{membership}", admin.GetMemberByID)
}

// identities are the routes of machines and their credentials.
func identities(on func(method, pattern string, h desk.Handler)) {
	on("GET", "/api/v1/identities", admin.ListIdentities)
	on("POST", "/api/v1/identities", admin.CreateIdentity)
	on("GET", "/api/v1/identities/{identity}", admin.GetIdentity)
	on("PATCH", "/api/v1/identities/{identity}", admin.UpdateIdentity)
	on("DELETE", "/api/v1/identities/{identity}", admin.DeleteIdentity)
	ua := "/api/v1/auth/universal-auth/identities/{identity}"
	on("POST", ua, admin.AttachUniversal)
	on("GET", ua, admin.GetUniversal)
	on("PATCH", ua, admin.UpdateUniversal)
	on("DELETE", ua, admin.DetachUniversal)
	on("POST", ua+"/client-secrets", admin.CreateClientSecret)
	on("GET", ua+"/client-secrets", admin.ListClientSecrets)
	on("GET", ua+"/client-secrets/{secret}", admin.GetClientSecret)
	on("POST", ua+"/client-secrets/{secret}/revoke", admin.RevokeClientSecret)
	ta := "/api/v1/auth/token-auth/identities/{identity}"
	on("POST", ta, admin.AttachToken)
	on("GET", ta, admin.GetToken)
	on("PATCH", ta, admin.UpdateToken)
	on("DELETE", ta, admin.DetachToken)
	on("POST", ta+"/tokens", admin.CreateToken)
	on("GET", ta+"/tokens", admin.ListTokens)
	on("PATCH", "/api/v1/auth/token-auth/tokens/{token}", admin.RenameToken)
	on("POST", "/api/v1/auth/token-auth/tokens/{token}/revoke", admin.RevokeToken)
	on("GET", "/api/v2/service-token", admin.OwnServiceToken)
	on("POST", "/api/v2/service-token", admin.CreateServiceToken)
	on("DELETE", "/api/v2/service-token/{token}", admin.DeleteServiceToken)
}

// health is the dialect's own status: is anybody there.
func health(*desk.Ask) (any, error) {
	return struct {
		Date                    api.Time `json:"date"`
		Message                 string   `json:"message"`
		EmailConfigured         bool     `json:"emailConfigured"`
		InviteOnlySignup        bool     `json:"inviteOnlySignup"`
		RedisConfigured         bool     `json:"redisConfigured"`
		SecretScanningConfigure bool     `json:"secretScanningConfigured"`
	}{Date: api.Time{Time: time.Now()}, Message: "Ok", InviteOnlySignup: true}, nil
}
