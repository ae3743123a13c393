package tree

import (
	"io/fs"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault/ledger"
)

// ID is a UUID, version 4, in its usual text form.
type ID = ledger.ID

// Project is one application's tree of environments.
type Project struct {
	ID           ID
	Slug         string // ^[a-z0-9-]+$, unique in the vault
	Name         string
	Environments []Environment // by position
	Organisation ID            // empty: the vault's own
	Description  string
	Protected    bool // is not deleted
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// ProjectChange changes what is not nil.
type ProjectChange struct {
	Slug, Name, Description *string
	Protected               *bool
}

// Environment is one set of values of a project.
type Environment struct {
	ID        ID
	Project   ID
	Slug      string // ^[a-z0-9-]+$, unique in the project
	Name      string
	Position  int    // from 1
	Version   uint64 // of the environment's contents: counts changes; 0 where it was not looked at
	CreatedAt time.Time
	UpdatedAt time.Time
}

// EnvironmentChange changes what is not nil.
type EnvironmentChange struct {
	Slug, Name *string
	Position   *int // the others move aside
}

// Place is a folder: where secrets lie.
type Place struct {
	Project     string // id or slug
	Environment string // slug
	Path        string // "/" or "/api/worker"; "" means "/"; a trailing slash is dropped
}

// Ref names one secret.
type Ref struct {
	Project     string // id or slug
	Environment string // slug
	Path        string // as in Place
	Name        secret.Name
	Owner       string // whose personal secret; empty: everybody's
}

// Folder is one folder of an environment. The root has Path "/" and Name "root".
type Folder struct {
	ID          ID
	Parent      ID // empty for the root
	Environment ID
	Path        string // absolute
	Name        string // ^[a-zA-Z0-9_-]+$
	Description string
	Version     int // from 1
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Metadata is one free key and value of a secret; it is sealed like the value.
type Metadata struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Place is the folder of r.
func (r Ref) Place() Place { return Place{r.Project, r.Environment, r.Path} }

// Secret is one version of a secret.
type Secret struct {
	ID                    ID
	Project               ID
	Environment           string // slug
	Path                  string
	Name                  secret.Name
	Value                 secret.Value // empty in answers that were asked for names only
	Comment               string
	Metadata              []Metadata
	SkipMultilineEncoding bool
	Version               int // from 1
	Deleted               bool
	Actor                 string // who wrote this version
	Owner                 string // whose personal secret it is; empty when everybody's
	References            bool   // the value is to be expanded
	Tags                  []ID
	ReminderNote          string
	ReminderDays          int    // 0 = none
	Change                uint64 // the environment's version that this one came with; 0 when not known
	CreatedAt             time.Time
	UpdatedAt             time.Time
}

// Mode says what a Change expects to find.
type Mode uint8

const (
	Upsert     Mode = iota // create or update
	CreateOnly             // ErrExists when it is there
	UpdateOnly             // ErrMissing when it is not
)

// Change is what Set does to one secret. Nil and empty fields keep what is there.
type Change struct {
	Name                  secret.Name
	Mode                  Mode
	Value                 *secret.Value
	Comment               *string
	Metadata              []Metadata // replaces all when not nil
	SkipMultilineEncoding *bool
	Rename                secret.Name // new name, ErrExists when taken
	Owner                 string      // whose personal secret it is; empty: everybody's
	References            bool        // the new Value is to be expanded
	Tags                  []ID        // replaces all when not nil
	ReminderNote          *string
	ReminderDays          *int
}

// ListOptions of List.
type ListOptions struct {
	Recursive bool   // folders below, too
	NamesOnly bool   // leave Value empty
	Owner     string // whose personal secrets take the place of everybody's; empty: nobody's
}

// Original is the exact content of a file that was imported, for eject.
type Original struct {
	Path    string       // slash-separated, relative to the project's root, local
	Mode    fs.FileMode  // permission bits only
	Data    secret.Value // left empty by Originals
	Size    int
	SavedAt time.Time
}
