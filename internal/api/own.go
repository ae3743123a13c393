package api

import "github.com/bailey-project/bailey/internal/secret"

// Status answers GET /status: what is there and whether it is open.
type Status struct {
	Version        string `json:"version"`
	Build          string `json:"build"`
	Protocol       int    `json:"protocol"`
	Vault          bool   `json:"vault"`  // a vault exists
	Locked         bool   `json:"locked"` // and cannot be read yet
	Pid            int    `json:"pid"`
	IdleSeconds    int    `json:"idleSeconds"` // the daemon locks after so long without a request; 0 = never
	Projects       int    `json:"projects"`
	BackupVerified bool   `json:"backupVerified"` // the recovery code was checked by a person
	CodeShown      bool   `json:"codeShown"`      // the recovery code was on a person's screen
	CreatedAt      Time   `json:"createdAt"`
}

// NewVault is the body of POST /vault, and of POST /recover with the code.
type NewVault struct {
	Passphrase   Plain  `json:"passphrase"`
	RecoveryCode *Plain `json:"recoveryCode,omitempty"`
}

// Recovery answers POST /vault; the code is shown once and stored nowhere.
type Recovery struct {
	Code Plain `json:"recoveryCode"`
}

// Project is a project of the vault.
type Project struct {
	ID           string        `json:"id"`
	Slug         string        `json:"slug"`
	Name         string        `json:"name"`
	Environments []Environment `json:"environments"`
}

// Environment is one environment of a project.
type Environment struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

// Item is a name and its value, in bodies that carry many.
type Item struct {
	Name   secret.Name `json:"name"`
	Plain  Plain       `json:"value"`
	Base64 *Plain      `json:"valueBase64,omitempty"`

	References bool `json:"-"` // for Put: ${ in it is to be expanded
}

// NewItem wires v.
func NewItem(name secret.Name, v secret.Value) Item {
	text, exact := Wire(v)
	return Item{Name: name, Plain: text, Base64: exact}
}

// Value is the item's value, exact to the byte.
func (i Item) Value() (secret.Value, error) { return Unwire(i.Plain, i.Base64) }

// Original is a file as it was before init took it in. Content is base64 in
// JSON and empty in lists.
type Original struct {
	Path    string `json:"path"` // relative to the project's root, with slashes
	Mode    uint32 `json:"mode"` // permission bits
	Size    int    `json:"size"`
	Content *Plain `json:"content,omitempty"`
	SavedAt Time   `json:"savedAt"`
}

// Version is one entry of a secret's history, newest first, without value.
type Version struct {
	Version   int    `json:"version"`
	CreatedAt Time   `json:"createdAt"`
	Actor     string `json:"actor"`
	Deleted   bool   `json:"deleted"`
	Current   bool   `json:"current"`
}

// Restore is the body of POST /restore.
type Restore struct {
	Project     string      `json:"project"`
	Environment string      `json:"environment"`
	Path        string      `json:"path"`
	Name        secret.Name `json:"name"`
	Version     int         `json:"version"`
}

// Kinds of a stand-in.
const (
	KindPlaceholder = "placeholder"
	KindFake        = "fake"
)

// Wanted is one stand-in that a session asks for.
type Wanted struct {
	Name secret.Name `json:"name"`
	Kind string      `json:"kind"`
}

// PlaceholderQuery is the body of POST /placeholders.
type PlaceholderQuery struct {
	Project     string   `json:"project"`
	Environment string   `json:"environment"`
	Path        string   `json:"path"`
	Profile     string   `json:"profile"`
	Names       []Wanted `json:"names"`
}

// Standin is what a sandbox sees in place of a value. It is no secret.
type Standin struct {
	Name        secret.Name `json:"name"`
	Placeholder string      `json:"placeholder"`
}

// Event is one entry of the audit record; it never holds a value.
type Event struct {
	Seq         uint64 `json:"seq,omitempty"`
	Time        Time   `json:"time"`
	Actor       string `json:"actor,omitempty"`
	Pid         int    `json:"pid,omitempty"`
	Action      string `json:"action"`
	Project     string `json:"project,omitempty"`
	Environment string `json:"environment,omitempty"`
	Path        string `json:"path,omitempty"`
	Name        string `json:"name,omitempty"`
	Host        string `json:"host,omitempty"`
	Session     string `json:"session,omitempty"`
	Count       int    `json:"count,omitempty"`
	Outcome     string `json:"outcome,omitempty"`
	Detail      string `json:"detail,omitempty"`
	Locked      bool   `json:"locked,omitempty"` // recorded while the vault was locked
}

// EventQuery narrows GET /audit; zero fields do not.
type EventQuery struct {
	Limit   int    // newest so many, 0 = 100
	Since   Time   // not before
	Project string // slug
	Session string
	Action  string // prefix, such as "secret."
	Outcome string
}

// Verified answers GET /audit/verify.
type Verified struct {
	OK      bool   `json:"ok"`
	Records uint64 `json:"records"`
	Notice  string `json:"notice,omitempty"`  // worth knowing, no tampering
	Problem string `json:"problem,omitempty"` // names the record
	Hint    string `json:"hint,omitempty"`    // what to do about it
}

// Acceptance is the body of POST /audit/accept.
type Acceptance struct {
	Passphrase *Plain `json:"passphrase"`
	Accept     bool   `json:"accept"` // false only looks
}

// Accepted answers it.
type Accepted struct {
	Problem string `json:"problem"`        // what is wrong with the audit log
	Records uint64 `json:"records"`        // how many the vault knows of
	Kept    string `json:"kept,omitempty"` // where the damaged log is now
}
