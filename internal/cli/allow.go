package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

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
			rule, err := parseAllowed(args[0])
			if err != nil {
				return err
			}
			if remove {
				return disallow(cmd, root, rule, only)
			}
			return allow(cmd, root, rule, only)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&only, "session", false, "only in the sessions that run now")
	f.BoolVar(&remove, "remove", false, "close it again")
	f.BoolVar(&list, "list", false, "show what is allowed in this project")
	f.BoolVar(&asJSON, "json", false, "with --list: machine-readable")
	return cmd
}

// parseAllowed reads the argument. What is copied out of a browser is not guessed
// at, because a rule opens the whole host: the command for that is shown.
func parseAllowed(arg string) (policy.Rule, error) {
	rule, err := policy.ParseRule(arg, "bailey allow")
	if err == nil {
		return rule, nil
	}
	usage := &api.UsageError{Err: err, Advice: "give a host name, such as: bailey allow docs.python.org"}
	if _, rest, ok := strings.Cut(arg, "://"); ok || strings.Contains(arg, "/") {
		if !ok {
			rest = arg
		}
		rest, _, _ = strings.Cut(rest, "/")
		if host, err := policy.ParseHost(rest); err == nil {
			usage.Err = fmt.Errorf("%.80q is an address in the web, and a rule opens a whole host", arg)
			usage.Advice = "bailey allow " + quote(host.String())
		}
	}
	return rule, usage
}

func allow(cmd *cobra.Command, root string, rule policy.Rule, only bool) error {
	if err := session.Openable(rule.Host); err != nil {
		return err
	}
	if !only {
		if err := session.Allow(root, rule); err != nil {
			return err
		}
	}
	running, err := changeRunning(cmd, root, session.Change{Rule: rule.String()})
	if only && running == 0 && err == nil {
		return api.Errorf(api.Missing, "no session runs in this project").WithHint("without --session the rule is kept for the next one")
	}
	told(rule.String()+": open", running, !only)
	return err
}

func disallow(cmd *cobra.Command, root string, rule policy.Rule, only bool) error {
	was := false
	if !only {
		var err error
		if was, err = session.Disallow(root, rule.Host); err != nil {
			return err
		}
	}
	running, err := changeRunning(cmd, root, session.Change{Rule: rule.String(), Remove: true})
	if !was && running == 0 && err == nil {
		return api.Errorf(api.Missing, "bailey allow did not open %s here: nothing to close", rule.Host).
			WithHint("what is open, and why: bailey allow --list")
	}
	told(rule.Host.String()+": closed", running, was)
	if rules, gerr := granted(root); gerr == nil {
		for _, r := range rules {
			if r.Host == rule.Host {
				term.Std().Notef("%s stays open all the same: %s grants it", r.Host, r.Origin)
			}
		}
	}
	return err
}

// told says where a change took effect.
func told(what string, running int, kept bool) {
	if running > 0 {
		term.Std().Notef("%s in %s", what, plural(running, "running session"))
	}
	if kept {
		term.Std().Notef("%s in this project", what)
	}
}

// changeRunning reaches every running session of the project, and counts those
// in which something changed.
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
		changed, err := s.Change(cmd.Context(), c)
		failed = errors.Join(failed, err)
		if changed {
			n++
		}
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
	more, err := granted(root)
	for _, r := range more {
		term.Std().Printf("%s  # %s\n", r, r.Origin)
	}
	return err
}

// granted are the rules of bailey.yaml, if the user confirmed it as it stands.
func granted(root string) ([]policy.Rule, error) {
	m, err := manifest.Load(root)
	if err != nil || !manifest.Confirmed(root, m.Hash()) {
		return nil, nil
	}
	return m.Rules()
}
