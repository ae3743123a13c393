package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

func newSecretHistory() *cobra.Command {
	var restore int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "history NAME", Short: "List a secret's versions, or bring one back", Args: exactly("NAME"),
		Example:           "  bailey secret history STRIPE_SECRET_KEY\n  bailey secret history STRIPE_SECRET_KEY --restore 3",
		ValidArgsFunction: completeNames,
	}
	w := placeFlags(cmd)
	cmd.Flags().IntVar(&restore, "restore", 0, "make this `version` the current one again")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := secret.ParseName(args[0])
		if err != nil {
			return api.Usagef("%s", err)
		}
		p, err := w.locate()
		if err != nil {
			return err
		}
		client, err := existing()
		if err != nil {
			return err
		}
		if restore > 0 {
			if err := changeable(p); err != nil {
				return err
			}
			done, err := client.Restore(cmd.Context(), p.secret(name), restore)
			if err != nil {
				return err
			}
			term.Std().Notef("%s in %s is as in version %d again; this is version %d", name, p.Environment, restore, done.Version)
			return nil
		}
		versions, err := client.History(cmd.Context(), p.secret(name))
		if err != nil {
			return err
		}
		return printVersions(versions, asJSON)
	}
	return cmd
}

func printVersions(versions []api.Version, asJSON bool) error {
	if asJSON {
		return term.Std().JSON(versions)
	}
	rows := make([][]string, 0, len(versions))
	for _, v := range versions {
		note := ""
		switch {
		case v.Deleted:
			note = "removed"
		case v.Current:
			note = "current"
		}
		rows = append(rows, []string{strconv.Itoa(v.Version), v.CreatedAt.Local().Format(minute), v.Actor, note})
	}
	term.Std().Table([]string{"version", "when", "by", ""}, rows)
	return nil
}
