package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

// maxTemplate bounds a template.
const maxTemplate = 4 << 20

func newSecretTemplate() *cobra.Command {
	var out string
	var replace bool
	cmd := &cobra.Command{
		Use: "template [FILE]", Short: "Fill values into a text, in the places of {{ NAME }}",
		Long: "Read FILE or standard input and write it with the values of this folder in the places of\n" +
			"{{ NAME }}, {{ NAME | json }}, | shell, | url or | base64; public values of bailey.yaml count too.\n" +
			"A name that is not set is an error and nothing is written. Other braces stay as they are.",
		Example: "  bailey secret template nginx.conf.tpl --output /run/shop/nginx.conf\n" +
			"  echo 'postgres://shop:{{ DB_PASSWORD | url }}@db/shop' | bailey secret template -e staging",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly("FILE")(cmd, args)
			}
			return nil
		},
	}
	w := readFlags(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "write a new `FILE` that only you can read")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace the file of --output, whole, with its mode")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		file := "-"
		if len(args) == 1 {
			file = args[0]
		} else if term.Std().InIsTerminal() {
			return api.Usagef("template: name a file, or pipe one in")
		}
		filled, err := fill(cmd.Context(), w, file)
		if err != nil {
			return err
		}
		defer clear(filled)
		if replace && out != "" {
			return replaceFile(out, filled)
		}
		return deliver(out, filled)
	}
	return cmd
}

func fill(ctx context.Context, w *where, file string) ([]byte, error) {
	text, err := readBounded(file, maxTemplate)
	if err != nil {
		return nil, err
	}
	p, client, err := w.open(ctx)
	if err != nil {
		return nil, err
	}
	list, err := client.Resolved(ctx, p.ref(), true)
	if err != nil {
		return nil, explainMissing(err, p)
	}
	filled, err := exchange.Fill(text, lookup(p, list))
	if err != nil {
		return nil, api.Errorf(api.Missing, "%s: %s", file, err)
	}
	return filled, nil
}

// lookup finds a value as run would set it: a secret before a public value.
func lookup(p place, list []api.Secret) func(secret.Name) (secret.Value, bool) {
	values := map[secret.Name]secret.Value{}
	for name, value := range publicValues(p) {
		values[secret.Name(name)] = secret.NewValue([]byte(value))
	}
	for i := range list {
		values[list[i].Key] = list[i].Value()
	}
	return func(n secret.Name) (secret.Value, bool) {
		v, ok := values[n]
		return v, ok
	}
}
