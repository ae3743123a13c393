// Package capture describes a tree of files as it is at one moment: every
// name, with what the kernel says of it, and where its content is kept.
//
// It keeps no content itself and changes nothing. Its invariant: the same
// Filter decides what is described and what is ever compared with a
// description, so that nothing is missed or removed because only one side
// looked at it.
package capture

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
)

// Entry is one file, directory or link.
type Entry struct {
	Path string
	safefs.Stat
	Link   string // what a link says
	Object string // where the content of a file is kept; "" if it is not
}

// Untouched reports whether e is the same entry as was, with nothing done to it
// since: an ordinary program can't give a file an earlier time of change.
func (e Entry) Untouched(was Entry) bool {
	return e.Type == was.Type && e.Ino == was.Ino && e.Changed == was.Changed && e.Size == was.Size
}

// Unwritten reports whether e is the same entry with the content that it had,
// as far as times tell: of a file with several names, what is done to another
// name changes the time of change here.
func (e Entry) Unwritten(was Entry) bool {
	return e.Type == was.Type && e.Ino == was.Ino && e.Modified == was.Modified && e.Size == was.Size
}

// Tree is a description.
type Tree struct {
	Entries  map[string]Entry // by path
	Filter   Filter
	Complete bool // no limit left anything out

	Repositories []string // directories with a .git, as Again met them
}

// Filter says what is looked at. Repositories' own directories never are.
type Filter struct {
	Left   []string // directories of downloaded or produced files, not looked into
	Hidden []string // files with secrets: of these there must be no copy
}

// Covers says whether a path, as relative to the root, is described.
func (f Filter) Covers(rel string) bool {
	for dir := rel; dir != "."; dir = path.Dir(dir) {
		if path.Base(dir) == ".git" || dir != rel && slices.Contains(f.Left, dir) {
			return false
		}
	}
	return !slices.Contains(f.Hidden, rel) && !safefs.Temporary(path.Base(rel))
}

// Downloaded says whether a directory of this name holds what tools download or
// produce: many files, no settings of the user's own.
func Downloaded(name string) bool { return downloaded[name] }

var downloaded = map[string]bool{
	"node_modules": true, "vendor": true, "target": true, "venv": true, ".venv": true, "__pycache__": true, ".tox": true,
	".gradle": true, "Pods": true, "bower_components": true, ".cache": true, ".mypy_cache": true, ".pytest_cache": true,
	".turbo": true, ".parcel-cache": true, ".pnpm-store": true, ".yarn": true, "DerivedData": true,
}

// Appeared says which directories of downloads a description does not have.
func (t *Tree) Appeared(rel string) bool {
	_, known := t.Entries[rel]
	return Downloaded(path.Base(rel)) && !known
}

// New is an empty description.
func New() *Tree { return &Tree{Entries: map[string]Entry{}, Complete: true} }

// Add describes what a walk with Limits.Stat met. Sockets, FIFOs and devices
// hold nothing that could be described.
func (t *Tree) Add(r *safefs.Root, rel string, e safefs.Entry) {
	if e.Stat == nil {
		return // gone again
	}
	entry := Entry{Path: rel, Stat: *e.Stat}
	switch e.Type {
	case 0, fs.ModeDir:
	case fs.ModeSymlink:
		link, err := r.Readlink(rel)
		if err != nil {
			return
		}
		entry.Link = link
	default:
		return
	}
	t.Entries[rel] = entry
}

// Limit takes out what the filter does not cover. The tree has its filter from
// then on.
func (t *Tree) Limit(f Filter) {
	t.Filter = f
	for _, rel := range f.Hidden {
		delete(t.Entries, rel)
	}
}

// limits bound a walk over a project.
var limits = safefs.Limits{Entries: 1_000_000, Depth: 64, Time: time.Minute, Stat: true, Closed: func(string) {}}

// Again describes the tree as it is now, by the filter of an earlier
// description. Directories of downloads that appeared since are not looked into
// either: the caller decides about each as a whole.
func Again(ctx context.Context, r *safefs.Root, base *Tree) (*Tree, error) {
	t, f := New(), base.Filter
	t.Filter = f
	left, hidden := set(f.Left), set(f.Hidden)
	closed := map[string]uint32{}
	defer func() {
		for dir, perm := range closed {
			_ = r.SetAttr(dir, safefs.Attr{Perm: perm})
		}
	}()
	lim := limits
	if !base.Complete { // nothing is removed after that anyway
		lim.Entries, lim.Time = len(base.Entries)+100_000, 2*time.Second
	}
	var err error
	t.Complete, err = r.Walk(ctx, ".", lim, func(p string, e safefs.Entry) error {
		switch {
		case e.Name == ".git":
			t.Repositories = append(t.Repositories, path.Dir(p))
			return fs.SkipDir
		case hidden[p], safefs.Temporary(e.Name):
			return nil
		}
		t.Add(r, p, e)
		if e.IsDir() && (left[p] || base.Appeared(p)) {
			return fs.SkipDir
		}
		if e.IsDir() && e.Stat != nil && base.closedSince(p, *e.Stat) && r.Unlock(p) == nil {
			closed[p] = e.Stat.Perm
		}
		return nil
	})
	return t, err
}

// closedSince: a directory that its owner can't read was made so after the
// description. One that was closed before is the user's, and not looked into.
func (t *Tree) closedSince(dir string, now safefs.Stat) bool {
	const read = 0o500
	was, known := t.Entries[dir]
	return now.Perm&read != read && (!known || was.Perm&read == read)
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// Look describes one path as it is now; false if nothing is there.
func Look(r *safefs.Root, rel string) (Entry, bool, error) {
	st, err := r.Stat(rel)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, safefs.ErrOutside) && throughLink(r, rel) || notDir(r, rel, err) {
		return Entry{}, false, nil
	}
	if err != nil {
		return Entry{}, false, err
	}
	e := Entry{Path: rel, Stat: st}
	if st.Type == fs.ModeSymlink {
		e.Link, err = r.Readlink(rel)
	}
	return e, true, err
}

// throughLink: a directory on the way was replaced by a link, so that nothing
// is there.
func throughLink(r *safefs.Root, rel string) bool {
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if st, err := r.Stat(dir); err == nil {
			return st.Type == fs.ModeSymlink
		}
	}
	return false
}

// notDir: a directory on the way was replaced by a file.
func notDir(r *safefs.Root, rel string, err error) bool {
	if err == nil {
		return false
	}
	for dir := path.Dir(rel); dir != "."; dir = path.Dir(dir) {
		if st, err := r.Stat(dir); err == nil {
			return st.Type != fs.ModeDir
		}
	}
	return false
}

// Extend adds what lies in one directory.
func (t *Tree) Extend(ctx context.Context, r *safefs.Root, dir string) error {
	complete, err := r.Walk(ctx, dir, limits, func(p string, e safefs.Entry) error {
		if e.Name == ".git" {
			return fs.SkipDir
		}
		t.Add(r, p, e)
		return nil
	})
	t.Complete = t.Complete && complete
	return err
}

// Within reports whether rel is dir or lies in it; "." holds everything.
func Within(rel, dir string) bool {
	return dir == "." || rel == dir || strings.HasPrefix(rel, dir+"/")
}
