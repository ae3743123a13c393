package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/adoption"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

// maxValue bounds one value, as the vault does.
const maxValue = 1 << 20

func newSecretSet() *cobra.Command {
	var file string
	var exact bool
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Set a secret; the value is asked for, or comes from a file or pipe",
		Long: "Set a secret. The value comes from a question without echo, from --file, or from standard\n" +
			"input, never from the command line: that is visible to every process and stays in the\n" +
			"shell's history. One line end at the end of standard input is dropped unless --exact.",
		Example: "  bailey secret set STRIPE_SECRET_KEY\n  bailey secret set TLS_KEY --file key.pem\n" +
			"  openssl rand -hex 32 | bailey secret set JWT_SECRET -e staging",
		ValidArgsFunction: completeNames,
	}
	cmd.Args = setArgs
	w := placeFlags(cmd)
	cmd.Flags().StringVarP(&file, "file", "f", "", "read the value from `FILE`, to the byte")
	cmd.Flags().BoolVar(&exact, "exact", false, "keep a line end at the end of standard input")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := secret.ParseName(args[0])
		if err != nil {
			return api.Usagef("%s", err)
		}
		p, err := w.locate()
		if err != nil {
			return err
		}
		value, err := readValue(string(name), file, exact)
		if err != nil {
			return err
		}
		return setSecret(cmd.Context(), p, name, value)
	}
	return cmd
}

// setArgs refuses a value on the command line without repeating it.
func setArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return exactly("NAME")(cmd, args)
	}
	name, _, assigned := strings.Cut(args[0], "=")
	if assigned || len(args) > 1 {
		return &api.UsageError{
			Err:    errors.New("a value on the command line is seen by every process and stays in the shell's history"),
			Advice: fmt.Sprintf("bailey secret set %s          asks for it\nbailey secret set %s < FILE   reads it\nif it was real, take it out of the history and replace it where it was made", name, name),
		}
	}
	return nil
}

func readValue(name, file string, exact bool) (secret.Value, error) {
	t := term.Std()
	if file == "-" {
		file = ""
	}
	switch {
	case file != "":
		f, err := os.Open(file)
		if err != nil {
			return secret.Value{}, err
		}
		defer f.Close()
		return readAll(f, true)
	case t.InIsTerminal() && t.CanAsk():
		b, err := t.Secret("Value of " + name + ": ")
		if err == nil && len(b) == 0 {
			err = api.Errorf(api.Invalid, "nothing was typed").WithHint("an empty value: bailey secret set %s < /dev/null", name)
		}
		return secret.NewValue(b), err
	}
	return readAll(os.Stdin, exact)
}

func readAll(r io.Reader, exact bool) (secret.Value, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxValue+1))
	if err != nil {
		return secret.Value{}, err
	}
	if len(b) > maxValue {
		return secret.Value{}, api.Errorf(api.Invalid, "the value is larger than 1 MiB")
	}
	if !exact {
		b = bytes.TrimSuffix(b, []byte("\n"))
		b = bytes.TrimSuffix(b, []byte("\r"))
	}
	return secret.NewValue(b), nil
}

func setSecret(ctx context.Context, p place, name secret.Name, value secret.Value) error {
	client, err := existing()
	if err != nil {
		return err
	}
	done, err := put(ctx, client, p, []api.Item{api.NewItem(name, value)})
	if err != nil {
		return err
	}
	term.Std().Notef("%s is set in %s, version %d", name, p.Environment, done[0].Version)
	return declare(p, []secret.Name{name})
}

// put writes into p's folder, which is made when bailey.yaml names it.
func put(ctx context.Context, client *api.Client, p place, items []api.Item) ([]api.Secret, error) {
	if p.Folder != "/" && p.Manifest != nil && directoryOf(p) != "." {
		if err := adoption.MakeFolder(ctx, client, p.ref()); err != nil {
			return nil, explainMissing(err, p)
		}
	}
	done, err := client.Put(ctx, p.ref(), items)
	return done, explainMissing(err, p)
}

// declare adds names to bailey.yaml that it lacks, so that colleagues, --or-env
// and the sandbox know of them.
func declare(p place, names []secret.Name) error {
	if p.Manifest == nil {
		return nil
	}
	added, err := adoption.Declare(p.Root, names)
	for _, a := range added {
		term.Std().Notef("added to bailey.yaml: %s", a)
	}
	return err
}
