package cli

import "github.com/spf13/cobra"

func newVault() *cobra.Command {
	return group("vault", "Look after the vault: ways to open it, keys, backup", newVaultSeal(),
		newVaultRotate(), newVaultBackup(), newVaultRestore(), newVaultCheck())
}

func newVaultSeal() *cobra.Command {
	return group("seal", "List, add and remove ways to open the vault", newSealList(), newSealAdd(), newSealRm())
}
