package cli

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/daemon"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/vault"
)

func newRecover() *cobra.Command {
	var stdin, newCode bool
	cmd := &cobra.Command{
		Use: "recover", Short: "Open the vault with the recovery code and set a new passphrase", Args: nothing,
		Long: "Open the vault with the recovery code that init printed, and set a new passphrase. The code\n" +
			"stays valid. With --new-code it is the other way round: the passphrase makes a new recovery\n" +
			"code, and the one before is worth nothing more.",
		Example: "  bailey recover\n  bailey recover --new-code",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !vault.Exists(home.Vault()) {
				return api.Errorf(api.Missing, "there is no vault to recover in %s", home.Vault())
			}
			if newCode {
				return replaceCode(cmd.Context())
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
	cmd.Flags().BoolVar(&newCode, "new-code", false, "make a new recovery code, with the passphrase")
	return cmd
}

// replaceCode makes a new recovery code, shows it and has it proved.
func replaceCode(ctx context.Context) error {
	client := connect()
	if _, err := client.Projects(ctx); err != nil { // unlocks
		return err
	}
	code, err := withPassphrase(ctx, func(p secret.Value) (secret.Value, error) { return client.NewRecoveryCode(ctx, p) })
	if err != nil {
		return err
	}
	term.Std().Notef("the recovery code before is worth nothing any more")
	return handOver(ctx, client, code, false)
}

// withPassphrase calls do with what BAILEY_PASSPHRASE_FILE holds, or asks until
// the passphrase is right.
func withPassphrase[T any](ctx context.Context, do func(secret.Value) (T, error)) (out T, err error) {
	if headless() {
		passphrase, err := daemon.ReadPassphrase(os.Getenv(daemon.PassphraseVariable))
		if err != nil {
			return out, err
		}
		return do(passphrase)
	}
	for try := range tries {
		passphrase, err := askPassphrase(ctx, try)
		if err != nil {
			return out, err
		}
		if out, err = do(passphrase); !api.IsCode(err, api.Denied) {
			return out, err
		}
	}
	return out, api.Errorf(api.Denied, "the passphrase does not open the vault")
}

// tries of one question before the command gives up.
const tries = 3

func recoveryCode(stdin bool) (secret.Value, error) {
	if stdin {
		return readLine(os.Stdin)
	}
	b, err := term.Std().Secret("Recovery code: ")
	return secret.NewValue(b), err
}
