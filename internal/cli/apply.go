package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/workspace"
	"github.com/bailey-project/bailey/internal/workspace/change"
	"github.com/bailey-project/bailey/internal/workspace/overlay"
)

func newApply() *cobra.Command {
	var o taking
	cmd := &cobra.Command{
		Use:   "apply [PATH...]",
		Short: "Take what a session in review mode changed into the project",
		Long: "Copies what the session changed, with PATH only that, out of its overlay. A file that\n" +
			"changed here since the session began is a conflict: it is named and left, and the\n" +
			"session's stays in the overlay. With --force the session's is taken, and yours is kept in\n" +
			"the session's directory.\n\n" +
			"Files that your own tools take commands from (.envrc, .vscode, ...), files whose names\n" +
			"say that they hold secrets, and links out of the project are taken only when they are named.\n" +
			"When everything is taken, branches and what is staged follow the session's commits, too.",
		Args:              cobra.ArbitraryArgs,
		Example:           "  bailey apply --dry-run\n  bailey apply\n  bailey apply src/main.go .vscode/settings.json",
		ValidArgsFunction: completeChanges,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, paths, err := reviewed(o.session, args)
			if err != nil {
				return err
			}
			return apply(cmd.Context(), s, paths, o)
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&o.session, "session", "", "`session`; the newest of this project that waits")
	cmd.Flags().BoolVar(&o.force, "force", false, "also take what is in conflict; your version is kept aside")
	_ = cmd.RegisterFlagCompletionFunc("session", completeSessions)
	return cmd
}

// reviewed is the session, and the paths relative to its project.
func reviewed(id string, args []string) (session.Stored, []string, error) {
	dir, err := os.Getwd()
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return session.Stored{}, nil, err
	}
	s, err := session.Reviewable(dir)
	if id != "" {
		s, err = session.Find(id)
	}
	if err != nil {
		return s, nil, err
	}
	paths, err := relativeTo(s.Root, dir, args)
	return s, paths, err
}

func apply(ctx context.Context, s session.Stored, paths []string, o taking) error {
	t := term.Std()
	r, err := s.OpenReview(ctx, t)
	if err != nil {
		return err
	}
	defer r.Close()
	changes, err := r.Changes(ctx)
	if err != nil {
		return err
	}
	plan := r.Plan(changes, overlay.Wish{Paths: paths, Force: o.force})
	if !o.json {
		showChanges(t, changes, plan, o.dryRun)
	}
	if o.dryRun {
		return o.answer(t, s, changes, plan, nil)
	}
	if err := o.agree(t, "apply session "+s.ID); err != nil {
		return err
	}
	left, err := r.Apply(ctx, plan)
	if err != nil {
		return err
	}
	if err := session.NoteChanged(s.Root, session.Changed{ID: s.ID, Program: s.Program, Files: taken(plan, left)}); err != nil {
		return err
	}
	for _, a := range left {
		t.Notef("left: %s: %s", a.Path, a.Why)
	}
	if dir := r.Replaced(); dir != "" && !o.json {
		t.Notef("what was replaced and removed lies in %s", dir)
	}
	if err := settle(ctx, t, r, s, paths); err != nil {
		return err
	}
	return o.answer(t, s, changes, plan, left)
}

// taken counts what was.
func taken(plan, left []change.Action) int {
	n := -len(left)
	for _, a := range plan {
		if a.Kind != change.Leave {
			n++
		}
	}
	return max(n, 0)
}

// settle brings git's side home when no file waits any more, and drops the
// overlay then.
func settle(ctx context.Context, t *term.Term, r *workspace.Review, s session.Stored, paths []string) error {
	rest, err := r.Changes(ctx)
	if err != nil {
		return err
	}
	waiting := 0
	for _, c := range rest {
		if c.Never == "" {
			waiting++
		}
	}
	if waiting > 0 {
		t.Notef("session %s still holds %s; its commits stay below refs/bailey/%s until nothing waits", s.ID, plural(waiting, "change"), s.ID)
		t.Hintf("take one by its name: bailey apply PATH; drop them: bailey discard %s", s.ID)
		return nil
	}
	report, err := r.Bring(ctx)
	if err != nil {
		return fmt.Errorf("the files are applied; git's side is not: %w", err)
	}
	for _, n := range report.Notes {
		t.Notef("%s", n)
	}
	if report.Kept != "" {
		return nil
	}
	return r.Discard()
}

