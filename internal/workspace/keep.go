package workspace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/gitback"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/undo"
)

// Keep says what is kept at the start of a session, so that it can be undone.
type Keep = undo.Allowance

// keepStart describes the project and keeps what undo needs.
func (w *Workspace) keepStart(ctx context.Context) error {
	if w.opt.Keep == nil || w.opt.Review {
		return nil
	}
	s := undo.Start{Allowance: *w.opt.Keep, Session: w.opt.SessionID, Home: w.opt.Home, Root: w.root, Index: w.index, Repo: w.repo,
		Tree: w.tree.all, Heavy: w.tree.heavy, Closed: w.tree.closed, Hidden: slices.Collect(maps.Keys(w.secrets))}
	left, st, err := s.Keep(ctx)
	w.store = st
	if err != nil {
		return fmt.Errorf("keeping what undo needs: %w", err)
	}
	if left.Files > 0 {
		w.note("undo can't bring back %d files (%d MB) that were not kept yet; later sessions keep more", left.Files, left.Bytes>>20)
	}
	w.kept, w.encoded = true, make(chan []byte, 1)
	go func() { // beside the rest of the start; save waits for it
		var b bytes.Buffer
		_ = s.Tree.Encode(&b) // a buffer takes everything
		w.encoded <- b.Bytes()
	}()
	return nil
}

// keepGit writes down a repository's own state before commits come home, and
// after.
func (w *Workspace) keepGit(ctx context.Context, part int, repo gitdir.Repo, after bool) error {
	if !w.kept {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(w.opt.SessionDir, undo.Dir), 0o700); err != nil {
		return err
	}
	name := filepath.Join(w.opt.SessionDir, fmt.Sprintf("%s%d", undo.GitFile, part))
	r := gitback.Record{Repo: repo}
	if after {
		b, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			return nil // nothing was changed
		}
		if err := errors.Join(err, json.Unmarshal(b, &r)); err != nil {
			return err
		}
	}
	now, err := gitback.Read(ctx, &repo)
	if err != nil {
		return err
	}
	if r.After = now; !after {
		r.Before = now
	}
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o600)
}

// Settle writes down what the tree is at the end, so that a later undo can tell
// the session's work from the user's. Call it after Finish. killed: the session
// ended some time ago, and the user may have worked since.
func (w *Workspace) Settle(ctx context.Context, killed bool) error {
	if !w.kept {
		return nil
	}
	_, base, err := readState(w.dir)
	if err != nil {
		return err
	}
	now, err := capture.Again(ctx, w.root, base)
	if err != nil {
		return err
	}
	w.base, w.now = base, now
	a := undo.About{Root: w.opt.Root, Store: w.opt.Keep.Store, Ended: time.Now(), Killed: killed}
	changed := capture.New()
	changed.Complete = now.Complete
	for p, e := range now.Entries {
		if was, ok := base.Entries[p]; !ok || !e.Untouched(was) && (e.Type != was.Type || !e.Type.IsDir() || e.Perm != was.Perm) {
			changed.Entries[p] = e
		}
	}
	for p := range base.Entries {
		if _, ok := now.Entries[p]; !ok && now.Complete {
			a.Gone = append(a.Gone, p)
		}
	}
	git, _ := filepath.Glob(filepath.Join(w.opt.SessionDir, undo.GitFile+"*"))
	if len(changed.Entries) == 0 && len(a.Gone) == 0 && len(git) == 0 {
		return os.RemoveAll(filepath.Join(w.opt.SessionDir, undo.Dir)) // nothing to undo
	}
	dir := func(name string) string { return filepath.Join(w.opt.SessionDir, name) }
	return errors.Join(os.MkdirAll(dir(undo.Dir), 0o700), base.Save(dir(undo.BaseFile)), changed.Save(dir(undo.AfterFile)), a.Save(w.opt.SessionDir))
}
