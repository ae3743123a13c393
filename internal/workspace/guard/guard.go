package guard

import (
	"sync"

	"github.com/bailey-project/bailey/internal/safefs"
)

// Name is a name that host tools execute, and why.
type Name struct {
	Name, Reason string
}

// Kind says what a watch found.
type Kind string

const (
	// Quarantined: a control name appeared in Root and was moved away.
	Quarantined Kind = "quarantined"
	// SecretFile: a secret file appeared or was replaced: lay its view or a
	// mask over it.
	SecretFile Kind = "secret file"
	// Replaced: the host replaced a control name, so that its mount is gone.
	Replaced Kind = "replaced"
)

// Found is one event of Watch or Sweep.
type Found struct {
	Name   string // relative to the root
	Kind   Kind
	Reason string // what would have executed it
	Where  string // where a quarantined entry lies now
	Err    error  `json:"-"` // it could not be moved away
}

// Guard is one watch over one root. Set the fields before the first call.
type Guard struct {
	Root    *safefs.Root
	Dir     *safefs.Root // the session's: what is moved goes below Quarantine there
	Session string

	Names     []Name                 // that must not appear in the root
	Links     map[string]string      // names that may stay the link they are, and where to
	Protected map[string]string      // names that have a mount of their own, and why
	Was       func(name string) bool // was in the root at the start; may be nil
	Dirs      []string               // further directories with secret files
	Secret    func(rel string) bool  // is a secret file, by name; may be nil

	mu     sync.Mutex // one move at a time
	moved  int
	disarm func() // ends Watch; nil before
}

// Quarantine is the directory, below the session's, of what was moved away.
const Quarantine = "quarantine"
