package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

func newSecretImport() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "import [FILE]", Short: "Import secrets from dotenv, JSON, YAML or shell",
		Long: "Import secrets from FILE or standard input, all or none. Names that exist get a new version.\n" +
			"The file stays where it is; \"bailey init\" takes a project's .env files in and removes them.",
		Example: "  bailey secret import vendor.json -e staging\n  sops -d secrets.yaml | bailey secret import --format yaml",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly("FILE")(cmd, args)
			}
			return nil
		},
	}
	w := placeFlags(cmd)
	formatFlag(cmd, &format)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, err := w.locate()
		if err != nil {
			return err
		}
		items, err := readItems(args, format)
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
	names := make([]secret.Name, len(items))
	for i, it := range items {
		wire[i], names[i] = api.NewItem(it.Name, it.Value), it.Name
	}
	if _, err := put(ctx, client, p, wire); err != nil {
		return err
	}
	term.Std().Notef("%s imported into %s", plural(len(items), "secret"), p.Environment)
	return declare(p, names)
}

func formatFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "format", "", "`format`: "+strings.Join(exchange.Formats(), ", ")+" (default: by the file's name, else dotenv)")
	_ = cmd.RegisterFlagCompletionFunc("format", fixed(exchange.Formats()...))
}

// maxImport bounds a file to import.
const maxImport = 16 << 20

func readItems(args []string, format string) ([]exchange.Item, error) {
	in, name := os.Stdin, ""
	if len(args) == 1 && args[0] != "-" {
		f, err := os.Open(args[0])
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in, name = f, args[0]
	} else if term.Std().InIsTerminal() {
		return nil, api.Usagef("import: name a file, or pipe one in")
	}
	f, err := chooseFormat(format, name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(in, maxImport+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxImport {
		return nil, api.Errorf(api.Invalid, "more than 16 MiB to import")
	}
	items, err := exchange.Decode(f, b)
	if err != nil {
		return nil, api.Errorf(api.Invalid, "%s", strings.TrimPrefix(fmt.Sprintf("%s: %s", name, err), ": "))
	}
	if len(items) == 0 {
		return nil, api.Errorf(api.Invalid, "nothing to import: no name with a value was found")
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
