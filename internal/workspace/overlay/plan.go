package overlay

import (
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/change"
)

// Wish says what of the changes is to be applied.
type Wish struct {
	Paths []string // these and what lies in them; everything when there are none
	Force bool     // also what the host changed meanwhile
}

// Plan makes steps of changes: what is left has its reason.
func (r Reader) Plan(changes []Change, w Wish) []change.Action {
	var list []change.Action
	for _, c := range changes {
		if len(w.Paths) > 0 && !slices.ContainsFunc(w.Paths, func(p string) bool { return capture.Within(c.Path, p) || c.leadsTo(p) }) {
			continue
		}
		list = append(list, r.step(c, w))
	}
	return list
}

// leadsTo: a new directory is needed for what was named in it.
func (c Change) leadsTo(p string) bool {
	return c.Kind == Added && c.want.Type == fs.ModeDir && capture.Within(p, c.Path)
}

func (r Reader) step(c Change, w Wish) change.Action {
	a := change.Action{Path: c.Path, Kind: change.Write, Want: c.want, Now: c.now}
	switch {
	case c.Never != "":
		return a.Leave(c.Never)
	case c.Held != "" && !r.named(c, w.Paths):
		return a.Leave(c.Held)
	case c.Conflict != "" && !w.Force:
		return a.Leave(c.Conflict)
	case c.Kind == Removed:
		a.Kind = change.Remove
	case c.Kind == Mode:
		a.Kind = change.Mode
	}
	a.Want.UID, a.Want.GID = r.owner(c)
	return a
}

// named: the path itself, a control directory that it lies in, or, of a
// directory, something in it.
func (r Reader) named(c Change, paths []string) bool {
	return slices.ContainsFunc(paths, func(n string) bool {
		return n == c.Path || capture.Within(c.Path, n) && r.Control(n) != "" || c.leadsTo(n)
	})
}

// owner is whose a file becomes when root applies it: of the one that it
// replaces, or of the project.
func (r Reader) owner(c Change) (uid, gid uint32) {
	if c.now.Path != "" {
		return c.now.UID, c.now.GID
	}
	if st, err := r.Host.Stat("."); err == nil {
		return st.UID, st.GID
	}
	return uint32(os.Getuid()), uint32(os.Getgid())
}

// Tree is what a plan is carried out on. aside gets what the host had.
func (r Reader) Tree(aside *safefs.Root, dirs []string) change.Tree {
	return change.Tree{Root: r.Host, Aside: aside, Dirs: dirs, Source: func(want capture.Entry) (io.ReadCloser, error) {
		return r.Upper.OpenFile(want.Path)
	}}
}
