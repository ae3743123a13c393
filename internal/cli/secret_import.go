package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/source/sops"
	"github.com/bailey-project/bailey/internal/term"
)

func newSecretImport() *cobra.Command {
	var format string
	var keys []string
	cmd := &cobra.Command{
		Use: "import [FILE]", Short: "Import secrets from dotenv, JSON, YAML, sops, age and other formats",
		Long: "Import secrets from FILE or standard input, all or none. Names that exist get a new version.\n" +
			"What sops or age encrypted is decrypted on the way, with --identity or the keys that those\n" +
			"programs use.\n" +
			"The file stays where it is; \"bailey init\" takes a project's .env files in and removes them.",
		Example: "  bailey secret import vendor.json -e staging\n  bailey secret import secrets.enc.yaml --identity keys.txt\n  bailey secret import --format shell < old.sh",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly("FILE")(cmd, args)
			}
			return nil
		},
	}
	w := placeFlags(cmd)
	formatFlag(cmd, &format)
	identityFlag(cmd, &keys)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := w.locateToChange()
		if err != nil {
			return err
		}
		items, err := readItems(args, format, keys)
		if err != nil {
			return err
		}
		client, err := existing()
		if err != nil {
			return err
		}
		return importItems(cmd.Context(), client, p, items)
	}
	return cmd
}

func importItems(ctx context.Context, client *api.Client, p place, items []exchange.Item) error {
	wire := make([]api.Item, len(items))
	for i, it := range items {
		wire[i] = api.NewItem(it.Name, it.Value)
	}
	return storeItems(ctx, client, p, wire)
}

func storeItems(ctx context.Context, client *api.Client, p place, wire []api.Item) error {
	names := make([]secret.Name, len(wire))
	for i, it := range wire {
		names[i] = it.Name
	}
	if _, err := put(ctx, client, p, wire); err != nil {
		return err
	}
	term.Std().Notef("%s imported into %s", plural(len(wire), "secret"), p.Environment)
	return declare(p, names)
}

func formatFlag(cmd *cobra.Command, to *string) {
	formats := append(exchange.Formats(), formatSops, formatAge)
	cmd.Flags().StringVar(to, "format", "", "`format`: "+strings.Join(formats, ", ")+" (default: by the file's name, else dotenv)")
	_ = cmd.RegisterFlagCompletionFunc("format", fixed(formats...))
}

// Formats of encrypted files: of what is in them, the file's name tells.
const (
	formatSops = "sops"
	formatAge  = "age"
)

// maxImport bounds a file to import.
const maxImport = 16 << 20

func readItems(args []string, format string, keys []string) ([]exchange.Item, error) {
	name := "-"
	if len(args) == 1 && args[0] != "-" {
		name = args[0]
	} else if term.Std().InIsTerminal() {
		return nil, api.Usagef("import: name a file, or pipe one in")
	}
	b, err := readBounded(name, maxImport)
	if err != nil {
		return nil, err
	}
	defer func() { clear(b) }()
	items, err := decodeItems(format, strings.TrimPrefix(name, "-"), b, keys)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, api.Errorf(api.Invalid, "nothing to import: no name with a value was found")
	}
	return items, nil
}

func decodeItems(format, name string, b []byte, keys []string) ([]exchange.Item, error) {
	invalid := func(err error) error {
		return api.Errorf(api.Invalid, "%s", strings.TrimPrefix(fmt.Sprintf("%s: %s", name, err), ": "))
	}
	if format == formatAge || format == "" && agekey.Is(b) {
		ids, err := identities(keys)
		if err != nil {
			return nil, err
		}
		if b, err = agekey.Decrypt(b, maxImport, ids...); err != nil {
			return nil, invalid(err)
		}
		format, name = "", strings.TrimSuffix(name, ".age")
	}
	if inner := sops.FormatOf(name); format == formatSops || format == "" && sops.Encrypted(inner, b) {
		return sopsItems(inner, name, b, keys)
	}
	f, err := chooseFormat(format, name)
	if err != nil {
		return nil, err
	}
	items, err := exchange.Decode(f, b)
	if err != nil {
		return nil, invalid(err)
	}
	return items, nil
}

// sopsItems decrypts a file of sops; one from a pipe has no name to go by.
func sopsItems(f sops.Format, name string, b []byte, keys []string) ([]exchange.Item, error) {
	for _, other := range []sops.Format{sops.YAML, sops.JSON, sops.Dotenv, sops.INI} {
		if name == "" && sops.Encrypted(other, b) {
			f = other
			break
		}
	}
	ids, err := identities(keys)
	if err != nil {
		return nil, err
	}
	plain, err := sops.Decrypt(f, b, ids...)
	if err != nil {
		return nil, api.Errorf(api.Invalid, "%s: %s", name, err)
	}
	defer clear(plain)
	pairs, err := sops.Pairs(f, plain)
	if err != nil {
		return nil, api.Errorf(api.Invalid, "%s: %s", name, err)
	}
	items := make([]exchange.Item, len(pairs))
	for i, p := range pairs {
		n, err := secret.ParseName(p.Name)
		if err != nil {
			return nil, api.Errorf(api.Invalid, "%s: %s", name, err)
		}
		items[i] = exchange.Item{Name: n, Value: p.Value}
	}
	return items, nil
}

func chooseFormat(flag, file string) (exchange.Format, error) {
	if flag == "" {
		return exchange.FormatOf(file), nil
	}
	f, err := exchange.ParseFormat(flag)
	if err != nil {
		return f, api.Usagef("%s", err)
	}
	return f, nil
}
