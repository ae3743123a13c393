package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/term"
)

// maxKeyFile bounds a file of keys.
const maxKeyFile = 1 << 20

// identityFlag adds --identity.
func identityFlag(cmd *cobra.Command, to *[]string) {
	cmd.Flags().StringArrayVarP(to, "identity", "i", nil,
		"private key `FILE` of age or ssh (default: where age and sops look for them)")
}

// recipientFlag adds --recipient.
func recipientFlag(cmd *cobra.Command, to *[]string) {
	cmd.Flags().StringArrayVarP(to, "recipient", "r", nil,
		"`key` to encrypt for: age1…, an ssh public key, or a file of them; more than once for several")
}

// asker lets plugins and keys under a passphrase ask on this terminal.
func asker() *agekey.Asker {
	t := term.Std()
	ask := &agekey.Asker{Notef: t.Notef}
	if t.CanAsk() {
		ask.Secret = t.Secret
		ask.Confirm = func(q string) (bool, error) { return t.Confirm(q, false) }
	}
	return ask
}

// identities reads the named key files, or those that age's and sops's own
// users have: $SOPS_AGE_KEY, $SOPS_AGE_KEY_FILE, sops/age/keys.txt in the
// user's configuration, and the default keys of ssh.
func identities(files []string) ([]age.Identity, error) {
	if len(files) > 0 {
		var out []age.Identity
		for _, f := range files {
			ids, err := identityFile(f)
			if err != nil {
				return nil, err
			}
			out = append(out, ids...)
		}
		return out, nil
	}
	var out []age.Identity
	if words := strings.Fields(os.Getenv("SOPS_AGE_KEY")); len(words) > 0 {
		ids, err := agekey.Identities([]byte(strings.Join(words, "\n")), "SOPS_AGE_KEY", asker())
		if err != nil {
			return nil, api.Errorf(api.Invalid, "SOPS_AGE_KEY: %s", err)
		}
		out = ids
	}
	for _, f := range usualKeys() {
		ids, err := identityFile(f)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			term.Std().Notef("%s", err) // another may do
		default:
			out = append(out, ids...)
		}
	}
	if len(out) == 0 {
		return nil, api.Errorf(api.Missing, "no private key was found").
			WithHint("name one with --identity FILE; age-keygen makes one, and sops looks for it in ~/.config/sops/age/keys.txt")
	}
	return out, nil
}

func usualKeys() []string {
	var out []string
	if f := os.Getenv("SOPS_AGE_KEY_FILE"); f != "" {
		out = append(out, f)
	}
	if dir, err := os.UserConfigDir(); err == nil {
		out = append(out, filepath.Join(dir, "sops", "age", "keys.txt"))
	}
	if dir, err := os.UserHomeDir(); err == nil {
		out = append(out, filepath.Join(dir, ".ssh", "id_ed25519"), filepath.Join(dir, ".ssh", "id_rsa"))
	}
	return out
}

func identityFile(path string) ([]age.Identity, error) {
	b, err := readBounded(path, maxKeyFile)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	ids, err := agekey.Identities(b, path, asker())
	if err != nil {
		return nil, api.Errorf(api.Invalid, "%s: %s", path, err)
	}
	return ids, nil
}

// recipients reads --recipient: keys, and files of keys.
func recipients(args []string) (keys []string, parsed []age.Recipient, err error) {
	for _, a := range args {
		lines := []string{a}
		if !strings.HasPrefix(a, "age1") && !strings.HasPrefix(a, "ssh-") {
			b, err := readBounded(a, maxKeyFile)
			if err != nil {
				return nil, nil, err
			}
			lines = strings.Split(string(b), "\n")
		}
		for _, l := range lines {
			if l = strings.TrimSpace(l); l == "" || strings.HasPrefix(l, "#") {
				continue
			}
			r, err := recipient(l)
			if err != nil {
				return nil, nil, err
			}
			keys, parsed = append(keys, l), append(parsed, r)
		}
	}
	return keys, parsed, nil
}

func recipient(s string) (age.Recipient, error) {
	r, err := agekey.Recipient(s, asker())
	if err != nil {
		return nil, api.Errorf(api.Invalid, "--recipient: %s", err)
	}
	return r, nil
}

// readBounded reads a file, or standard input for "-".
func readBounded(path string, limit int64) ([]byte, error) {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = api.Errorf(api.Invalid, "%s: more than %d bytes", path, limit)
	}
	return b, err
}
