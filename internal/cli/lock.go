package cli

import (
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/term"
)

func newLock() *cobra.Command {
	return &cobra.Command{
		Use: "lock", Short: "Lock the vault and wipe its keys from memory", Args: nothing,
		Long: "Lock the vault. The daemon ends its process image, so that the kernel frees every page.\n" +
			"Agent sessions keep their placeholders; the gateway injects nothing until the next unlock,\n" +
			"which needs no restart of them.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Dial, not connect: a daemon started only to be locked is no use.
			err := api.Dial(home.Socket()).Lock(cmd.Context())
			if api.IsCode(err, api.Unavailable) {
				term.Std().Notef("no daemon runs: the vault is locked")
				return nil
			}
			if err != nil {
				return err
			}
			term.Std().Notef("the vault is locked")
			return nil
		},
	}
}
