package workspace

import (
	"context"
	"path"
	"slices"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/guard"
	"github.com/bailey-project/bailey/internal/workspace/secretfile"
)

// arm tells the guard what Prepare found.
func (w *Workspace) arm() {
	g := w.guard
	g.Names = w.view.Watch
	g.Was = func(name string) bool {
		return slices.ContainsFunc(w.tree.dirs[""], func(l listed) bool { return l.name == name })
	}
	g.Secret = func(rel string) bool {
		_, known := w.secrets[rel]
		return known || secretfile.Of(rel) != secretfile.None
	}
	g.Busy, g.Vouched = w.gitBusy, w.vouched
	w.armBelow()
	for rel := range w.secrets {
		if dir := path.Dir(rel); dir != "." && !slices.Contains(g.Dirs, dir) {
			g.Dirs = append(g.Dirs, dir)
		}
	}
}

// Watch moves control names away as soon as they appear in the root, and
// reports them, and new or replaced secret files, until ctx ends. It returns
// when it is armed: what appears after that is seen. report is called from one
// goroutine at a time.
func (w *Workspace) Watch(ctx context.Context, report func(Found)) error {
	return w.guard.Watch(ctx, report)
}

// Sweep moves away what the watch has not seen, and what an interrupted move
// left, and puts back what the user's own git made. Call it when the last
// process inside is gone.
func (w *Workspace) Sweep() []Found { return append(w.guard.Sweep(), w.giveBack()...) }

// Taken lists what lies in the quarantine below a session's directory, and
// Restore puts one entry back, replacing nothing.
func Taken(dir *safefs.Root) ([]Moved, error) { return guard.Taken(dir) }

// Restore: see Taken.
func Restore(dir, root *safefs.Root, m Moved) error { return guard.Restore(dir, root, m) }
