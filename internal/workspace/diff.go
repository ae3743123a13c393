package workspace

import (
	"cmp"
	"context"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/trigger"
)

// ChangeKind is what happened to a file.
type ChangeKind string

// The kinds of change.
const (
	Added    ChangeKind = "added"
	Modified ChangeKind = "modified"
	Removed  ChangeKind = "removed"
)

// Change is one file, or one directory of downloaded or produced files.
type Change struct {
	Path     string     `json:"path"`
	Kind     ChangeKind `json:"kind"`
	Executes string     `json:"executes,omitempty"` // the host tool that executes it, "" if none is known
}

// Changes are sorted by path.
type Changes struct {
	Files   []Change
	Partial bool // the project is too large to be compared whole
}

const (
	maxChanges = 20000
	// diffTime bounds the walk; heavy directories come last, with what is left.
	diffTime = 2 * time.Second
)

// Diff lists what changed in the project since Prepare, whoever changed it.
//
// The start cost nothing but the names and inode numbers that the scan read
// anyway. A file counts as modified when its status changed since (ctime,
// which an ordinary process cannot set), or when another file stands at its
// name. A clock that was set back hides changes.
func (w *Workspace) Diff(ctx context.Context) (Changes, error) {
	if w.opt.Review {
		return w.reviewDiff(ctx)
	}
	if w.now != nil {
		return w.diffKept(ctx)
	}
	d := differ{w: w, was: map[string]listed{}, end: time.Now().Add(diffTime)}
	if w.tree == nil { // reopened: the names at the start are not known
		d.out.Partial = true
		w.tree = &tree{dirs: map[string][]listed{}}
	}
	for dir, list := range w.tree.dirs {
		for _, l := range list {
			d.was[path.Join(dir, l.name)] = l
		}
	}
	complete, err := w.root.Walk(ctx, ".", safefs.Limits{Entries: scanLimits.Entries, Depth: scanLimits.Depth, Time: diffTime, Changed: true}, d.entry)
	if err != nil {
		return Changes{}, err
	}
	d.out.Partial = d.out.Partial || !complete || !w.tree.complete
	if complete {
		for p, l := range d.was {
			if !l.dir {
				d.add(p, Removed)
			}
		}
	}
	return d.finish(ctx)
}

func (d *differ) finish(ctx context.Context) (Changes, error) {
	for _, dir := range d.heavy {
		d.heavyDir(ctx, dir)
	}
	slices.SortFunc(d.out.Files, func(a, b Change) int { return cmp.Compare(a.Path, b.Path) })
	return d.out, nil
}

type differ struct {
	w     *Workspace
	was   map[string]listed // not yet met again
	heavy []string
	end   time.Time
	out   Changes
}

func (d *differ) add(p string, k ChangeKind) {
	if len(d.out.Files) >= maxChanges {
		d.out.Partial = true
		return
	}
	d.out.Files = append(d.out.Files, Change{p, k, trigger.Executes(p)})
}

func (d *differ) entry(p string, e safefs.Entry) error {
	if e.Name == ".git" {
		if dir := path.Dir(p); dir != "." && !slices.Contains(d.w.nested, dir) {
			d.add(p+"/", Added) // a repository whose settings were made inside
		}
		return fs.SkipDir
	}
	old, was := d.was[p]
	delete(d.was, p)
	if e.IsDir() {
		if capture.Downloaded(e.Name) {
			d.heavy = append(d.heavy, p)
			return fs.SkipDir
		}
		return nil
	}
	switch {
	case !was:
		d.add(p, Added)
	case old.ino != e.Ino || old.dir || !e.Changed.Before(d.w.started):
		d.add(p, Modified)
	}
	return nil
}

// diffKept compares the two descriptions that undo has anyway.
func (w *Workspace) diffKept(ctx context.Context) (Changes, error) {
	d := differ{w: w, end: time.Now().Add(diffTime)}
	d.out.Partial = !w.base.Complete || !w.now.Complete
	for p, e := range w.now.Entries {
		was, known := w.base.Entries[p]
		switch {
		case e.Type.IsDir():
			if slices.Contains(w.base.Filter.Left, p) || capture.Downloaded(path.Base(p)) && !known {
				d.heavy = append(d.heavy, p)
			}
		case !known:
			d.add(p, Added)
		case !e.Untouched(was):
			d.add(p, Modified)
		}
	}
	for p, was := range w.base.Entries {
		if _, there := w.now.Entries[p]; !there && !was.Type.IsDir() {
			d.add(p, Removed)
		}
	}
	for _, dir := range w.now.Repositories {
		if dir != "." && !slices.Contains(w.nested, dir) {
			d.add(dir+"/.git/", Added) // its settings were made inside
		}
	}
	for _, p := range w.base.Filter.Hidden {
		if st, err := w.root.Stat(p); err == nil && !time.Unix(0, st.Changed).Before(w.started) {
			d.add(p, Modified)
		}
	}
	return d.finish(ctx)
}

// heavyDir becomes one line, with the number of files that changed.
func (d *differ) heavyDir(ctx context.Context, dir string) {
	n := 0
	lim := safefs.Limits{Entries: scanLimits.Entries, Time: max(time.Until(d.end), time.Millisecond), Changed: true}
	complete, err := d.w.root.Walk(ctx, dir, lim, func(p string, e safefs.Entry) error {
		if !e.IsDir() && !e.Changed.Before(d.w.started) {
			n++
		}
		return nil
	})
	if err != nil || !complete {
		d.out.Partial = true
	}
	if n > 0 {
		d.add(dir+"/ ("+strconv.Itoa(n)+" files)", Modified)
		d.out.Files[len(d.out.Files)-1].Executes = trigger.Executes(dir + "/x")
	}
}
