package cli

import (
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/source/sops"
	"github.com/bailey-project/bailey/internal/term"
)

// Whom a file of sops is for stands in the repository: in the file itself, or
// in .sops.yaml. An agent may have written either, with a key of its own among
// them. So what the repository names is shown and asked for, and a data key
// that was not made here is replaced.

// acceptFlag adds --yes.
func acceptFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVarP(to, "yes", "y", false, "encrypt for the keys that the repository names, without a question")
}

// acceptRecipients shows whom origin has values encrypted for, and asks.
func acceptRecipients(origin string, groups [][]string, yes bool) error {
	t := term.Std()
	keys := slices.Concat(groups...)
	t.Notef("%s has it encrypted for:\n\t%s", origin, strings.Join(keys, "\n\t"))
	if yes {
		return nil
	}
	if !t.CanAsk() {
		return api.Errorf(api.Denied, "%s says for whom, which anything that can write to the repository may have written", origin).
			WithHint("when these keys are right: --yes, or name them with --recipient")
	}
	ok, err := t.Confirm("Are these the right keys?", false)
	if err == nil && !ok {
		err = api.Errorf(api.Denied, "nothing is encrypted")
	}
	return err
}

// keeper decides over the data key of an existing file.
func keeper(path string, groups [][]string, yes bool) sops.Keeper {
	asked := false
	return sops.Keeper{
		Known: knownKey,
		Made:  rememberKey,
		Parse: func(s string) (age.Recipient, error) {
			if !asked {
				if err := acceptRecipients(path, groups, yes); err != nil {
					return nil, err
				}
				asked = true
			}
			return recipient(s)
		},
	}
}

// sopsKeys is where the marks of data keys that were made here stand, one per
// line. A mark is the hash of 32 random bytes: it says nothing about them.
func sopsKeys() string { return filepath.Join(home.Dir(), "sops-keys") }

func knownKey(m sops.KeyMark) bool {
	b, err := readBounded(sopsKeys(), 16<<20)
	return err == nil && slices.Contains(strings.Fields(string(b)), hex.EncodeToString(m[:]))
}

// rememberKey is best effort: a key that is not remembered is replaced.
func rememberKey(m sops.KeyMark) {
	if home.MakeDir(home.Dir()) != nil {
		return
	}
	f, err := os.OpenFile(sopsKeys(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	_, _ = f.WriteString(hex.EncodeToString(m[:]) + "\n")
	_ = f.Close()
}
