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
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

// Environment is one set of values of a project.
type Environment struct {
	ID        ID
	Project   ID
	Slug      string // ^[a-z0-9-]+$, unique in the project
	Name      string
	Position  int // from 1
	CreatedAt time.Time
	UpdatedAt time.Time
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
}

// Folder is one folder of an environment. The root has Path "/" and Name "root".
type Folder struct {
	ID          ID
	Parent      ID // empty for the root
	Environment ID
	Path        string // absolute
	Name        string // ^[a-zA-Z0-9_-]+$
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
}

// ListOptions of List.
type ListOptions struct {
	Recursive bool // folders below, too
	NamesOnly bool // leave Value empty
}

// Original is the exact content of a file that was imported, for eject.
type Original struct {
	Path    string       // slash-separated, relative to the project's root, local
	Mode    fs.FileMode  // permission bits only
	Data    secret.Value // left empty by Originals
	Size    int
	SavedAt time.Time
}
