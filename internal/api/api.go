// Package api holds what travels between Bailey's client and its servers: the
// wire types of the Infisical REST dialect, the routes of our own below
// /api/v1/bailey/, the closed set of error codes, the exit statuses, and the
// client that speaks all of it over any http.RoundTripper.
//
// It is not a server and opens no vault. Its invariant: a value crosses as
// JSON only through Plain, which prints as "[secret]" everywhere else.
package api

import (
	"net/http"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
)

// Protocol counts the changes of the own routes that an older side could not
// follow.
const Protocol = 1

// Headers of our own. All are optional; a server of another make ignores them.
const (
	HeaderSession = "Bailey-Session" // the agent session on whose behalf a program asks
	HeaderBuild   = "Bailey-Build"   // build of the client; a daemon of an older one steps aside
	HeaderReplace = "Bailey-Replace" // in an answer that acted on nothing: why to ask again, see Replace…
)

// Values of HeaderReplace.
const (
	ReplaceNewer = "newer" // the daemon is of an older build and ends: start another
	ReplaceWait  = "wait"  // the daemon locks itself and is back in a moment
)

// Base is the prefix of Bailey's own routes.
const Base = "/api/v1/bailey"

// Ref names a secret or, without Name, a folder.
type Ref struct {
	Project     string
	Environment string
	Path        string // folder, "/" is the root
	Name        secret.Name
}

// Secret is one secret in the dialect ("SecretRaw").
type Secret struct {
	ID                       string      `json:"id"`
	LegacyID                 string      `json:"_id"`
	Workspace                string      `json:"workspace"`
	Environment              string      `json:"environment"`
	Version                  int         `json:"version"`
	Type                     string      `json:"type"`
	Key                      secret.Name `json:"secretKey"`
	Plain                    Plain       `json:"secretValue"`
	Base64                   *Plain      `json:"secretValueBase64,omitempty"` // ours: the exact bytes of a value that is not UTF-8
	Comment                  string      `json:"secretComment"`
	Path                     string      `json:"secretPath"`
	SecretReminderNote       *string     `json:"secretReminderNote"`
	SecretReminderRepeatDays *int        `json:"secretReminderRepeatDays"`
	SkipMultilineEncoding    bool        `json:"skipMultilineEncoding"`
	Metadata                 *string     `json:"metadata"`
	SecretMetadata           []Metadata  `json:"secretMetadata"`
	Tags                     []Tag       `json:"tags"`
	SecretValueHidden        bool        `json:"secretValueHidden"`
	IsRotatedSecret          bool        `json:"isRotatedSecret"`
	RotationID               *string     `json:"rotationId"`
	Actor                    *Actor      `json:"actor,omitempty"`
	CreatedAt                Time        `json:"createdAt"`
	UpdatedAt                Time        `json:"updatedAt"`
	Literal                  bool        `json:"literal,omitempty"` // ours: ${ in the value refers to nothing
}

// Actor is who wrote a version.
type Actor struct {
	ID   *string `json:"actorId"`
	Type string  `json:"actorType"`
	Name string  `json:"name"`
}

// Metadata is a pair that a user attached to a secret.
type Metadata struct {
	Key         string `json:"key"`
	Value       string `json:"value"`
	IsEncrypted bool   `json:"isEncrypted"`
}

// Tag is a project's label on a secret.
type Tag struct {
	ID    string `json:"id"`
	Slug  string `json:"slug"`
	Name  string `json:"name"`
	Color string `json:"color"`
}

// Import is what a folder imports from another.
type Import struct {
	SecretPath  string   `json:"secretPath"`
	Environment string   `json:"environment"`
	FolderID    string   `json:"folderId"`
	Secrets     []Secret `json:"secrets"`
}

// SecretList answers a list of secrets.
type SecretList struct {
	Secrets []Secret `json:"secrets"`
	Imports []Import `json:"imports"`
}

// SecretOne answers what concerns one secret.
type SecretOne struct {
	Secret Secret `json:"secret"`
}

// Write is the body that creates, changes or deletes a secret. The project
// has three names in the dialect's three ages.
type Write struct {
	ProjectID   string      `json:"projectId,omitempty"`
	WorkspaceID string      `json:"workspaceId,omitempty"`
	Slug        string      `json:"workspaceSlug,omitempty"`
	Environment string      `json:"environment,omitempty"`
	Path        string      `json:"secretPath,omitempty"`
	Type        string      `json:"type,omitempty"`
	Mode        string      `json:"mode,omitempty"` // batch: failOnNotFound, upsert, ignore
	Key         secret.Name `json:"secretKey,omitempty"`
	NewName     secret.Name `json:"newSecretName,omitempty"`
	Plain       *Plain      `json:"secretValue,omitempty"`
	Base64      *Plain      `json:"secretValueBase64,omitempty"`
	Comment     *string     `json:"secretComment,omitempty"`
	Secrets     []Write     `json:"secrets,omitempty"`

	SkipMultilineEncoding *bool      `json:"skipMultilineEncoding,omitempty"`
	Metadata              []Metadata `json:"secretMetadata,omitempty"`
	TagIDs                []string   `json:"tagIds,omitempty"`
	ReminderNote          *string    `json:"secretReminderNote,omitempty"`
	ReminderRepeatDays    *int       `json:"secretReminderRepeatDays,omitempty"`
	Literal               bool       `json:"literal,omitempty"` // ours: ${ in the value refers to nothing
}

// Folder is a folder in the dialect.
type Folder struct {
	ID           string `json:"id"`
	Name         string `json:"name"`
	Version      int    `json:"version"`
	CreatedAt    Time   `json:"createdAt"`
	UpdatedAt    Time   `json:"updatedAt"`
	EnvID        string `json:"envId"`
	ParentID     string `json:"parentId"`
	IsReserved   bool   `json:"isReserved"`
	Description  string `json:"description,omitempty"`
	RelativePath string `json:"relativePath,omitempty"`
}

// FolderWrite is the body that makes or deletes a folder.
type FolderWrite struct {
	ProjectID   string `json:"projectId,omitempty"`
	WorkspaceID string `json:"workspaceId,omitempty"`
	Environment string `json:"environment"`
	Name        string `json:"name,omitempty"`
	Path        string `json:"path,omitempty"`
	Directory   string `json:"directory,omitempty"` // the CLI's word for path

	Description *string `json:"description,omitempty"`
	Force       *bool   `json:"forceDelete,omitempty"`
}

// Time travels as ISO 8601 in UTC with milliseconds, as the dialect has it.
type Time struct{ time.Time }

const timeLayout = `"2006-01-02T15:04:05.000Z"`

// MarshalJSON writes the dialect's form.
func (t Time) MarshalJSON() ([]byte, error) {
	return []byte(t.UTC().Format(timeLayout)), nil
}

// ErrorBody is how an Error travels.
type ErrorBody struct {
	ReqID      string `json:"reqId"`
	StatusCode int    `json:"statusCode"`
	Message    any    `json:"message"` // string, or []Issue with 422
	Name       string `json:"error"`
	Code       Code   `json:"code"`
	Hint       string `json:"hint,omitempty"`
}

// Body is the wire form of e.
func (e *Error) Body(reqID string) ErrorBody {
	b := ErrorBody{ReqID: reqID, StatusCode: e.HTTPStatus(), Message: e.Message, Name: e.WireName(), Code: e.Code, Hint: e.Advice}
	if b.StatusCode == http.StatusUnprocessableEntity && len(e.Issues) > 0 {
		b.Message = e.Issues
	}
	return b
}
