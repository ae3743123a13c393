package cli

import (
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

func newSecretRm() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm NAME...", Short: "Remove secrets; their history stays",
		Long:              "Remove secrets from one environment. Their versions stay in the vault and can be brought\nback with \"bailey secret history NAME --restore VERSION\".",
		Example:           "  bailey secret rm OLD_KEY -e staging",
		ValidArgsFunction: completeNames,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return exactly("NAME")(cmd, args)
			}
			return nil
		},
	}
	w := placeFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := w.locate()
		if err != nil {
			return err
		}
		client, err := existing()
		if err != nil {
			return err
		}
		for _, arg := range args {
			name, err := secret.ParseName(arg)
			if err != nil {
				return api.Usagef("%s", err)
			}
			gone, err := client.Delete(cmd.Context(), p.secret(name))
			if err != nil {
				return err
			}
			term.Std().Notef("%s is removed from %s; bring it back with: bailey secret history %s -e %s --restore %d",
				name, p.Environment, name, p.Environment, gone.Version)
		}
		return nil
	}
	return cmd
}
