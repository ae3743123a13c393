// Package workspace prepares what the inside of a sandbox sees of the user's
// project: the project itself, with secret files shown as placeholders, a
// private git directory, and the files that host tools execute kept out of
// reach. At the end it brings commits home, and later it undoes what was done.
// In review mode the inside works on an overlay, and what it did there comes
// home only when the user applies it.
//
// It makes no mounts and starts no sandbox: it writes below the session's own
// directory, and returns data that the caller turns into mounts. It leaves no
// file of its own in the project, and changes the project itself only to apply
// and to undo.
//
// Its invariant: whatever was written inside is read on the host through safefs
// only, and never runs.
package workspace

import (
	"errors"

	"github.com/bailey-project/bailey/internal/workspace/extent"
	"github.com/bailey-project/bailey/internal/workspace/guard"
)

// Options say what to prepare.
type Options struct {
	Root       string // from FindRoot: absolute; the inside gets it read-write
	SessionDir string // absolute, exists, 0700, outside Root; best on Root's file system
	SessionID  string // a-z, 0-9 and '-'
	Home       string // the user's home: identity and ignore file for git
	RunDir     string // inside the sandbox, for what is bound beside the project; "" means /run/bailey
	Memory     string // file of this project, outside Root, that remembers what was hidden; "" for none
	Review     bool   // the inside works on an overlay; Keep is of no use then
	Frozen     bool   // with Review: over a copy of the project, not over the project itself
	Keep       *Keep  // what is kept to undo the session; nil: nothing
	Path       string // the user's PATH, to find git in; entries below Root are passed over

	// Substitute gives the text that stands for a value of a dotenv file inside.
	// file is relative to Root. nil: every value becomes "hidden".
	Substitute func(name string, value []byte, file string) string `json:"-"`
}

// View is what the caller mounts: Binds, then Files, then Masks, each in order.
type View struct {
	Root   string
	Upper  string // directory with tree and work, for the overlay over Lower; "" in live mode
	Lower  string // Root, or a copy of it
	Binds  []Bind
	Files  []File   // laid read-only over a Target that exists
	Home   []File   // Target relative to the home inside: the user's git settings without commands and credentials
	Masks  []string // absolute: covered by an empty read-only file
	Watch  []Name   // names that must not appear in Root
	Hidden []string // relative to Root: what is hidden, for the summary line
	Notes  []string // for the user, one line each
}

// Bind is one bind mount; Source is a path of the host.
type Bind struct {
	Source, Target string
	ReadOnly       bool
}

// File is the content that the inside reads at Target.
type File struct {
	Target  string
	Content []byte
}

// What the watch over the root knows and reports, see package guard.
type (
	Name  = guard.Name
	Found = guard.Found
	Kind  = guard.Kind
	Moved = guard.Moved
)

// The kinds of Found.
const (
	Quarantined = guard.Quarantined
	SecretFile  = guard.SecretFile
	Replaced    = guard.Replaced
	Returned    = guard.Returned
	HostSocket  = guard.HostSocket
	Unwatched   = guard.Unwatched
	CheckedOut  = guard.CheckedOut
	Doubtful    = guard.Doubtful
)

var (
	// ErrTooWide: a directory that must not be given away as a whole.
	ErrTooWide = extent.ErrTooWide
	// ErrNotSecret: the file has no view of its own.
	ErrNotSecret = errors.New("not a secret file")
	// ErrUnsupported: the operating system has no sandbox for it.
	ErrUnsupported = errors.New("not supported on this system")
)
