// Package change carries out a list of changes to a tree of files.
//
// It does not decide what is to be changed. Its invariants: an entry is changed
// only while it is what the list saw; a file is replaced at once or not at all;
// no link is followed; and it can be stopped at any moment and run again with a
// new list.
package change

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
)

// Kind is what is done to a path.
type Kind string

// The kinds of action.
const (
	Remove Kind = "remove"
	Write  Kind = "write" // the entry gets the wanted type, content and attributes
	Mode   Kind = "mode"  // only permissions and times change
	Leave  Kind = "leave" // it is left as it is; see Action.Why
)

// Action is one step.
type Action struct {
	Path string `json:"path"`
	Kind Kind   `json:"action"`
	Why  string `json:"why,omitempty"` // it is left

	Want capture.Entry `json:"-"` // empty for Remove
	Now  capture.Entry `json:"-"` // what the list saw; empty for nothing
}

// Leave makes it a step that is not taken.
func (a Action) Leave(why string) Action {
	a.Kind, a.Why = Leave, why
	return a
}

// Tree is what is changed.
type Tree struct {
	Root   *safefs.Root
	Source func(want capture.Entry) (io.ReadCloser, error) // content of a file that is not empty
	Aside  *safefs.Root                                    // where what is removed or replaced goes; nil: nowhere
	Heavy  func(rel string) bool                           // a directory that is removed with all that is in it; may be nil
	Ended  time.Time                                       // what is in it and changed after that is not; zero: it is
	Dirs   []string                                        // searched for what an earlier run left half done
}

// runner is one run of Run.
type runner struct {
	Tree
	locked map[string]uint32 // directories opened for us, and the mode they had
	left   []Action
}

// Run carries a plan out and returns what had to be left after all, with the
// reason. An error means that it stopped; running it again goes on.
func Run(ctx context.Context, t Tree, plan []Action) ([]Action, error) {
	r := runner{Tree: t, locked: map[string]uint32{}}
	defer r.lock()
	r.open(plan)
	r.sweep()
	for _, step := range []struct {
		kind  Kind
		order func(a, b Action) int
		do    func(Action) error
	}{
		{Remove, deepest, r.remove},
		{Write, first, r.write},
		{Mode, deepest, r.mode},
	} {
		for _, a := range sorted(plan, step.kind, step.order) {
			if err := ctx.Err(); err != nil {
				return r.left, err
			}
			if err := step.do(a); err != nil {
				r.left = append(r.left, a.Leave(reason(err)))
			}
		}
	}
	r.directories(plan)
	return r.left, nil
}

// open makes directories that are changed anyway accessible, parents first.
func (r *runner) open(plan []Action) {
	const all = 0o700
	list := slices.DeleteFunc(slices.Clone(plan), func(a Action) bool {
		return a.Kind == Leave || a.Now.Type != fs.ModeDir || a.Now.Perm&all == all
	})
	slices.SortFunc(list, first)
	for _, a := range list {
		if os.Geteuid() != 0 && r.Root.Unlock(a.Path) == nil {
			r.locked[a.Path] = a.Now.Perm
		}
	}
}

func sorted(plan []Action, k Kind, order func(a, b Action) int) []Action {
	var list []Action
	for _, a := range plan {
		if a.Kind == k {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, order)
	return list
}

// first has parents before what lies in them, deepest the other way round.
func first(a, b Action) int   { return cmp.Compare(a.Path, b.Path) }
func deepest(a, b Action) int { return cmp.Compare(b.Path, a.Path) }

var errTouched = errors.New("changed just now")

func reason(err error) string {
	var p *fs.PathError
	switch {
	case errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, syscall.EISDIR), errors.Is(err, fs.ErrExist):
		return "there are files in it that were made since"
	case errors.As(err, &p):
		return p.Err.Error()
	}
	return err.Error()
}

// sweep removes the temporary files of a run that was killed.
func (r *runner) sweep() {
	for _, dir := range r.Dirs {
		list, _ := r.Root.ReadDir(dir, 0)
		for _, e := range list {
			if safefs.Temporary(e.Name) && e.Type&^fs.ModeSymlink == 0 {
				_ = r.Root.Remove(path.Join(dir, e.Name))
			}
		}
	}
}

// check: what the plan saw is still there.
func (r *runner) check(a Action) error {
	now, there, err := capture.Look(r.Root, a.Path)
	switch {
	case err != nil:
		return err
	case there != (a.Now.Path != ""), there && a.Now.Type != now.Type, there && now.Type != fs.ModeDir && !now.Unwritten(a.Now):
		return errTouched
	}
	return nil
}

func (r *runner) remove(a Action) error {
	if err := r.check(a); err != nil {
		return err
	}
	heavy := a.Now.Type == fs.ModeDir && r.Heavy != nil && r.Heavy(a.Path)
	switch {
	case r.Aside != nil && (heavy || a.Now.Type != fs.ModeDir):
		return r.aside(a.Path, r.moveAside)
	case heavy:
		return r.removeHeavy(a.Path)
	}
	return r.opened(a.Path, func() error { return gone(r.Root.Remove(a.Path)) })
}

func (r *runner) makeParent(p string) error {
	if dir := path.Dir(p); dir != "." {
		return r.Aside.MkdirAll(dir, 0o700)
	}
	return nil
}

