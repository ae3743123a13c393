package workspace

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/guard"
)

// giveBack puts back what the user's own git made during the session, by
// checking out a branch or pulling: nobody can tell who made a file, but the
// index of the host's repository is out of the sandbox's reach, and an entry
// that has there the very content it was moved away with is the user's.
//
// It must come before Finish, which may bring the index what was made inside.
func (w *Workspace) giveBack() (found []Found) {
	list, err := guard.Taken(w.dir)
	if err != nil || len(list) == 0 || w.repo == nil {
		return nil
	}
	tracked := w.known.read(w.repo)
	for _, m := range list {
		if asTracked(w.dir, guard.Quarantine+"/"+m.As, m.Name, tracked) && guard.Restore(w.dir, w.root, m) == nil {
			found = append(found, Found{Name: m.Name, Kind: Returned, Reason: m.Reason})
		}
	}
	return found
}

// asTracked says that every file of the entry at from, in dir, is one that the
// index has as name, or below it.
func asTracked(dir *safefs.Root, from, name string, tracked map[string][]byte) bool {
	info, err := dir.Lstat(from)
	if err != nil || !info.IsDir() {
		return err == nil && sameBlob(dir, from, tracked[name])
	}
	files := 0
	complete, err := dir.Walk(context.Background(), from, safefs.Limits{Entries: 2000, Depth: 16}, func(p string, e safefs.Entry) error {
		if e.IsDir() {
			return nil
		}
		files++
		if e.Type != 0 || !sameBlob(dir, p, tracked[path.Join(name, strings.TrimPrefix(p, from))]) {
			return fs.ErrInvalid
		}
		return nil
	})
	return err == nil && complete && files > 0
}
