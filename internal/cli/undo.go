package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/workspace/change"
	"github.com/bailey-project/bailey/internal/workspace/undo"
)

// taking are the options of undo, apply and discard.
type taking struct {
	session           string
	dryRun, yes, json bool
	force             bool
}

func (o *taking) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "show what would be done and do nothing")
	f.BoolVarP(&o.yes, "yes", "y", false, "ask nothing")
	f.BoolVar(&o.json, "json", false, "machine-readable")
}

func newUndo() *cobra.Command {
	var o taking
	cmd := &cobra.Command{
		Use:   "undo [SESSION] [PATH...]",
		Short: "Put the project back to what it was before a session",
		Long: "Puts back what a session changed, removed or made: files that git tracks, those that it\n" +
			"does not, ignored ones, links, permissions, branches, HEAD and what is staged. It shows\n" +
			"what it would do and asks. What you changed since the session ended is left and named;\n" +
			"commits of the session stay below refs/bailey.\n\n" +
			"Without SESSION it is the newest of this project that changed something. With PATH only\n" +
			"those files are put back, and nothing of git's.",
		Args:              cobra.ArbitraryArgs,
		Example:           "  bailey undo --dry-run\n  bailey undo\n  bailey undo k3xw7q2a src/main.go",
		ValidArgsFunction: completeSessions,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, paths, err := sessionAndPaths(args)
			if err != nil {
				return err
			}
			return undoSession(cmd.Context(), s, paths, o)
		},
	}
	o.flags(cmd)
	return cmd
}

// sessionAndPaths takes the first argument for a session when there is one of
// that name; what follows are paths, which become relative to its project.
func sessionAndPaths(args []string) (session.Stored, []string, error) {
	dir, err := os.Getwd()
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return session.Stored{}, nil, err
	}
	if len(args) > 0 {
		if s, err := session.Find(args[0]); err == nil && args[0] != "" {
			paths, err := relativeTo(s.Root, dir, args[1:])
			return s, paths, err
		}
	}
	s, err := session.Undoable(dir)
	if err != nil {
		return s, nil, err
	}
	paths, err := relativeTo(s.Root, dir, args)
	return s, paths, err
}

// relativeTo makes paths relative to root.
func relativeTo(root, dir string, args []string) (paths []string, err error) {
	for _, a := range args {
		if !filepath.IsAbs(a) {
			a = filepath.Join(dir, a)
		}
		rel, err := filepath.Rel(root, a)
		if err != nil || !filepath.IsLocal(rel) {
			return nil, api.Errorf(api.Invalid, "%s is not in %s", a, root).WithHint("the sessions of this project: bailey session list")
		}
		paths = append(paths, rel)
	}
	return paths, nil
}

func undoSession(ctx context.Context, s session.Stored, paths []string, o taking) error {
	return s.Undo(ctx, func(u *undo.Session) error { return undoOpen(ctx, s, u, paths, o) })
}

func undoOpen(ctx context.Context, s session.Stored, u *undo.Session, paths []string, o taking) error {
	p, err := u.Plan(ctx, paths)
	if err != nil {
		return err
	}
	t := term.Std()
	if o.json && o.dryRun {
		return t.JSON(map[string]any{"session": s.ID, "root": u.Root(), "plan": p})
	}
	if !o.json {
		showUndo(t, p, u.Killed, o.dryRun)
	}
	if p.Empty() || o.dryRun {
		if p.Empty() && !o.json {
			t.Notef("there is nothing to undo")
		}
		return nil
	}
	if err := o.agree(t, "undo session "+s.ID); err != nil {
		return err
	}
	left, err := u.Run(ctx, p)
	if err != nil {
		return err
	}
	if len(paths) == 0 && left.Empty() {
		session.ForgetChanged(u.Root(), s.ID)
	}
	if o.json {
		return t.JSON(map[string]any{"session": s.ID, "root": u.Root(), "plan": p, "left": left})
	}
	reportUndo(t, p, left)
	return nil
}

// agree asks once.
func (o taking) agree(t *term.Term, what string) error {
	if o.yes {
		return nil
	}
	if !t.CanAsk() {
		return api.Errorf(api.Invalid, "%s: this asks before it writes, and there is no terminal", what).WithHint("agree with --yes, or look with --dry-run")
	}
	ok, err := t.Confirm("Do this?", false)
	if err != nil {
		return err
	}
	if !ok {
		return api.Errorf(api.Denied, "nothing was done")
	}
	return nil
}

// shown is how many lines a preview has before it is cut.
const shown = 40

func showUndo(t *term.Term, p undo.Steps, killed, whole bool) {
	var rows [][]string
	for _, a := range folded(p.Files) {
		kind := string(a.Kind)
		if a.Kind == change.Write {
			kind = restore
		}
		rows = append(rows, []string{kind, a.Path, a.Why})
	}
	for _, g := range p.Git {
		kind := restore
		if g.Why != "" {
			kind = string(change.Leave)
		}
		rows = append(rows, []string{kind, "git: " + g.What, g.Why})
	}
	preview(t, rows, whole)
	if len(p.Left) > 0 {
		t.Notef("not kept, and left as they are: %v", p.Left)
	}
	if killed && len(p.Files) > 0 {
		t.Notef("the session was killed: what was made since counts as its work, and is moved away, not deleted")
	}
}

// restore is what writing a file is to somebody who undoes.
const restore = "restore"

// folded has one line for a directory that goes with everything in it. The
// plan is sorted, so that what lies in a directory follows it.
func folded(plan []change.Action) (list []change.Action) {
	for i := 0; i < len(plan); {
		n := 1
		for i+n < len(plan) && plan[i].Kind == change.Remove && strings.HasPrefix(plan[i+n].Path, plan[i].Path+"/") && plan[i+n].Kind == change.Remove {
			n++
		}
		whole := i+n == len(plan) || !strings.HasPrefix(plan[i+n].Path, plan[i].Path+"/")
		if a := plan[i]; n > 1 && whole {
			a.Path += "/"
			a.Why = "and what is in it: " + plural(n-1, "entry")
			list = append(list, a)
			i += n
			continue
		}
		list = append(list, plan[i])
		i++
	}
	return list
}

// preview prints rows, not too many of them.
func preview(t *term.Term, rows [][]string, whole bool) {
	rest := 0
	if !whole && len(rows) > shown {
		slices.SortStableFunc(rows, func(a, b []string) int { // what is left is what has to be read
			return btoi(a[0] != string(change.Leave)) - btoi(b[0] != string(change.Leave))
		})
		rest, rows = len(rows)-shown, rows[:shown]
	}
	t.List(rows)
	if rest > 0 {
		t.Notef("and %d more; all of them: --dry-run", rest)
	}
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

func reportUndo(t *term.Term, p, left undo.Steps) {
	for _, a := range left.Files {
		t.Notef("left: %s: %s", a.Path, a.Why)
	}
	for _, g := range left.Git {
		t.Notef("left: git: %s: %s", g.What, g.Why)
	}
	n := p.Sizes()
	t.Notef("undone: %s removed, %s put back, %s given their old permissions", plural(n[change.Remove], "entry"),
		plural(n[change.Write], "entry"), fmt.Sprint(n[change.Mode]))
}