// aside keeps what may be the user's own, by a way to do it.
func (r *runner) aside(p string, keep func(p, to string) error) error {
	to := p
	for i := 1; ; i++ {
		if err := r.makeParent(to); err != nil {
			return err
		}
		err := r.opened(p, func() error { return keep(p, to) })
		if !errors.Is(err, fs.ErrExist) || i > 100 {
			return gone(err)
		}
		to = fmt.Sprintf("%s.%d", p, i) // of an earlier run
	}
}

// removeHeavy removes a directory of downloaded or produced files that the
// session made; what changed after the session stays.
func (r *runner) removeHeavy(dir string) error {
	newer := false
	_, err := r.Root.Walk(context.Background(), dir, safefs.Limits{Stat: true}, func(_ string, e safefs.Entry) error {
		newer = newer || !r.Ended.IsZero() && e.Stat != nil && !e.IsDir() && e.Stat.Changed > r.Ended.UnixNano()
		return nil
	})
	if err != nil {
		return err
	}
	if newer {
		return fs.ErrExist
	}
	return r.opened(dir, func() error { return r.Root.RemoveAll(dir) })
}

func (r *runner) moveAside(p, to string) error {
	err := r.Root.MoveTo(p, r.Aside, to)
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	if err := r.copyAside(p, to); err != nil {
		return err
	}
	return r.Root.Remove(p)
}

func (r *runner) copyAside(p, to string) error {
	if _, err := r.Aside.Stat(to); err == nil {
		return fs.ErrExist
	}
	e, there, err := capture.Look(r.Root, p)
	if err != nil || !there {
		return err
	}
	switch e.Type {
	case fs.ModeSymlink:
		return r.Aside.Symlink(e.Link, to, attr(e))
	case 0:
		f, err := r.Root.OpenFile(p)
		if err != nil {
			return err
		}
		return errors.Join(r.Aside.Put(to, f, attr(e)), f.Close())
	}
	return errors.New("the directory to keep it in is on another file system")
}

func gone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// opened runs do, and once more with access to the parent directory, if that
// is what was missing.
func (r *runner) opened(p string, do func() error) error {
	err := do()
	dir := path.Dir(p)
	if !errors.Is(err, fs.ErrPermission) || dir == "." {
		return err
	}
	st, serr := r.Root.Stat(dir)
	if serr != nil || r.Root.Unlock(dir) != nil {
		return err
	}
	if _, again := r.locked[dir]; !again {
		r.locked[dir] = st.Perm
	}
	return do()
}

// lock gives directories back the mode they had.
func (r *runner) lock() {
	for dir, perm := range r.locked {
		_ = r.Root.SetAttr(dir, safefs.Attr{Perm: perm})
	}
}

func (r *runner) write(a Action) error {
	if err := r.check(a); err != nil {
		return err
	}
	want := a.Want
	if a.Now.Path != "" && a.Now.Type != fs.ModeDir && r.Aside != nil {
		// A copy, so that something stands there whenever we are stopped.
		if err := r.aside(a.Path, r.copyAside); err != nil {
			return err
		}
	}
	if a.Now.Path != "" && a.Now.Type != want.Type && (a.Now.Type == fs.ModeDir || want.Type == fs.ModeDir) {
		if err := r.opened(a.Path, func() error { return gone(r.Root.Remove(a.Path)) }); err != nil {
			return err
		}
	}
	switch want.Type {
	case fs.ModeDir:
		return r.opened(a.Path, func() error { return r.Root.Mkdir(a.Path, 0o700) })
	case fs.ModeSymlink:
		return r.opened(a.Path, func() error { return r.Root.Symlink(want.Link, a.Path, attr(want)) })
	}
	return r.opened(a.Path, func() error { return r.file(want) })
}

func (r *runner) file(want capture.Entry) error {
	if want.Size == 0 {
		return r.Root.Put(want.Path, strings.NewReader(""), attr(want))
	}
	src, err := r.Source(want)
	if err != nil {
		return err
	}
	defer src.Close()
	return r.Root.Put(want.Path, &exactly{src, want.Size}, attr(want))
}

// exactly is an error when there is less or more than left bytes to read.
type exactly struct {
	io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	e.left -= int64(n)
	if e.left < 0 || errors.Is(err, io.EOF) && e.left > 0 {
		return n, fmt.Errorf("the kept content has another size")
	}
	return n, err
}

func attr(e capture.Entry) safefs.Attr {
	return safefs.Attr{Perm: e.Perm, Modified: e.Modified, Owned: os.Geteuid() == 0, UID: e.UID, GID: e.GID}
}

func (r *runner) mode(a Action) error {
	if err := r.check(a); err != nil {
		return err
	}
	if a.Want.Type == fs.ModeSymlink {
		return nil
	}
	want := attr(a.Want)
	if a.Want.Type == fs.ModeDir {
		want.Modified = 0
		delete(r.locked, a.Path)
	}
	return r.Root.SetAttr(a.Path, want)
}

// directories get their modes last: one may not be writable.
func (r *runner) directories(plan []Action) {
	for _, a := range sorted(plan, Write, deepest) {
		if a.Want.Type == fs.ModeDir {
			want := attr(a.Want)
			want.Modified = 0
			if r.Root.SetAttr(a.Path, want) == nil {
				delete(r.locked, a.Path)
			}
		}
	}
}
