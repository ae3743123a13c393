package guard

import (
	"sync"
	"sync/atomic"
	"time"

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
	// Returned: what was quarantined turned out to be the user's.
	Returned Kind = "returned"
	// HostSocket: a program of the host made a socket, or was found listening
	// on one: lay a mask over it.
	HostSocket Kind = "host socket"
	// Unwatched: the watch does not reach everything; Err says why.
	Unwatched Kind = "unwatched"
	// CheckedOut: a control name appeared that the user's own git has with this
	// content. It stays: make it read-only inside.
	CheckedOut Kind = "checked out"
	// Doubtful: a protected file was replaced, and nobody knows by whom.
	Doubtful Kind = "doubtful"
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

	// What the user's own git does beside the session; both may be nil.
	Busy    func() bool           // it is changing the tree now
	Vouched func(rel string) bool // it has exactly what stands there

	// Below the root; without Control nothing there is watched.
	Control    func(rel string, e safefs.Entry) (reason string, bad bool)
	Repository func(dir string) []Name // names, relative to the root, that would run commands in this git directory
	Known      func(rel string) bool   // stood there at the start
	Skip       func(rel string) bool   // a directory that is not looked into
	HostSocket func(rel string) bool   // is a socket of a program outside

	mu        sync.Mutex // one move at a time
	moved     int
	written   int        // bytes of the journal
	disarm    func()     // ends Watch; nil before
	reporting sync.Mutex // one report at a time
	deepMu    sync.Mutex
	deepen    func() // begins the watch below the root
	deep      *deep
	settling  *time.Timer
	looks     atomic.Int32   // sockets to be looked at once more
	over      atomic.Bool    // nothing is reported any more
	late      sync.WaitGroup // what is judged later, see enter
	entering  sync.Mutex

	judging sync.Mutex
	judgement
	followed followed
}

// Moved is one entry of the Journal: what was taken, and the name it has below
// Quarantine now.
type Moved struct {
	Name   string `json:"name"` // relative to the root
	Reason string `json:"reason"`
	As     string `json:"as"`
}

// Quarantine is the directory, below the session's, of what was moved away;
// Journal is the file, beside it, that says where each entry came from.
const (
	Quarantine = "quarantine"
	Journal    = "quarantine.jsonl"
)
