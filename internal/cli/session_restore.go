package cli

import (
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/workspace"
)

func newSessionRestore() *cobra.Command {
	var all, asJSON bool
	cmd := &cobra.Command{
		Use:   "restore [SESSION] [NAME...]",
		Short: "Put back control files that were moved away from an agent",
		Long: "Without names it lists what a session made that your own tools would have executed, and\n" +
			"that was moved away therefore. With names, or --all, it puts that back into the project.\n" +
			"Look at it first: what you put back runs on your machine.",
		Example: "  bailey session restore\n  bailey session restore l7gnbi3q web/.envrc",
		Args:    cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := session.Find(append(args, "")[0])
			if err != nil {
				return err
			}
			if !all && len(args) < 2 {
				return printMoved("moved away", s.Moved(), asJSON)
			}
			done, err := s.Restore(args[min(1, len(args)):])
			if perr := printMoved("put back", done, asJSON); err == nil {
				err = perr
			}
			return err
		},
		ValidArgsFunction: completeMoved,
	}
	cmd.Flags().BoolVar(&all, "all", false, "put back everything")
	cmd.Flags().BoolVar(&asJSON, "json", false, "machine-readable")
	return cmd
}

func printMoved(what string, list []workspace.Moved, asJSON bool) error {
	if asJSON {
		return term.Std().JSON(append([]workspace.Moved{}, list...))
	}
	var rows [][]string
	for _, m := range list {
		rows = append(rows, []string{what, m.Name, m.Reason})
	}
	term.Std().List(rows)
	return nil
}

func completeMoved(cmd *cobra.Command, args []string, text string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return completeSessions(cmd, args, text)
	}
	var names []string
	if s, err := session.Find(args[0]); err == nil {
		for _, m := range s.Moved() {
			names = append(names, m.Name)
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}
