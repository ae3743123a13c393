package cli

import "github.com/spf13/cobra"

func newSecret() *cobra.Command {
	return group("secret", "Set, get and list secrets",
		newSecretSet(), newSecretGet(), newSecretList(), newSecretRm(),
		newSecretHistory(), newSecretNote(), newSecretImport(), newSecretExport(),
		newSecretEdit(), newSecretGenerate(), newSecretRename(), newSecretMove(),
		newSecretDiff(), newSecretSearch(), newSecretValidate(), newSecretTemplate(), newSecretTransfer())
}
