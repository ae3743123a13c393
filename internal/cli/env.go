package cli

import (
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/term"
)

func newEnv() *cobra.Command {
	return group("env", "List, change and compare environments, and bring back what they were",
		newEnvList(), newEnvAdd(), newEnvRename(), newEnvRm(), newEnvRestore(), newEnvLog(), newEnvDiff(), newEnvRollback())
}

func newEnvList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the project's environments", Args: nothing,
	}
	w := &where{environment: development}
	cmd.Flags().StringVar(&w.project, "project", "", "`project` (default: the one of bailey.yaml)")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := w.find()
		if err != nil {
			return err
		}
		client, err := existing()
		if err != nil {
			return err
		}
		project, err := client.Project(cmd.Context(), p.Project)
		if err != nil {
			return explainMissing(err, p)
		}
		if asJSON {
			return term.Std().JSON(project.Environments)
		}
		rows := [][]string{}
		for _, e := range project.Environments {
			note := ""
			switch e.Slug {
			case development:
				note = "used without -e"
			case production:
				note = "asked for by -e production, per command"
			}
			p.Environment = e.Slug
			if at := elsewhere(p); at != "" {
				note = "lives at " + at
			}
			rows = append(rows, []string{e.Slug, note})
		}
		term.Std().Table([]string{"environment", ""}, rows)
		return nil
	}
	return cmd
}

func newEnvAdd() *cobra.Command {
	cmd := &cobra.Command{
		Use: "add NAME", Short: "Add an environment to the project", Args: exactly("NAME"),
		Example: "  bailey env add preview",
	}
	w := &where{environment: development}
	cmd.Flags().StringVar(&w.project, "project", "", "`project` (default: the one of bailey.yaml)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := w.find()
		if err != nil {
			return err
		}
		client, err := existing()
		if err != nil {
			return err
		}
		if err := client.CreateEnvironment(cmd.Context(), p.Project, args[0]); err != nil {
			if api.IsCode(err, api.Exists) {
				return api.Errorf(api.Exists, "environment %s is there already", args[0])
			}
			return explainMissing(err, p)
		}
		term.Std().Notef("environment %s is added to project %s", args[0], p.Project)
		return nil
	}
	return cmd
}
