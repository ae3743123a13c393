package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/seal"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/vault"
)

// sealed is one way to open the vault, as it lies beside it.
type sealed struct {
	Name string `json:"name"`
	How  string `json:"how"`  // passphrase, recovery code, shares, key, keyring, tpm
	With string `json:"with"` // the recipient of a key
	file []byte
	note seal.Note
}

const maxSealed = 64 << 10

// sealsHere reads what opens the vault, without opening it.
func sealsHere() ([]sealed, error) {
	files, err := filepath.Glob(filepath.Join(home.Vault(), "*.age"))
	if err != nil {
		return nil, err
	}
	slices.Sort(files)
	var out []sealed
	for _, f := range files {
		s := sealed{Name: strings.TrimSuffix(filepath.Base(f), ".age")}
		if s.file, err = readBounded(f, maxSealed); err != nil {
			return nil, err
		}
		note, keyed := seal.ReadNote(s.file)
		s.note, s.How = note, string(note.How)
		switch {
		case keyed && note.How == seal.HowKey:
			s.With = note.To
		case keyed && note.How == seal.HowTPM && seal.NeedsPIN(note):
			s.With = "PIN"
		case !keyed && s.Name == seal.KindRecovery:
			s.How = "recovery code"
		case !keyed:
			s.How = s.Name
		}
		out = append(out, s)
	}
	return out, nil
}

func newSealList() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "list", Aliases: []string{"ls"}, Short: "List the ways to open the vault", Args: nothing,
		Long: "List the ways to open the vault. Each is a file beside it that holds the root key encrypted.",
		RunE: func(*cobra.Command, []string) error {
			if !vault.Exists(home.Vault()) {
				return api.Errorf(api.Missing, "there is no vault yet").WithHint("make one with: bailey init")
			}
			all, err := sealsHere()
			if err != nil {
				return err
			}
			if asJSON {
				return term.Std().JSON(all)
			}
			var rows [][]string
			for _, s := range all {
				rows = append(rows, []string{s.Name, s.How, shortened(s.With)})
			}
			term.Std().Table([]string{"name", "how", "with"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func shortened(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most-1] + "…"
}

func newSealRm() *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use: "rm NAME", Short: "Remove a way to open the vault", Args: exactly("NAME"),
		Long: "Remove a way to open the vault; one has to be left. Whoever has a copy of its file, from a\n" +
			"backup say, and what opens it still has the root key: \"bailey vault rotate\" makes a new one.",
		Example:           "  bailey vault seal rm old-laptop",
		ValidArgsFunction: completeSeals,
	}
	identityFlag(cmd, &keys)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		all, err := sealsHere()
		if err != nil {
			return err
		}
		proof, err := prove(cmd.Context(), keys)
		if err != nil {
			return err
		}
		if err := look().Unseal(cmd.Context(), proof, args[0]); err != nil {
			return err
		}
		for _, s := range all {
			if s.Name == args[0] && s.note.How == seal.HowKeyring {
				if err := seal.ForgetInKeyring(cmd.Context(), s.note); err != nil {
					term.Std().Notef("its key stays in the keyring: %s", err)
				}
			}
		}
		term.Std().Notef("%s does not open the vault any more; a copy of its file does until: bailey vault rotate", args[0])
		return nil
	}
	return cmd
}

func completeSeals(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	all, _ := sealsHere()
	var names []string
	for _, s := range all {
		names = append(names, s.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// tpmPath is the TPM's device; end-to-end tests name an emulator's socket.
func tpmPath() string {
	if p := os.Getenv("BAILEY_TPM"); p != "" {
		return p
	}
	return seal.TPMDevice
}
