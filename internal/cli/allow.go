package cli

import (
	"errors"
	"os"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/workspace"
)

func newAllow() *cobra.Command {
	var only, remove, list, asJSON bool
	cmd := &cobra.Command{
		Use:   "allow HOST",
		Short: "Let this project's sandboxes reach a host, also those that are running",
		Long: "Opens HOST for reading (GET, HEAD, git fetch) in this project: at once in every running\n" +
			"session, and in those to come. \"HOST: write\" admits every method.",
		Example: "  bailey allow docs.python.org\n  bailey allow 'github.com: write'\n  bailey allow --session registry.example\n  bailey allow --remove docs.python.org",
		Args: func(cmd *cobra.Command, args []string) error {
			if list {
				return nil
			}
			return exactly("HOST")(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir, err := os.Getwd()
			if err != nil {
				return err
			}
			root, err := workspace.FindRoot(dir, home.User())
			if err != nil {
				return err
			}
			if list {
				return listAllowed(root, asJSON)
			}
			rule, err := policy.ParseRule(args[0], "bailey allow")
			if err != nil {
				return api.Usagef("%s", err)
			}
			return allow(cmd, root, rule, only, remove)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&only, "session", false, "only in the sessions that run now")
	f.BoolVar(&remove, "remove", false, "close it again")
	f.BoolVar(&list, "list", false, "show what is allowed in this project")
	f.BoolVar(&asJSON, "json", false, "with --list: machine-readable")
	return cmd
}

func allow(cmd *cobra.Command, root string, rule policy.Rule, only, remove bool) error {
	if !only {
		if err := session.Allow(root, rule, remove); err != nil {
			return err
		}
	}
	running, err := changeRunning(cmd, root, session.Change{Rule: rule.String(), Remove: remove})
	t := term.Std()
	verb := map[bool]string{false: "open", true: "closed"}[remove]
	switch {
	case running > 0:
		t.Notef("%s: %s in %d running session(s)", rule, verb, running)
	case only && err == nil:
		return api.Errorf(api.Missing, "no session runs in this project").WithHint("without --session the rule is kept for the next one")
	}
	if !only {
		t.Notef("%s: %s in this project", rule, verb)
	}
	return err
}

// changeRunning reaches every running session of the project.
func changeRunning(cmd *cobra.Command, root string, c session.Change) (int, error) {
	all, err := session.List()
	if err != nil {
		return 0, err
	}
	n := 0
	var failed error
	for _, s := range all {
		if !s.Running || s.Root != root {
			continue
		}
		if err := s.Change(cmd.Context(), c); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		n++
	}
	return n, failed
}

func listAllowed(root string, asJSON bool) error {
	rules := session.Allowed(root)
	if asJSON {
		return term.Std().JSON(append([]string{}, rules...))
	}
	for _, r := range rules {
		term.Std().Printf("%s\n", r)
	}
	m, err := manifest.Load(root)
	if err != nil || !manifest.Confirmed(root, m.Hash()) {
		return nil // none, or it grants nothing
	}
	granted, err := m.Rules()
	for _, r := range granted {
		term.Std().Printf("%s  # %s\n", r, r.Origin)
	}
	return err
}
