package safefs

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"syscall"
	"time"
)

// Limits bound a walk over a tree that somebody else may grow while it runs.
// A zero field means no limit, except Depth, where it means 64.
type Limits struct {
	Entries int
	Depth   int
	Time    time.Duration
	Changed bool // fill in Entry.Changed of what is no directory: one more system call each
	Stat    bool // fill in Entry.Stat: one more system call each

	Closed func(dir string) // told of a directory that can't be read, which else makes the walk incomplete
}

// ReadDir lists a directory sorted by name, at most max names (0: no limit).
func (r *Root) ReadDir(rel string, max int) ([]Entry, error) {
	list, _, err := r.readDir(rel, Limits{Entries: max}, make([]byte, 32<<10))
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Compare(a.Name, b.Name) })
	return list, err
}

// Walk calls fn for every entry below rel, breadth first, so that a limit
// costs the deepest names and not the root's own. fn may return fs.SkipDir to
// leave a directory out or fs.SkipAll to end; any other error ends the walk.
// complete is false when a limit, or a directory that could not be read, left
// something out.
func (r *Root) Walk(ctx context.Context, rel string, lim Limits, fn func(path string, e Entry) error) (complete bool, err error) {
	w := walker{r: r, lim: lim, fn: fn, complete: true, buf: make([]byte, 64<<10)}
	if lim.Depth == 0 {
		w.lim.Depth = 64
	}
	if lim.Time > 0 {
		w.end = time.Now().Add(lim.Time)
	}
	w.queue = []queued{{rel, 0}}
	for len(w.queue) > 0 && err == nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		next := w.queue[0]
		w.queue = w.queue[1:]
		err = w.dir(next)
	}
	if errors.Is(err, fs.SkipAll) {
		err = nil
	}
	return w.complete, err
}

type queued struct {
	path  string
	depth int
}

type walker struct {
	r        *Root
	lim      Limits
	end      time.Time
	fn       func(string, Entry) error
	queue    []queued
	seen     int
	complete bool
	buf      []byte
}

func (w *walker) dir(q queued) error {
	if !w.end.IsZero() && time.Now().After(w.end) {
		w.complete = false
		return fs.SkipAll
	}
	lim := w.lim
	if lim.Entries > 0 {
		lim.Entries = max(lim.Entries-w.seen, 1)
	}
	list, more, err := w.r.readDir(q.path, lim, w.buf)
	if w.lim.Closed != nil && errors.Is(err, fs.ErrPermission) {
		w.lim.Closed(q.path)
		return nil
	}
	if err != nil { // gone, replaced or closed to us: the rest still counts
		w.complete = w.complete && errors.Is(err, fs.ErrNotExist)
	}
	if more {
		w.complete = false
	}
	for _, e := range list {
		if err := w.entry(q, e); err != nil {
			return err
		}
	}
	if more {
		return fs.SkipAll
	}
	return nil
}

func (w *walker) entry(q queued, e Entry) error {
	w.seen++
	p := e.Name
	if q.path != "." {
		p = q.path + "/" + e.Name
	}
	err := w.fn(p, e)
	if errors.Is(err, fs.SkipDir) {
		return nil
	}
	if err != nil {
		return err
	}
	if e.IsDir() {
		if q.depth+1 >= w.lim.Depth {
			w.complete = false
			return nil
		}
		w.queue = append(w.queue, queued{p, q.depth + 1})
	}
	return nil
}

// MkdirAll makes rel and its missing parents.
func (r *Root) MkdirAll(rel string, mode fs.FileMode) error {
	err := r.Mkdir(rel, mode)
	if errors.Is(err, fs.ErrNotExist) {
		if dir := path.Dir(rel); dir != "." {
			if err := r.MkdirAll(dir, mode); err != nil {
				return err
			}
			err = r.Mkdir(rel, mode)
		}
	}
	if errors.Is(err, fs.ErrExist) {
		if info, lerr := r.Lstat(rel); lerr == nil && info.IsDir() {
			return nil
		}
	}
	return err
}

// RemoveAll removes rel and all below it; a link is removed, not followed.
// A name that does not exist is no error.
func (r *Root) RemoveAll(rel string) error {
	err := r.Remove(rel)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if !errors.Is(err, syscall.ENOTEMPTY) && !errors.Is(err, syscall.EEXIST) {
		return err
	}
	list, rerr := r.ReadDir(rel, 0)
	if rerr == nil {
		rerr = r.removeEach(rel, list)
	}
	if errors.Is(rerr, fs.ErrPermission) && r.Unlock(rel) == nil {
		if list, rerr = r.ReadDir(rel, 0); rerr == nil {
			rerr = r.removeEach(rel, list)
		}
	}
	if rerr != nil {
		return rerr
	}
	err = r.Remove(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (r *Root) removeEach(rel string, list []Entry) error {
	for _, e := range list {
		if err := r.RemoveAll(path.Join(rel, e.Name)); err != nil {
			return err
		}
	}
	return nil
}
