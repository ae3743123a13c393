package cli

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/term"
)

func newSecretExport() *cobra.Command {
	var format, out string
	cmd := &cobra.Command{
		Use: "export", Short: "Print all values of an environment as dotenv, JSON, YAML or shell", Args: nothing,
		Long:    "Print names and values of a folder, readable, to standard output or to a new file of mode 0600.",
		Example: "  bailey secret export -e staging --format json\n  bailey secret export --output backup.env",
	}
	w := placeFlags(cmd)
	formatFlag(cmd, &format)
	cmd.Flags().StringVarP(&out, "output", "o", "", "write a new `FILE` that only you can read")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		p, err := w.locate()
		if err != nil {
			return err
		}
		f, err := chooseFormat(format, out)
		if err != nil {
			return err
		}
		client, err := existing()
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
		b, err := exchange.Encode(f, items)
		if err != nil {
			return api.Errorf(api.Invalid, "%s", err)
		}
		return deliver(out, b)
	}
	return cmd
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
