package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/source/sops"
	"github.com/bailey-project/bailey/internal/term"
)

// export is what the flags of secret export ask for.
type export struct {
	format, out, name    string
	recipients, identity []string
	yes, clear           bool
}

func newSecretExport() *cobra.Command {
	var x export
	cmd := &cobra.Command{
		Use: "export", Short: "Write all values of an environment, readable or encrypted", Args: nothing,
		Long: "Write names and values of a folder to standard output or to a new file of mode 0600: as dotenv,\n" +
			"JSON, YAML, shell, CSV, for docker, systemd or Kubernetes, or encrypted for a repository.\n" +
			"--format sops encrypts values for --recipient, or as the .sops.yaml above the file says; an\n" +
			"existing file of sops is brought up to date and changes only where a value did. --format age\n" +
			"encrypts the whole; what is in it goes by the file's name (prod.json.age).",
		Example: "  bailey secret export -e staging --format json\n" +
			"  bailey secret export -e production --format sops -r age1… --output secrets/prod.yaml\n" +
			"  bailey secret export --format kubernetes --name shop | kubectl apply -f -",
	}
	w := readFlags(cmd)
	formatFlag(cmd, &x.format)
	recipientFlag(cmd, &x.recipients)
	identityFlag(cmd, &x.identity)
	acceptFlag(cmd, &x.yes)
	cmd.Flags().BoolVar(&x.clear, "allow-clear", false, "also write what the rules of sops leave readable")
	cmd.Flags().StringVarP(&x.out, "output", "o", "", "write a new `FILE` that only you can read")
	cmd.Flags().StringVar(&x.name, "name", "", "`name` of the Kubernetes secret (default: project-environment)")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if len(x.recipients) > 0 && x.format != formatSops && x.format != formatAge {
			return api.Usagef("--recipient goes with --format sops or age")
		}
		p, client, err := w.open(cmd.Context())
		if err != nil {
			return err
		}
		secrets, err := client.Resolved(cmd.Context(), p.ref(), false)
		if err != nil {
			return explainMissing(err, p)
		}
		items := make([]exchange.Item, len(secrets))
		for i := range secrets {
			items[i] = exchange.Item{Name: secrets[i].Key, Value: secrets[i].Value()}
		}
		if x.name == "" {
			x.name = strings.ToLower(p.Project + "-" + p.Environment)
		}
		return x.write(items)
	}
	return cmd
}

func (x export) write(items []exchange.Item) error {
	switch x.format {
	case formatSops:
		return x.sops(items)
	case formatAge:
		return x.age(items)
	}
	b, err := x.plain(x.format, x.out, items)
	if err != nil {
		return err
	}
	return deliver(x.out, b)
}

func (x export) plain(format, out string, items []exchange.Item) ([]byte, error) {
	f, err := chooseFormat(format, out)
	if err != nil {
		return nil, err
	}
	var b []byte
	if f == exchange.Kubernetes {
		b, err = exchange.Manifest(x.name, items)
	} else {
		b, err = exchange.Encode(f, items)
	}
	if err != nil {
		return nil, api.Errorf(api.Invalid, "%s", err)
	}
	return b, nil
}

func (x export) age(items []exchange.Item) error {
	_, to, err := recipients(x.recipients)
	if err != nil {
		return err
	}
	if len(to) == 0 {
		return api.Usagef("--format age: name whom to encrypt for with --recipient")
	}
	plain, err := x.plain("", strings.TrimSuffix(x.out, ".age"), items)
	if err != nil {
		return err
	}
	defer clear(plain)
	b, err := agekey.Encrypt(plain, true, to...)
	if err != nil {
		return api.Errorf(api.Invalid, "encrypting: %s", err)
	}
	return deliver(x.out, b)
}

func (x export) sops(items []exchange.Item) error {
	f := sops.FormatOf(x.out)
	if x.out == "" {
		f = sops.YAML
	}
	pairs := make([]sops.Pair, len(items))
	for i, it := range items {
		pairs[i] = sops.Pair{Name: string(it.Name), Value: it.Value}
	}
	if f == sops.Binary {
		return api.Usagef("--output: sops goes by the file's name: .yaml, .json, .env or .ini")
	}
	plain, err := sops.Plain(f, pairs)
	if err != nil {
		return api.Errorf(api.Invalid, "%s", err)
	}
	defer clear(plain)
	if x.out != "" && len(x.recipients) == 0 {
		old, err := readBounded(x.out, sops.MaxFile)
		switch {
		case err == nil && sops.Encrypted(f, old):
			return updateSops(f, sopsFile{x.out, old, x.identity, x.yes}, plain, x.refuseClear)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		}
	}
	b, err := encryptSops(f, x.out, plain, x.recipients, x.yes)
	if err == nil {
		err = x.refuseClear(f, b)
	}
	if err != nil {
		return err
	}
	return deliver(x.out, b)
}

