package workspace

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
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
	tracked := map[string][]byte{}
	index, err := w.repo.ReadIndex()
	if err != nil || index == nil || index.Each(func(e gitdir.IndexEntry) { tracked[string(e.Path)] = append([]byte(nil), e.Object...) }) != nil {
		return nil
	}
	for _, m := range list {
		if w.asTracked(m, tracked) && guard.Restore(w.dir, w.root, m) == nil {
			found = append(found, Found{Name: m.Name, Kind: Returned, Reason: m.Reason})
		}
	}
	return found
}

// asTracked says that every file of an entry is one that the index has.
func (w *Workspace) asTracked(m Moved, tracked map[string][]byte) bool {
	from := guard.Quarantine + "/" + m.As
	info, err := w.dir.Lstat(from)
	if err != nil || !info.IsDir() {
		return err == nil && sameBlob(w.dir, from, tracked[m.Name])
	}
	files := 0
	complete, err := w.dir.Walk(context.Background(), from, safefs.Limits{Entries: 2000, Depth: 16}, func(p string, e safefs.Entry) error {
		if e.IsDir() {
			return nil
		}
		files++
		if e.Type != 0 || !sameBlob(w.dir, p, tracked[path.Join(m.Name, strings.TrimPrefix(p, from))]) {
			return fs.ErrInvalid
		}
		return nil
	})
	return err == nil && complete && files > 0
}
