package access

import "slices"

// Subjects of a project that this server knows.
const (
	Secrets       = "secrets"
	Folders       = "secret-folders"
	Imports       = "secret-imports"
	Rollback      = "secret-rollback"
	Environments  = "environments"
	Tags          = "tags"
	Workspace     = "workspace" // the project itself
	Identities    = "identity"
	Roles         = "role"
	ServiceTokens = "service-tokens"
	AuditLogs     = "audit-logs"
)

// Slugs of the roles that every project has.
const (
	Admin    = "admin"
	Member   = "member"
	Viewer   = "viewer"
	NoAccess = "no-access"
)

// BuiltIn says whether a slug is a role that every project has.
func BuiltIn(slug string) bool {
	return slices.Contains([]string{Admin, Member, Viewer, NoAccess}, slug)
}

// RulesOf are the rules of a role that every project has.
func RulesOf(slug string) Rules {
	rule := func(subject string, actions ...string) Rule { return Rule{Subject: subject, Actions: actions} }
	switch slug {
	case Admin:
		return Rules{rule(anySubject, manage)}
	case Member:
		return Rules{rule(Secrets, manage), rule(Folders, manage), rule(Imports, manage), rule(Environments, manage), rule(Tags, manage),
			rule(Rollback, "read", "create"), rule(Workspace, "read"), rule(Identities, "read"), rule(Roles, "read"),
			rule(ServiceTokens, "read"), rule(AuditLogs, "read")}
	case Viewer:
		out := Rules{}
		for _, s := range []string{Secrets, Folders, Imports, Environments, Tags, Rollback, Workspace, Identities, Roles} {
			out = append(out, rule(s, "read"))
		}
		return out
	}
	return nil
}

// Everything is what an administrator of the whole vault may.
func Everything() Union { return Union{RulesOf(Admin)} }
