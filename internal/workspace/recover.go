package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/githome"
	"github.com/bailey-project/bailey/internal/workspace/guard"
	"github.com/bailey-project/bailey/internal/workspace/undo"
)

// Leftover is what a session that died had not finished.
type Leftover struct {
	SessionDir, SessionID, Root string
	Review                      bool     // its overlay waits to be applied; nothing else is reported
	Quarantined                 []Found  // moves that were finished now
	Unfinished                  []string // references with commits that are not on the host yet; see Reopen
	Notes                       []string
}

// Recover looks at every session below sessionsDir that no process holds any
// more, finishes what it left half done in its project, and reports the rest.
// It changes no reference: Reopen and Finish do that when the user wants.
// A session that was finished is not reported.
func Recover(ctx context.Context, sessionsDir string) ([]Leftover, error) {
	open, err := unfinished(sessionsDir)
	if err != nil {
		return nil, err
	}
	var all []Leftover
	for _, name := range open {
		if ctx.Err() != nil {
			break
		}
		dir := filepath.Join(sessionsDir, name)
		left, err := recoverOne(ctx, dir)
		if err != nil || left == nil {
			continue // alive, or none of ours
		}
		all = append(all, *left)
	}
	return all, ctx.Err()
}

// unfinished lists the sessions that have a state still. There are a hundred
// that have none, at each start: so no path is walked for them.
func unfinished(sessionsDir string) (names []string, err error) {
	d, err := os.Open(sessionsDir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	all, err := d.Readdirnames(-1)
	for _, name := range all {
		var st unix.Stat_t
		if unix.Fstatat(int(d.Fd()), name+"/"+stateFile, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, err
}

func recoverOne(ctx context.Context, dir string) (*Leftover, error) {
	w, err := reopen(dir)
	if err != nil {
		return nil, err
	}
	defer w.Close(false)
	left := &Leftover{SessionDir: dir, SessionID: w.opt.SessionID, Root: w.opt.Root}
	if left.Review = w.opt.Review; left.Review {
		return left, nil
	}
	left.Quarantined = w.guard.Aside()
	for _, n := range w.view.Watch {
		// The user may have made it since, so it is not moved.
		if _, err := w.root.Lstat(n.Name); err == nil {
			left.Notes = append(left.Notes, fmt.Sprintf("%s appeared since this session began (%s): look at it", n.Name, n.Reason))
		}
	}
	left.Notes = append(left.Notes, w.planted(ctx)...)
	if kept, _ := w.dir.ReadDir(guard.Quarantine, 100); len(kept) > 0 {
		left.Notes = append(left.Notes, fmt.Sprintf("%d entries that were moved away lie in %s", len(kept), filepath.Join(dir, guard.Quarantine)))
	}
	if _, err := w.dir.Lstat(undo.AfterFile); err != nil {
		if err := w.Settle(ctx, true); err != nil {
			left.Notes = append(left.Notes, fmt.Sprintf("undo will take what you did since for its work: %v", err))
		}
	}
	for _, p := range w.parts {
		refs, err := githome.Pending(ctx, p.Repo, p.Start, p.Dir)
		if err != nil {
			left.Notes = append(left.Notes, fmt.Sprintf("%s: %v", p.Dir, err))
		}
		left.Unfinished = append(left.Unfinished, refs...)
	}
	return left, nil
}

// Reopen takes over the workspace of a dead session, to call Finish or Diff;
// path is the user's PATH, as in Options.
func Reopen(sessionDir, path string) (*Workspace, error) {
	w, err := reopen(sessionDir)
	if err != nil {
		return nil, err
	}
	w.opt.Path = path
	return w, nil
}

func reopen(dir string) (*Workspace, error) {
	d, err := safefs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	s, _, err := readState(d)
	if err != nil {
		return nil, err
	}
	if s.Options.SessionDir != dir {
		return nil, fmt.Errorf("%s belongs to %s", stateFile, s.Options.SessionDir)
	}
	w, err := open(s.Options, 0)
	if err != nil {
		return nil, err
	}
	w.kept = s.Kept
	w.started, w.parts, w.nested, w.view.Root, w.view.Watch = s.Started, s.Parts, s.Nested, s.Options.Root, s.Watch
	return w, nil
}
