package session

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/workspace"
)

// kept is how many finished sessions stay listed; there may be twice as many
// before the oldest go, so that hardly a start pays for it.
const kept = 50

// sweep tidies up after sessions whose supervisor was killed, before anything
// new is looked at: what such a session planted must not pass for the user's.
func (s *Session) sweep(ctx context.Context) {
	left, err := workspace.Recover(ctx, home.Sessions())
	if err != nil {
		s.opts.Term.Notef("looking after killed sessions: %v", err)
	}
	for _, l := range left {
		removeScratch(l.SessionDir)
		if l.Review {
			continue
		}
		for _, n := range l.Notes {
			s.opts.Term.Notef("killed session %s: %s", l.SessionID, n)
		}
		if len(l.Unfinished) > 0 {
			s.opts.Term.Notef("killed session %s has commits that are not in %s", l.SessionID, l.Root)
			s.opts.Term.Hintf("bring them home with: bailey session finish %s", l.SessionID)
			continue
		}
		if w, err := workspace.Reopen(l.SessionDir, lookup(s.opts.Env, "PATH")); err == nil {
			_ = w.Close(true)
		}
	}
	prune()
}

// removeScratch removes what only a running session needs.
func removeScratch(dir string) {
	for _, name := range []string{scratchName, socketName} {
		_ = removeTree(filepath.Join(dir, name))
	}
}

// prune forgets the oldest finished sessions that hold nothing.
func prune() {
	dirs, err := os.ReadDir(home.Sessions())
	if err != nil || len(dirs) <= 2*kept {
		return
	}
	all, err := List()
	if err != nil {
		return
	}
	for i, s := range all {
		if i < kept || s.Running || s.Ended.IsZero() {
			continue
		}
		if _, err := os.Lstat(filepath.Join(s.dir, "quarantine")); err == nil || s.Pending {
			continue
		}
		_ = os.RemoveAll(s.dir)
	}
	_ = workspace.Collect(filepath.Join(home.State(), "undo"), home.Sessions())
}

// Finish brings home what a killed session had committed.
func (s Stored) Finish(ctx context.Context, t *term.Term) error {
	if s.Running {
		return api.Errorf(api.Denied, "session %s is running: it brings its commits home when it ends", s.ID)
	}
	w, err := workspace.Reopen(s.dir, os.Getenv("PATH"))
	if err != nil {
		return api.Errorf(api.Missing, "session %s holds nothing that is not home", s.ID)
	}
	report, err := w.Finish(ctx)
	if err != nil {
		return fmt.Errorf("session %s: %w", s.ID, err)
	}
	for _, n := range report.Notes {
		t.Notef("%s", n)
	}
	for _, r := range report.Refs {
		t.Notef("%s: %s", r.Name, r.Outcome)
	}
	s.Ended = time.Now()
	if err := save(s.dir, &s); err != nil {
		return err
	}
	return w.Close(true)
}
