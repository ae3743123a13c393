// Package broker makes names in the workload's stead: the kernel stops every
// call that creates a name or opens a file for writing and asks here; the
// broker reads the path once, resolves it as the caller would, and either
// refuses a name that host programs execute or performs the call itself and
// hands over the descriptor (seccomp_unotify(2)).
//
// It is not the wall: mounts and Landlock are. It holds for as long as its
// process lives, and that is PID 1. It does not know which names are refused;
// its caller does.
//
// Its invariant: what was judged is what is done. A pointer of the caller is
// read once, the directory is held open, the last name is passed to the kernel
// alone and never followed, and no call with a pointer is ever let through
// (SECCOMP_USER_NOTIF_FLAG_CONTINUE would read it a second time).
package broker

import (
	"path"
	"strings"
)

// Rules say which names may be made. Paths are relative to the workspace.
type Rules struct {
	// Refused says whether nothing of this name may be made or written.
	Refused func(rel string) bool
	// Loose says that rel is, or lies in, a directory in which every name may
	// be made: nothing is renamed out of one.
	Loose func(rel string) bool
}

// Config is what a broker is made from.
type Config struct {
	Root   string   // absolute: the workspace, inside
	Exempt []string // absolute, below Root: mounts that the host does not have there
	Rules  Rules
	Report func(path string) // a refusal, absolute; must not block; may be called concurrently
}

// verdict is what becomes of a name.
type verdict uint8

const (
	fine verdict = iota
	refused
	loose
)

// judge decides about the entry name of the directory at dir, as the kernel
// names it.
func (c *Config) judge(dir, name string) verdict {
	rel, in := c.relative(path.Join(dir, name))
	switch {
	case !in, c.exempt(dir, name):
		return fine
	case c.Rules.Refused(rel):
		return refused
	case c.Rules.Loose(rel):
		return loose
	}
	return fine
}

func (c *Config) relative(p string) (rel string, in bool) {
	return strings.CutPrefix(p, c.Root+"/")
}

// exempt is asked with the directory, so that an exempt mount itself is not
// replaced: the kernel says EBUSY to that, but not if the host dropped it.
func (c *Config) exempt(dir, name string) bool {
	for _, e := range c.Exempt {
		if dir == e || strings.HasPrefix(dir, e+"/") || path.Join(dir, name) == e {
			return mounted(e)
		}
	}
	return false
}
