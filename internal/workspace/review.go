package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/change"
	"github.com/bailey-project/bailey/internal/workspace/frozen"
	"github.com/bailey-project/bailey/internal/workspace/overlay"
	"github.com/bailey-project/bailey/internal/workspace/secretfile"
	"github.com/bailey-project/bailey/internal/workspace/trigger"
)

// What a session in review mode has in its directory.
const (
	overlayDir = "overlay" // tree and work, as the kernel wants them
	upperDir   = overlayDir + "/tree"
	reviewBase = overlayDir + "/base" // the project's tree at the start
	// ReplacedDir has what applying replaced or removed.
	ReplacedDir = "replaced"
)

// keepReview makes the overlay's directories, and writes down what the tree
// is, to tell later what the host changed meanwhile.
func (w *Workspace) keepReview(ctx context.Context) error {
	dir := filepath.Join(w.opt.SessionDir, overlayDir)
	for _, d := range []string{dir, filepath.Join(dir, "tree"), filepath.Join(dir, "work")} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return err
		}
	}
	root, err := w.root.Stat(".")
	if err != nil {
		return err
	}
	upper := filepath.Join(dir, "tree")
	if err := os.Chmod(upper, fs.FileMode(root.Perm&0o777)); err != nil { // the root inside has its mode
		return err
	}
	if err := unix.Setxattr(upper, "user.bailey", []byte("1"), 0); err != nil {
		return fmt.Errorf("review needs extended attributes in %s, which its file system does not have: %w", dir, err)
	}
	if err := unix.Removexattr(upper, "user.bailey"); err != nil {
		return err
	}
	w.view.Upper, w.view.Lower = dir, w.opt.Root
	t := w.tree.all
	f := capture.Filter{Left: append(w.tree.closed, w.tree.heavy...)}
	for rel := range w.secrets {
		f.Hidden = append(f.Hidden, rel)
	}
	t.Limit(f)
	if err := t.Save(filepath.Join(w.opt.SessionDir, reviewBase)); err != nil || !w.opt.Frozen {
		w.tree.all = nil
		return err
	}
	w.view.Lower = filepath.Join(dir, "lower")
	if err := os.Mkdir(w.view.Lower, fs.FileMode(root.Perm&0o777|0o700)); err != nil {
		return err
	}
	for _, dir := range w.tree.heavy {
		if err := t.Extend(ctx, w.root, dir); err != nil {
			return err
		}
	}
	if w.tree.all = nil; !t.Complete {
		return errors.New("the project is too large to be copied: leave --frozen out")
	}
	p := frozen.Project{Root: w.root, Tree: t, Hidden: f.Hidden, Git: append([]string{"."}, w.nested...)}
	return p.Copy(ctx, w.view.Lower)
}

// settled: nothing of the overlay waits to be applied.
func (w *Workspace) settled() bool {
	if _, err := w.dir.Lstat(overlayDir); err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	list, err := w.dir.ReadDir(upperDir, 1)
	if w.keep || err != nil || len(list) > 0 && !w.same {
		return false
	}
	return unlocked(w.dir, overlayDir) == nil
}

// Review is a session's overlay after its end, from OpenReview to Close.
type Review struct {
	*Workspace
	reader overlay.Reader
}

// OpenReview takes over the overlay of a session that ended. searchPath is the
// user's PATH.
func OpenReview(sessionDir, searchPath string) (*Review, error) {
	w, err := Reopen(sessionDir, searchPath)
	if err != nil {
		return nil, err
	}
	r := &Review{Workspace: w}
	if r.reader, err = w.reader(); err != nil {
		_ = w.Close(false)
		return nil, err
	}
	return r, nil
}

func (w *Workspace) reader() (overlay.Reader, error) {
	r := overlay.Reader{Host: w.root, Began: w.started, Executes: trigger.Executes, Control: trigger.Commands,
		Secret: func(rel string) bool { return secretfile.Of(rel) != secretfile.None }}
	var err error
	if r.Base, err = capture.Load(filepath.Join(w.opt.SessionDir, reviewBase)); err != nil {
		return r, err
	}
	hidden := r.Base.Filter.Hidden
	byName := r.Secret
	r.Secret = func(rel string) bool { return byName(rel) || slices.Contains(hidden, rel) }
	r.Upper, err = w.dir.Sub(upperDir)
	return r, err
}

// Close gives the overlay back; what was not applied is kept.
func (r *Review) Close() error {
	return errors.Join(r.reader.Upper.Close(), r.Workspace.Close(false))
}

// Changes are what the overlay holds and the project has not.
func (r *Review) Changes(ctx context.Context) ([]overlay.Change, error) { return r.reader.Changes(ctx) }

// Plan says what Apply would do, and what it would leave and why.
func (r *Review) Plan(changes []overlay.Change, w overlay.Wish) []change.Action {
	return r.reader.Plan(changes, w)
}

// Apply carries a plan out; it returns what was left after all. What it
// replaced and removed lies in ReplacedDir.
func (r *Review) Apply(ctx context.Context, plan []change.Action) ([]change.Action, error) {
	if err := os.MkdirAll(filepath.Join(r.opt.SessionDir, ReplacedDir), 0o700); err != nil {
		return nil, err
	}
	aside, err := r.dir.Sub(ReplacedDir)
	if err != nil {
		return nil, err
	}
	defer aside.Close()
	defer func() { _ = r.dir.Remove(ReplacedDir) }() // if it is empty
	dirs := map[string]bool{".": true}
	for _, a := range plan {
		dirs[path.Dir(a.Path)] = true
	}
	return change.Run(ctx, r.reader.Tree(aside, slices.Collect(maps.Keys(dirs))), plan)
}

// Replaced is where the host's versions lie, "" if none was touched.
func (r *Review) Replaced() string {
	if _, err := r.dir.Lstat(ReplacedDir); err != nil {
		return ""
	}
	return filepath.Join(r.opt.SessionDir, ReplacedDir)
}

// Bring lets branches, HEAD and what is staged follow the commits of the
// session. Call it when its files are applied.
func (r *Review) Bring(ctx context.Context) (Report, error) { return r.bring(ctx, false) }

// Discard removes the overlay and everything else that waits.
func (r *Review) Discard() error {
	var err error
	list, rerr := r.dir.ReadDir(".", 0)
	for _, e := range list {
		if e.Name == overlayDir || e.Name == stateFile || e.Name == "private" || e.Name == "git" || strings.HasPrefix(e.Name, "git.") {
			err = errors.Join(err, unlocked(r.dir, e.Name))
		}
	}
	return errors.Join(err, rerr)
}

// unlocked removes a tree, also below directories that may not be read.
func unlocked(r *safefs.Root, name string) error {
	_ = r.Unlock(path.Join(name, "work", "work")) // of the kernel's own, mode 0
	return r.RemoveAll(name)
}

// reviewDiff lists what the overlay holds, in the words of Diff.
func (w *Workspace) reviewDiff(ctx context.Context) (Changes, error) {
	r, err := w.reader()
	if err != nil {
		return Changes{}, err
	}
	defer r.Upper.Close()
	list, err := r.Changes(ctx)
	if err != nil {
		return Changes{}, err
	}
	var out Changes
	w.same = len(list) == 0
	for _, c := range list {
		if len(out.Files) >= maxChanges {
			out.Partial = true
			break
		}
		kind := map[overlay.Kind]ChangeKind{overlay.Added: Added, overlay.Removed: Removed}[c.Kind]
		if kind == "" {
			kind = Modified
		}
		out.Files = append(out.Files, Change{c.Path, kind, c.Executes})
	}
	return out, nil
}
