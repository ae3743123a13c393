package cli

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/adoption"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/term"
)

func newEject() *cobra.Command {
	var yes, dryRun bool
	cmd := &cobra.Command{
		Use: "eject", Short: "Give the project its .env files back", Args: nothing,
		Long: "Write every file that init took in, byte by byte and with its mode, and remove what init\n" +
			"made. Values that are newer in the vault are merged in and listed. The vault keeps everything;\n" +
			"\"bailey init\" takes the project in again.",
		Example: "  bailey eject --dry-run\n  bailey eject",
		RunE:    func(cmd *cobra.Command, _ []string) error { return eject(cmd.Context(), yes, dryRun) },
	}
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "ask nothing")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "print what would change, change nothing")
	return cmd
}

func eject(ctx context.Context, yes, dryRun bool) error {
	t := term.Std()
	dir, project, err := adopted()
	if err != nil {
		return err
	}
	root, err := safefs.Open(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	client, err := existing()
	if err != nil {
		return err
	}
	e := &adoption.Ejector{Project: project, Root: root, Client: client}
	plan, err := e.Look(ctx)
	if err != nil {
		return err
	}
	showExit(t, plan)
	if dryRun {
		t.Notef("nothing was changed")
		return nil
	}
	if !yes {
		if !t.CanAsk() {
			return api.Errorf(api.Invalid, "eject asks before it writes, and there is no terminal").WithHint("agree with: bailey eject --yes")
		}
		if ok, err := t.Confirm("Go on?", true); err != nil || !ok {
			return err
		}
	}
	if err := e.Apply(plan); err != nil {
		return err
	}
	t.Notef("project %s has its files back; the vault keeps its secrets and their history", project)
	return nil
}

// adopted finds the project of the current directory, also when bailey.yaml
// is gone.
func adopted() (dir, project string, err error) {
	if dir, err = projectRoot(); err != nil {
		return "", "", err
	}
	if project, ok := adoption.ProjectOf(dir); ok {
		return dir, project, nil
	}
	m, err := manifest.Load(dir)
	if isMissingFile(err) {
		return "", "", noProject()
	}
	if err != nil {
		return "", "", api.Errorf(api.Invalid, "%s", err)
	}
	if name := os.Getenv(projectVariable); name == m.Project {
		return dir, name, nil
	}
	return dir, m.Project, bound(dir, m.Project)
}

func showExit(t *term.Term, plan *adoption.Exit) {
	rows := [][]string{}
	for _, f := range plan.Files {
		note := ""
		switch {
		case f.Same:
			note = "is there already"
		case f.Of != "":
			note = f.Of + " was changed since and stays"
		}
		if len(f.Newer) > 0 {
			note = strings.TrimPrefix(note+"; newer from the vault: "+strings.Join(f.Newer, ", "), "; ")
		}
		if len(f.Added) > 0 {
			note = strings.TrimPrefix(note+"; only in the vault so far: "+strings.Join(f.Added, ", "), "; ")
		}
		rows = append(rows, []string{"write", f.Path, note})
	}
	for _, name := range plan.Removes {
		rows = append(rows, []string{"remove", name, ""})
	}
	if plan.IgnoreChanges() {
		rows = append(rows, []string{"change", ".gitignore", "without the lines of init"})
	}
	for _, name := range plan.Changed {
		rows = append(rows, []string{"leave", name, "changed since init wrote it"})
	}
	t.List(rows)
	if len(plan.Homeless) > 0 {
		t.Notef("values that no file is there for stay in the vault: %s", strings.Join(plan.Homeless, ", "))
		t.Hintf("write them out with: bailey secret export -e ENVIRONMENT --folder FOLDER --project %s", plan.Project)
	}
}
