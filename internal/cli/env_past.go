package cli

import (
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/term"
)

// projectFlag adds the flag for commands to which only the project matters.
func projectFlag(cmd *cobra.Command) *where {
	w := &where{environment: development}
	cmd.Flags().StringVar(&w.project, "project", "", "`project` (default: the one of bailey.yaml)")
	return w
}

// onProject runs fn with a client and the project's name.
func onProject(w *where, fn func(client *api.Client, p place) error) error {
	p, err := w.find()
	if err != nil {
		return err
	}
	client, err := existing()
	if err != nil {
		return err
	}
	return explainMissing(fn(client, p), p)
}

func newEnvRename() *cobra.Command {
	var position int
	cmd := &cobra.Command{
		Use: "rename NAME NEW", Short: "Rename an environment, or move it in the list", Args: exactly("NAME", "NEW"),
		Long:    "Rename an environment. References that name it (${NAME.KEY}) do not follow.",
		Example: "  bailey env rename preview review\n  bailey env rename review review --position 2",
	}
	w := projectFlag(cmd)
	cmd.Flags().IntVar(&position, "position", 0, "its `place` in the list, from 1; the others move aside")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return onProject(w, func(client *api.Client, p place) error {
			ch := api.EnvironmentChange{Slug: &args[1]}
			if position > 0 {
				ch.Position = &position
			}
			if err := client.UpdateEnvironment(cmd.Context(), p.Project, environmentName(args[0]), ch); err != nil {
				return err
			}
			term.Std().Notef("environment %s of project %s is %s now", args[0], p.Project, args[1])
			return nil
		})
	}
	return cmd
}

func newEnvRm() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "rm NAME", Short: "Remove an environment; env restore brings it back", Args: exactly("NAME"),
	}
	w := projectFlag(cmd)
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return onProject(w, func(client *api.Client, p place) error {
			name := environmentName(args[0])
			if !yes {
				ok, err := term.Std().Confirm("Remove environment "+name+" of project "+p.Project+" with its secrets?", false)
				if err != nil || !ok {
					return err
				}
			}
			if err := client.DeleteEnvironment(cmd.Context(), p.Project, name); err != nil {
				return err
			}
			term.Std().Notef("environment %s is removed; to bring it back: bailey env restore %s", name, name)
			return nil
		})
	}
	return cmd
}

func newEnvRestore() *cobra.Command {
	cmd := &cobra.Command{Use: "restore NAME", Short: "Bring a removed environment back", Args: exactly("NAME")}
	w := projectFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return onProject(w, func(client *api.Client, p place) error {
			if err := client.RestoreEnvironment(cmd.Context(), p.Project, environmentName(args[0])); err != nil {
				return err
			}
			term.Std().Notef("environment %s is back", args[0])
			return nil
		})
	}
	return cmd
}

func newEnvLog() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "log NAME", Short: "List the changes of an environment, newest first", Args: exactly("NAME")}
	w := projectFlag(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return onProject(w, func(client *api.Client, p place) error {
			commits, err := client.Log(cmd.Context(), p.Project, environmentName(args[0]))
			if err != nil || asJSON {
				return firstError(err, func() error { return term.Std().JSON(commits) })
			}
			rows := make([][]string, 0, len(commits))
			for _, c := range commits {
				names := strings.Join(c.Names[:min(3, len(c.Names))], " ")
				if more := len(c.Names) - 3; more > 0 {
					names += " and " + strconv.Itoa(more) + " more"
				}
				rows = append(rows, []string{strconv.FormatUint(c.Version, 10), c.Time.Local().Format(time.DateTime), c.Actor, names})
			}
			term.Std().Table([]string{"version", "when", "by", "secrets"}, rows)
			return nil
		})
	}
	return cmd
}

// firstError is err, or what fn says when there is none.
func firstError(err error, fn func() error) error {
	if err != nil {
		return err
	}
	return fn()
}