// refuseClear finds values of the vault that rules, of the repository or of
// the file, leave readable. What is in the vault is secret.
func (x export) refuseClear(f sops.Format, b []byte) error {
	names, err := sops.InTheClear(f, b)
	if err != nil || len(names) == 0 || x.clear {
		return err
	}
	return api.Errorf(api.Denied, "the rules of sops would leave these readable: %s", strings.Join(names, ", ")).
		WithHint("change %s, or when that is meant: --allow-clear", sops.RulesFile)
}

// encryptSops encrypts for the keys named, or by the rules above the file.
func encryptSops(f sops.Format, path string, plain []byte, args []string, yes bool) ([]byte, error) {
	keys, _, err := recipients(args)
	if err != nil {
		return nil, err
	}
	p := sops.Plan{Groups: [][]string{keys}}
	if len(keys) == 0 {
		if p, err = rulesFor(path); err != nil {
			return nil, err
		}
		if err := acceptRecipients(sops.RulesFile, p.Groups, yes); err != nil {
			return nil, err
		}
	}
	p.Made = rememberKey
	b, err := sops.Encrypt(f, plain, p, recipient)
	if err != nil {
		return nil, api.Errorf(api.Invalid, "encrypting: %s", err)
	}
	return b, nil
}

// sopsFile is an existing file and what opens it.
type sopsFile struct {
	path     string
	sealed   []byte
	identity []string
	yes      bool
}

// updateSops replaces the content of an existing file; its keys stay.
func updateSops(f sops.Format, file sopsFile, plain []byte, check func(sops.Format, []byte) error) error {
	ids, err := identities(file.identity)
	if err != nil {
		return err
	}
	groups, err := sops.Recipients(f, file.sealed)
	if err != nil {
		return api.Errorf(api.Invalid, "%s: %s", file.path, err)
	}
	b, err := sops.Update(f, file.sealed, plain, keeper(file.path, groups, file.yes), ids...)
	if err == nil && check != nil {
		err = check(f, b)
	}
	switch {
	case api.IsCode(err, api.Denied), api.IsCode(err, api.Invalid):
		return err
	case err != nil:
		return api.Errorf(api.Invalid, "%s: %s", file.path, err)
	case string(b) == string(file.sealed):
		term.Std().Notef("%s is up to date", file.path)
		return nil
	}
	return replaceFile(file.path, b)
}

// rulesFor finds .sops.yaml above path and its rule for it.
func rulesFor(path string) (sops.Plan, error) {
	missing := func() error {
		return api.Usagef("--format sops: name whom to encrypt for with --recipient, or have a %s above the file", sops.RulesFile)
	}
	if path == "" {
		return sops.Plan{}, missing()
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return sops.Plan{}, err
	}
	for dir := filepath.Dir(abs); ; dir = filepath.Dir(dir) {
		rules, err := readBounded(filepath.Join(dir, sops.RulesFile), maxKeyFile)
		switch {
		case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
			continue
		case errors.Is(err, fs.ErrNotExist):
			return sops.Plan{}, missing()
		case err != nil:
			return sops.Plan{}, err
		}
		rel, err := filepath.Rel(dir, abs)
		if err != nil {
			return sops.Plan{}, err
		}
		p, err := sops.PlanFor(rules, filepath.ToSlash(rel))
		if err != nil {
			return p, api.Errorf(api.Invalid, "%s: %s", filepath.Join(dir, sops.RulesFile), err)
		}
		return p, nil
	}
}

// deliver writes b to standard output or to a file that does not exist yet:
// an existing one may be readable by others.
func deliver(out string, b []byte) error {
	if out == "" {
		_, err := term.Std().Write(b)
		return err
	}
	f, err := os.OpenFile(out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return api.Errorf(api.Exists, "%s exists already", out)
	}
	if err != nil {
		return err
	}
	if _, err := f.Write(b); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}

// replaceFile puts b in the place of a file, whole or not at all, with its mode.
func replaceFile(path string, b []byte) error {
	mode := fs.FileMode(0o600)
	if info, err := os.Lstat(path); err == nil {
		if !info.Mode().IsRegular() {
			return api.Errorf(api.Invalid, "%s is not a regular file; nothing is changed", path)
		}
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".bailey-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
