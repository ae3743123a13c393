package cli

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/seal"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/vault"
)

func newVaultRotate() *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use: "rotate", Short: "Give the vault new keys, and seal everything anew", Args: nothing,
		Long: "Make a new root key and new data keys, and seal every record anew, in one change: an old copy of\n" +
			"a key file, and what opened it, is of no use with the vault as it is from then on. The vault\n" +
			"stays open. The recovery code is a new one, shown once; shares have to be made again. Machines\n" +
			"keep their client secrets and service tokens; access tokens end, so they log in again.\n" +
			"A bailey server that runs is locked by it: start it anew.\n" +
			"Values that somebody has already read are not changed by this: rotate those where they were made.",
		Example: "  bailey vault rotate",
	}
	identityFlag(cmd, &keys)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !vault.Exists(home.Vault()) {
			return api.Errorf(api.Missing, "there is no vault yet").WithHint("make one with: bailey init")
		}
		all, err := sealsHere()
		if err != nil {
			return err
		}
		proof, err := prove(cmd.Context(), keys)
		if err != nil {
			return err
		}
		var passphrase *secret.Value
		if proof.Passphrase == nil && slices.ContainsFunc(all, func(s sealed) bool { return s.Name == seal.KindPassphrase }) {
			p, err := newPassphrase("The vault also has a passphrase; it has to be typed again, or be a new one.\n")
			if err != nil {
				return err
			}
			passphrase = &p
		}
		done, err := look().Rotate(cmd.Context(), proof, passphrase)
		if err != nil {
			return err
		}
		return showRotated(cmd.Context(), done)
	}
	return cmd
}

func showRotated(ctx context.Context, done api.Rotated) error {
	t := term.Std()
	t.Notef("the vault has new keys")
	for _, name := range done.Dropped {
		t.Notef("%s opens it no more; make it again with: bailey vault seal add %s", name, name)
	}
	code := done.Code.Value()
	if code.Len() == 0 {
		return nil
	}
	t.Notef("the recovery code is a new one, too; the old one opens the vault no more")
	client, err := existing()
	if err != nil {
		return err
	}
	return handOver(ctx, client, code, false)
}

func newVaultCheck() *cobra.Command {
	c := newAuditVerify()
	c.Use, c.Short = "check", "Check every record, key and file of the vault, and its audit log"
	c.Long = "Read everything in the vault (every record and version, every wrapped key, manifest and sealed\n" +
		"root key) and the whole audit log. What was changed, removed, added or put back is named, and\n" +
		"the exit status is 20. It is what \"bailey audit verify\" does."
	c.Example = "  bailey vault check --json"
	return c
}
