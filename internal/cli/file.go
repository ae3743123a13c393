package cli

import (
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/source/sops"
	"github.com/bailey-project/bailey/internal/term"
)

func newFile() *cobra.Command {
	return group("file", "Encrypt, decrypt and edit files of age and sops",
		newFileEncrypt(), newFileDecrypt(), newFileEdit())
}

func newFileEncrypt() *cobra.Command {
	var format, out string
	var to []string
	var yes bool
	cmd := &cobra.Command{
		Use: "encrypt FILE", Short: "Encrypt a file for a repository", Args: exactly("FILE"),
		Long: "Encrypt FILE, or standard input for -. As age (the default) the whole file becomes one block\n" +
			"in ASCII armor; as sops the values of a YAML, JSON, dotenv or ini file are encrypted and their\n" +
			"names stay readable. Both are what age and sops themselves read.",
		Example: "  bailey file encrypt id.pem -r age1… --output id.pem.age\n" +
			"  bailey file encrypt values.yaml --format sops --output values.enc.yaml",
	}
	cmd.Flags().StringVar(&format, "format", formatAge, "`format`: age or sops")
	_ = cmd.RegisterFlagCompletionFunc("format", fixed(formatAge, formatSops))
	cmd.Flags().StringVarP(&out, "output", "o", "", "write a new `FILE` (default: standard output)")
	recipientFlag(cmd, &to)
	acceptFlag(cmd, &yes)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		plain, err := readBounded(args[0], sops.MaxFile)
		if err != nil {
			return err
		}
		defer clear(plain)
		var b []byte
		switch format {
		case formatAge:
			b, err = encryptAge(plain, to)
		case formatSops:
			rules := out
			if rules == "" {
				rules = args[0]
			}
			b, err = encryptSops(sops.FormatOf(args[0]), rules, plain, to, yes)
		default:
			err = api.Usagef("--format: age or sops")
		}
		if err != nil {
			return err
		}
		return deliver(out, b)
	}
	return cmd
}

func encryptAge(plain []byte, args []string) ([]byte, error) {
	_, to, err := recipients(args)
	if err != nil {
		return nil, err
	}
	if len(to) == 0 {
		return nil, api.Usagef("name whom to encrypt for with --recipient")
	}
	b, err := agekey.Encrypt(plain, true, to...)
	if err != nil {
		return nil, api.Errorf(api.Invalid, "encrypting: %s", err)
	}
	return b, nil
}

func newFileDecrypt() *cobra.Command {
	var out string
	var keys []string
	cmd := &cobra.Command{
		Use: "decrypt FILE", Short: "Decrypt a file of age or sops", Args: exactly("FILE"),
		Long: "Decrypt FILE, or standard input for -, to standard output or to a new file of mode 0600. A file\n" +
			"of which anything does not fit gives nothing.",
		Example: "  bailey file decrypt secrets.enc.yaml\n  bailey file decrypt id.pem.age -i ~/.ssh/id_ed25519 --output id.pem",
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write a new `FILE` that only you can read")
	identityFlag(cmd, &keys)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		f, err := openEncrypted(args[0], keys)
		if err != nil {
			return err
		}
		defer clear(f.plain)
		return deliver(out, f.plain)
	}
	return cmd
}

// encryptedFile is a file of age or sops with what is in it.
type encryptedFile struct {
	sealed, plain []byte
	format        sops.Format // "" for age
	keys          []string
	to            []age.Recipient // of an age file that is edited
}

func openEncrypted(path string, keys []string) (f encryptedFile, err error) {
	if f.sealed, err = readBounded(path, 2*sops.MaxFile); err != nil {
		return f, err
	}
	f.keys = keys
	if !agekey.Is(f.sealed) {
		if f.format = sopsFormat(path, f.sealed); f.format == "" {
			return f, api.Errorf(api.Invalid, "%s is not encrypted by age or sops", path)
		}
	}
	ids, err := identities(keys)
	if err != nil {
		return f, err
	}
	if f.format == "" {
		f.plain, err = agekey.Decrypt(f.sealed, sops.MaxFile, ids...)
	} else {
		f.plain, err = sops.Decrypt(f.format, f.sealed, ids...)
	}
	if err != nil {
		return f, api.Errorf(api.Invalid, "%s: %s", path, err)
	}
	return f, nil
}

// sopsFormat goes by the name, and where that says nothing by the content.
func sopsFormat(path string, b []byte) sops.Format {
	for _, f := range []sops.Format{sops.FormatOf(path), sops.YAML, sops.Dotenv, sops.INI} {
		if sops.Encrypted(f, b) {
			return f
		}
	}
	return ""
}

func newFileEdit() *cobra.Command {
	var keys, to []string
	var yes bool
	cmd := &cobra.Command{
		Use: "edit FILE", Short: "Edit an encrypted file in memory", Args: exactly("FILE"),
		Long: "Decrypt FILE into memory, start $VISUAL or $EDITOR, and encrypt what was saved. A file of sops\n" +
			"keeps its keys and changes only where a value did; one of age is encrypted anew, for\n" +
			"--recipient or the keys that open it here.",
		Example: "  EDITOR=nano bailey file edit secrets.enc.yaml",
	}
	identityFlag(cmd, &keys)
	recipientFlag(cmd, &to)
	acceptFlag(cmd, &yes)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		f, err := openEncrypted(args[0], keys)
		if err != nil {
			return err
		}
		defer clear(f.plain)
		if f.format == "" { // before the work, not after it
			if f.to, err = f.recipients(to); err != nil {
				return err
			}
		}
		name := strings.TrimSuffix(filepath.Base(args[0]), ".age")
		after, err := edit(cmd.Context(), name, f.plain)
		if err != nil {
			return err
		}
		defer clear(after)
		if string(after) == string(f.plain) {
			term.Std().Notef("nothing was changed")
			return nil
		}
		if f.format != "" {
			return updateSops(f.format, sopsFile{args[0], f.sealed, keys, yes}, after, nil)
		}
		b, err := agekey.Encrypt(after, agekey.Armored(f.sealed), f.to...)
		if err != nil {
			return api.Errorf(api.Invalid, "encrypting: %s", err)
		}
		return replaceFile(args[0], b)
	}
	return cmd
}

// recipients are whom an age file is encrypted for when it is written anew.
// Whom it was for cannot be read from it, so they are the keys named.
func (f encryptedFile) recipients(args []string) ([]age.Recipient, error) {
	_, to, err := recipients(args)
	if err != nil || len(to) > 0 {
		return to, err
	}
	if len(f.keys) == 0 {
		return nil, api.Usagef("a file of age does not say whom it is for: name them with --recipient, or yourself with --identity")
	}
	ids, err := identities(f.keys)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		if r, ok := agekey.RecipientOf(id); ok {
			to = append(to, r)
		}
	}
	return to, nil
}
