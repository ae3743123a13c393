package cli

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/daemon"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/vault"
)

func newUnlock() *cobra.Command {
	var stdin bool
	var with string
	var keys []string
	cmd := &cobra.Command{
		Use: "unlock", Short: "Unlock the vault for this working session", Args: nothing,
		Long: "Unlock the vault until \"bailey lock\", or until nobody asked it for anything for 8 hours; the\n" +
			"time that a laptop sleeps counts. Other commands ask for the passphrase by themselves when\n" +
			"they meet a locked vault; several that wait share one question.",
		Example: "  bailey unlock\n  pass show bailey | bailey unlock --stdin",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if headless() {
				return api.Errorf(api.Invalid, "with %s there is no daemon to unlock", daemon.PassphraseVariable)
			}
			return unlock(cmd.Context(), stdin, with, keys)
		},
	}
	cmd.Flags().BoolVar(&stdin, "stdin", false, "read the passphrase from standard input")
	cmd.Flags().StringVar(&with, "with", "", "open it with the seal of that `name`, see vault seal list")
	_ = cmd.RegisterFlagCompletionFunc("with", completeSeals)
	identityFlag(cmd, &keys)
	return cmd
}

func unlock(ctx context.Context, stdin bool, with string, keys []string) error {
	if !vault.Exists(home.Vault()) {
		return api.Errorf(api.Missing, "there is no vault yet").WithHint("make one with: bailey init")
	}
	client := look()
	if stdin {
		passphrase, err := readLine(os.Stdin)
		if err != nil {
			return err
		}
		return client.Unlock(ctx, passphrase)
	}
	status, err := client.Status(ctx)
	if err != nil {
		return err
	}
	if !status.Locked {
		term.Std().Notef("the vault is unlocked already")
		return nil
	}
	if with != "" || len(keys) > 0 {
		return unlockWith(ctx, client, with, keys)
	}
	if openQuietly(ctx, client) {
		term.Std().Notef("the vault is unlocked")
		return nil
	}
	// Any request that needs the vault has the question asked; this one
	// shares it with other commands that wait.
	if _, err := connect().Projects(ctx); err != nil {
		return err
	}
	term.Std().Notef("the vault is unlocked")
	return nil
}

// readLine reads a secret's first line from a pipe or file.
func readLine(f *os.File) (secret.Value, error) {
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	if err != nil {
		return secret.Value{}, err
	}
	line, _, _ := strings.Cut(string(b), "\n")
	line = strings.TrimSuffix(line, "\r")
	if line == "" {
		return secret.Value{}, api.Errorf(api.Invalid, "standard input is empty")
	}
	return secret.NewValue([]byte(line)), nil
}

// unlockWith opens the vault with one seal, or with a key file.
func unlockWith(ctx context.Context, client *api.Client, with string, keys []string) error {
	all, err := sealsHere()
	if err != nil {
		return err
	}
	var key api.Key
	if i := slices.IndexFunc(all, func(s sealed) bool { return s.Name == with }); len(keys) > 0 {
		key, err = keyFile(all, keys)
	} else if i < 0 {
		err = api.Errorf(api.Missing, "this vault is not sealed with %s", with).WithHint("list what opens it with: bailey vault seal list")
	} else {
		key, err = keyOf(ctx, all[i])
	}
	if err != nil {
		return err
	}
	if err := client.UnlockWith(ctx, key); err != nil {
		return err
	}
	term.Std().Notef("the vault is unlocked")
	return nil
}
