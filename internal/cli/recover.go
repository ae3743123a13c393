package cli

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/vault"
)

func newRecover() *cobra.Command {
	var stdin bool
	cmd := &cobra.Command{
		Use: "recover", Short: "Open the vault with the recovery code and set a new passphrase", Args: nothing,
		Long: "Open the vault with the recovery code that init printed, and set a new passphrase. The code\n" +
			"stays valid.",
		Example: "  bailey recover",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !vault.Exists(home.Vault()) {
				return api.Errorf(api.Missing, "there is no vault to recover in %s", home.Vault())
			}
			code, err := recoveryCode(stdin)
			if err != nil {
				return err
			}
			passphrase, err := newPassphrase("")
			if err != nil {
				return err
			}
			if err := look().Recover(cmd.Context(), code, passphrase); err != nil {
				return err
			}
			term.Std().Notef("the vault is open and has the new passphrase")
			return nil
		},
	}
	cmd.Flags().BoolVar(&stdin, "stdin", false, "read the recovery code from standard input")
	return cmd
}

func recoveryCode(stdin bool) (secret.Value, error) {
	if stdin {
		return readLine(os.Stdin)
	}
	b, err := term.Std().Secret("Recovery code: ")
	return secret.NewValue(b), err
}
