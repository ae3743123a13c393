package cli

import (
	"bytes"
	"crypto/sha256"
	"os"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/daemon"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/seal"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/vault"
)

func newVaultBackup() *cobra.Command {
	var to []string
	cmd := &cobra.Command{
		Use: "backup FILE", Short: "Write the whole vault to one encrypted file", Args: exactly("FILE"),
		Long: "Write the whole vault, with versions, originals and audit log, to a new FILE of age: encrypted\n" +
			"for --recipient, or under the vault's passphrase. The copy is verified before it is written,\n" +
			"and the file is read again after. What opens the vault opens what is restored from it.",
		Example: "  bailey vault backup /media/stick/bailey.age\n  bailey vault backup bailey.age -r ~/.ssh/id_ed25519.pub",
	}
	recipientFlag(cmd, &to)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		client, err := existing()
		if err != nil {
			return err
		}
		if _, err := os.Lstat(args[0]); err == nil {
			return api.Errorf(api.Exists, "%s exists already", args[0])
		}
		_, recipients, err := recipients(to)
		if err != nil {
			return err
		}
		if len(recipients) == 0 {
			if recipients, err = byPassphrase(); err != nil {
				return err
			}
		}
		archive, err := client.Backup(cmd.Context())
		if err != nil {
			return err
		}
		return writeBackup(args[0], archive, recipients)
	}
	return cmd
}

// byPassphrase encrypts under the vault's passphrase, after a look that it is it.
func byPassphrase() ([]age.Recipient, error) {
	p, err := backupPassphrase()
	if err != nil {
		return nil, err
	}
	all, err := sealsHere()
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Name != seal.KindPassphrase {
			continue
		}
		root, err := seal.Passphrase(p).Open(s.file)
		clear(root)
		if err != nil {
			return nil, api.Errorf(api.Denied, "that is not the passphrase of the vault")
		}
		r, err := age.NewScryptRecipient(string(p.Reveal()))
		return []age.Recipient{r}, err
	}
	return nil, api.Usagef("the vault has no passphrase: name whom to encrypt for with --recipient")
}

func backupPassphrase() (secret.Value, error) {
	if headless() {
		return daemon.ReadPassphrase(os.Getenv(daemon.PassphraseVariable))
	}
	b, err := term.Std().Secret("Passphrase of the vault: ")
	return secret.NewValue(b), err
}

// writeBackup writes the file and reads it again. The archive was opened and
// verified before it came here; whether the file opens is up to age, and
// whether it is what age wrote is compared.
func writeBackup(path string, archive []byte, to []age.Recipient) error {
	b, err := agekey.Encrypt(archive, false, to...)
	if err != nil {
		return api.Errorf(api.Invalid, "encrypting: %s", err)
	}
	if err := deliver(path, b); err != nil {
		_ = os.Remove(path)
		return err
	}
	back, err := os.ReadFile(path)
	if err != nil || sha256.Sum256(back) != sha256.Sum256(b) {
		return api.Errorf(api.Unavailable, "%s does not read back as it was written: the disk is bad, or full", path)
	}
	term.Std().Notef("the vault is in %s, %d KiB, verified", path, (len(b)+1023)/1024)
	return nil
}

func newVaultRestore() *cobra.Command {
	var keys []string
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Put the vault of a backup in its place", Args: exactly("FILE"),
		Long: "Put the vault that \"bailey vault backup\" wrote in its place, where there must be none. It opens\n" +
			"with what opened it at the time of the backup. Changes since then are not in it.",
		Example: "  bailey vault restore /media/stick/bailey.age",
	}
	identityFlag(cmd, &keys)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if vault.Exists(home.Vault()) {
			return api.Errorf(api.Exists, "there is a vault in %s", home.Vault()).
				WithHint("to put the backup in its place, move that directory and %s away", home.Audit())
		}
		archive, err := openBackup(args[0], keys)
		if err != nil {
			return err
		}
		at := vault.Dirs{Vault: home.Vault(), Audit: home.Audit()}
		if err := vault.Restore(cmd.Context(), at, bytes.NewReader(archive)); err != nil {
			return err
		}
		if !headless() { // a daemon may hold on to the one that was here
			if err := look().Lock(cmd.Context()); err != nil {
				return err
			}
		}
		term.Std().Notef("the vault is in its place; look whether all of it is whole with: bailey vault check")
		return nil
	}
	return cmd
}

// maxArchive bounds a backup in memory.
const maxArchive = 1 << 30

func openBackup(path string, keys []string) ([]byte, error) {
	b, err := readBounded(path, maxArchive)
	if err != nil {
		return nil, err
	}
	var ids []age.Identity
	if bytes.Contains(b[:min(len(b), 200)], []byte("\n-> scrypt ")) {
		p, err := backupPassphrase()
		if err != nil {
			return nil, err
		}
		id, err := agekey.Passphrase(p.Reveal())
		if err != nil {
			return nil, api.Errorf(api.Invalid, "%s", err)
		}
		ids = append(ids, id)
	} else if ids, err = identities(keys); err != nil {
		return nil, err
	}
	archive, err := agekey.Decrypt(b, maxArchive, ids...)
	if err != nil {
		return nil, api.Errorf(api.Denied, "%s: %s", path, err)
	}
	return archive, nil
}