// momentOf reads --to and --at: a version of env log, or a time.
func momentOf(text string) (m api.Moment, err error) {
	if text == "" {
		return m, nil
	}
	if m.Version, err = strconv.ParseUint(text, 10, 64); err == nil {
		return m, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		m.Time = &api.Time{Time: time.Now().Add(-d)}
		return m, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, minute, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			m.Time = &api.Time{Time: t}
			return m, nil
		}
	}
	return m, &api.UsageError{Err: api.Errorf(api.Invalid, "%q is neither a version nor a time", text),
		Advice: "a version from: bailey env log; a time such as 2026-11-22 14:30; how long ago, such as 2h"}
}

func newEnvDiff() *cobra.Command {
	var at string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "diff NAME [OTHER]", Short: "Compare two environments, or one with what it was", Args: oneOrTwo,
		Long: "Compare the secrets of two environments, or with --at those of one with what they were. No\n" +
			"value is shown: + only the second has it, - only the first, ~ the values differ, ' only what\n" +
			"stands beside them does.",
		Example: "  bailey env diff staging production\n  bailey env diff development --at 2h",
	}
	w := projectFlag(cmd)
	cmd.Flags().StringVar(&at, "at", "", "the first as it was at that `moment`: a version of env log, a time, or how long ago")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return onProject(w, func(client *api.Client, p place) error {
			m, err := momentOf(at)
			if err != nil {
				return err
			}
			m.Project, m.Environment = p.Project, environmentName(args[0])
			if len(args) == 2 {
				m.Other = environmentName(args[1])
			}
			list, err := client.Diff(cmd.Context(), m)
			return firstError(err, func() error { return showDifferences(list, asJSON) })
		})
	}
	return cmd
}

func oneOrTwo(cmd *cobra.Command, args []string) error {
	if len(args) == 2 {
		return nil
	}
	return exactly("NAME")(cmd, args)
}

func showDifferences(list []api.Difference, asJSON bool) error {
	if asJSON {
		return term.Std().JSON(list)
	}
	if len(list) == 0 {
		term.Std().Notef("no difference")
	}
	signs := map[string]string{"added": "+", "removed": "-", "changed": "~", "noted": "'"}
	for _, d := range list {
		term.Std().Printf("%s %s\n", signs[d.Kind], path.Join(d.Path, d.Name))
	}
	return nil
}

func newEnvRollback() *cobra.Command {
	var to string
	var dry, yes, asJSON bool
	cmd := &cobra.Command{
		Use: "rollback NAME --to MOMENT", Short: "Make an environment what it was", Args: exactly("NAME"),
		Long: "Make all secrets of an environment what they were. It writes new versions and removes none,\n" +
			"so a rollback is undone by another one. Personal secrets, tags and imports stay.",
		Example: "  bailey env log staging\n  bailey env rollback staging --to 41 --dry-run\n  bailey env rollback staging --to '2026-11-22 14:30'",
	}
	w := projectFlag(cmd)
	cmd.Flags().StringVar(&to, "to", "", "`moment`: a version of env log, a time, or how long ago")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only say what would change")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if to == "" {
			return api.Usagef("env rollback: --to says what it was, see: bailey env log %s", args[0])
		}
		return onProject(w, func(client *api.Client, p place) error {
			m, err := momentOf(to)
			if err != nil {
				return err
			}
			m.Project, m.Environment, m.DryRun = p.Project, environmentName(args[0]), true
			list, err := client.Rollback(cmd.Context(), m)
			if err != nil || dry || len(list) == 0 {
				return firstError(err, func() error { return showDifferences(list, asJSON) })
			}
			return rollback(cmd, client, m, list, yes)
		})
	}
	return cmd
}

func rollback(cmd *cobra.Command, client *api.Client, m api.Moment, plan []api.Difference, yes bool) error {
	if err := showDifferences(plan, false); err != nil {
		return err
	}
	if !yes {
		ok, err := term.Std().Confirm("Change these in "+m.Environment+"?", false)
		if err != nil || !ok {
			return err
		}
	}
	m.DryRun = false
	done, err := client.Rollback(cmd.Context(), m)
	if err != nil {
		return err
	}
	term.Std().Notef("%s of %s changed; to undo it: bailey env log %s, then env rollback to the version before", plural(len(done), "secret"), m.Environment, m.Environment)
	return nil
}
