package workspace

import (
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bailey-project/bailey/internal/workspace/gitdir"
)

// Replaced judges what the host, or an inside that waited for the moment, put
// in the place of a protected entry that had been gone for so long. It reports
// what it found, now or when the user's git is done.
func (w *Workspace) Replaced(rel string, absent time.Duration, report func(Found)) {
	if !w.opt.Review {
		w.guard.Replaced(rel, absent, report)
	}
}

// staleLock is the age from which git's lock is one that was left behind.
const staleLock = 10 * time.Minute

// gitBusy says that the user's own git is changing the tree: it holds the lock
// of the index meanwhile, which is out of the sandbox's reach.
func (w *Workspace) gitBusy() bool {
	if w.repo == nil {
		return false
	}
	info, err := os.Lstat(filepath.Join(w.repo.GitDir, "index.lock"))
	return err == nil && time.Since(info.ModTime()) < staleLock
}

// vouched says that the index of the user's own repository has exactly what
// stands at rel.
func (w *Workspace) vouched(rel string) bool {
	tracked := w.known.read(w.repo)
	return len(tracked) > 0 && asTracked(w.root, rel, rel, tracked)
}

// known is the host's index, read again when it has changed: programs inside
// decide how often it is asked.
type known struct {
	mu      sync.Mutex
	changed time.Time
	size    int64
	tracked map[string][]byte // path → object
}

func (k *known) read(repo *gitdir.Repo) map[string][]byte {
	if repo == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	info, err := os.Lstat(filepath.Join(repo.GitDir, "index"))
	if err != nil {
		return nil
	}
	if k.tracked != nil && info.ModTime().Equal(k.changed) && info.Size() == k.size {
		return k.tracked
	}
	index, err := repo.ReadIndex()
	if err != nil || index == nil {
		return nil
	}
	k.tracked = map[string][]byte{}
	if index.Each(func(e gitdir.IndexEntry) { k.tracked[string(e.Path)] = append([]byte(nil), e.Object...) }) != nil {
		return nil
	}
	k.changed, k.size = info.ModTime(), info.Size()
	return k.tracked
}