func (o taking) answer(t *term.Term, s session.Stored, changes []overlay.Change, plan, left []change.Action) error {
	if !o.json {
		return nil
	}
	if left == nil {
		left = []change.Action{}
	}
	return t.JSON(map[string]any{"session": s.ID, "root": s.Root, "changes": append([]overlay.Change{}, changes...), "plan": plan, "left": left})
}

// showChanges has one line for each change that is or is not taken.
func showChanges(t *term.Term, changes []overlay.Change, plan []change.Action, whole bool) {
	byPath := map[string]overlay.Change{}
	for _, c := range changes {
		byPath[c.Path+string(c.Kind)] = c
		byPath[c.Path] = c
	}
	var rows [][]string
	for _, a := range plan {
		c := byPath[a.Path]
		if a.Kind == change.Remove {
			c = byPath[a.Path+string(overlay.Removed)]
		}
		kind, note := string(c.Kind), remarks(c)
		if a.Kind == change.Leave {
			kind, note = string(change.Leave), a.Why
		}
		rows = append(rows, []string{kind, a.Path, note})
	}
	preview(t, rows, whole)
}

// remarks is what is to be known of a change, in a few words.
func remarks(c overlay.Change) string {
	note := c.Note
	if c.Executes != "" {
		if note != "" {
			note += "; "
		}
		note += "executed: " + c.Executes
	}
	return note
}

func completeChanges(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	s, err := session.Reviewable(dir)
	if err != nil {
		return nil, cobra.ShellCompDirectiveDefault
	}
	var names []string
	for _, c := range s.Changes {
		if rel, err := filepath.Rel(dir, filepath.Join(s.Root, c.Path)); err == nil {
			names = append(names, rel)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func newDiscard() *cobra.Command {
	var o taking
	cmd := &cobra.Command{
		Use:   "discard [SESSION]",
		Short: "Drop what a session in review mode changed and was not taken",
		Long: "Removes the session's overlay. Commits of the session stay below refs/bailey/SESSION, and\n" +
			"what was applied stays applied.",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: completeSessions,
		RunE: func(cmd *cobra.Command, args []string) error {
			s, _, err := reviewed(append(args, "")[0], nil)
			if err != nil {
				return err
			}
			return discard(cmd.Context(), s, o)
		},
	}
	o.flags(cmd)
	return cmd
}

func discard(ctx context.Context, s session.Stored, o taking) error {
	t := term.Std()
	r, err := s.OpenReview(ctx, t)
	if err != nil {
		return err
	}
	defer r.Close()
	changes, err := r.Changes(ctx)
	if err != nil {
		t.Notef("what is dropped could not be listed: %v", err)
	}
	if !o.json {
		var rows [][]string
		for _, c := range changes {
			rows = append(rows, []string{string(c.Kind), c.Path, ""})
		}
		preview(t, rows, o.dryRun)
	}
	if !o.dryRun {
		if err := o.agree(t, "discard session "+s.ID); err != nil {
			return err
		}
		if err := r.Discard(); err != nil {
			return err
		}
	}
	return o.answer(t, s, changes, []change.Action{}, nil)
}

// waitingDiff shows what an overlay holds.
func waitingDiff(ctx context.Context, s session.Stored, asJSON bool) error {
	t := term.Std()
	r, err := s.OpenReview(ctx, t)
	if err != nil {
		return err
	}
	defer r.Close()
	changes, err := r.Changes(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return t.JSON(map[string]any{"session": s.ID, "changes": append([]overlay.Change{}, changes...), "refs": s.Refs})
	}
	showChanges(t, changes, r.Plan(changes, overlay.Wish{}), true)
	for _, ref := range s.Refs {
		t.Notef("git: %s", ref)
	}
	return nil
}
