package workspace

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/store"
	"github.com/bailey-project/bailey/internal/workspace/undo"
)

// Collect removes kept content that no session below sessionsDir can be undone
// with any more. storesDir has a store for each project. A store that somebody
// uses is left for the next time.
func Collect(storesDir, sessionsDir string) error {
	list, err := os.ReadDir(storesDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range list {
		err = errors.Join(err, collect(filepath.Join(storesDir, e.Name()), sessionsDir))
	}
	return err
}

func collect(dir, sessionsDir string) error {
	st, err := store.Open(dir, "collect")
	if err != nil {
		return err
	}
	err = st.Collect(func() (map[string]bool, error) { return usedFiles(dir, sessionsDir) })
	if errors.Is(err, store.ErrBusy) {
		err = nil
	}
	return errors.Join(err, st.Close())
}

// usedFiles are the files of a store that a session refers to. A session whose
// description can't be read might refer to any, so that is an error.
func usedFiles(dir, sessionsDir string) (map[string]bool, error) {
	sessions, err := os.ReadDir(sessionsDir)
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, e := range sessions {
		t, err := keptTree(dir, filepath.Join(sessionsDir, e.Name()))
		if err != nil {
			return nil, err
		}
		if t == nil {
			continue
		}
		for _, e := range t.Entries {
			if e.Object != "" && !strings.HasPrefix(e.Object, undo.GitObject) {
				used[store.Object(e.Object).File()] = true
			}
		}
	}
	return used, nil
}

// keptTree is what a session described at its start; nil if it kept nothing in
// that store.
func keptTree(dir, session string) (*capture.Tree, error) {
	about, err := undo.ReadAbout(session)
	if err == nil {
		if about.Store != dir {
			return nil, nil
		}
		return capture.Load(filepath.Join(session, undo.BaseFile))
	}
	if !errors.Is(err, undo.ErrNothingKept) {
		return nil, err
	}
	d, err := safefs.Open(session)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	s, t, err := readState(d)
	if errors.Is(err, os.ErrNotExist) || err == nil && (s.Options.Keep == nil || s.Options.Keep.Store != dir) {
		return nil, nil
	}
	return t, err
}
