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
	var how setting
	cmd := &cobra.Command{
		Use: "set NAME", Short: "Set a secret; the value is asked for, or comes from a file or pipe",
		Long: "Set a secret. The value comes from a question without echo, from --file, or from standard\n" +
			"input, never from the command line: that is visible to every process and stays in the\n" +
			"shell's history. One line end at the end of standard input is dropped unless --exact.\n" +
			"${KEY} and ${environment.folder.KEY} in it stand for those secrets' values when it is read.",
		Example: "  bailey secret set STRIPE_SECRET_KEY\n  bailey secret set TLS_KEY --file key.pem\n" +
			"  openssl rand -hex 32 | bailey secret set JWT_SECRET -e staging",
		ValidArgsFunction: completeNames,
	}
	cmd.Args = setArgs
	w := placeFlags(cmd)
	cmd.Flags().StringVarP(&file, "file", "f", "", "read the value from `FILE`, to the byte")
	cmd.Flags().BoolVar(&exact, "exact", false, "keep a line end at the end of standard input")
	cmd.Flags().BoolVar(&how.literal, "literal", false, "${ in the value refers to nothing")
	cmd.Flags().BoolVar(&how.personal, "personal", false, "only for you, in place of everybody's value")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := secret.ParseName(args[0])
		if err != nil {
			return api.Usagef("%s", err)
		}
		p, err := w.locateToChange()
		if err != nil {
			return err
		}
		value, err := readValue(string(name), file, exact)
		if err != nil {
			return err
		}
		return setSecret(cmd.Context(), p, api.NewItem(name, value), how)
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

// setting says what a value that is set means.
type setting struct{ literal, personal bool }

func setSecret(ctx context.Context, p place, item api.Item, how setting) error {
	client, err := existing()
	if err != nil {
		return err
	}
	if err := folderOfProject(ctx, client, p); err != nil {
		return err
	}
	w := api.Write{Key: item.Name, Plain: &item.Plain, Base64: item.Base64, Literal: how.literal}
	if how.personal {
		w.Type = "personal"
	}
	done, err := client.Set(ctx, p.ref(), w)
	if err != nil {
		return explainMissing(err, p)
	}
	whose := ""
	if how.personal {
		whose = ", for you"
	}
	term.Std().Notef("%s is set in %s%s, version %d", item.Name, p.Environment, whose, done.Version)
	tellReferences(ctx, client, p.secret(item.Name), item)
	return declare(p, []secret.Name{item.Name})
}

// tellReferences says when a value will not be read as it was set: a password
// may hold what looks like a reference, or the escape of one.
func tellReferences(ctx context.Context, client *api.Client, ref api.Ref, item api.Item) {
	t := term.Std()
	shown, err := client.ResolvedSecret(ctx, ref, true)
	set, ierr := item.Value()
	switch {
	case api.IsCode(err, api.Invalid):
		t.Notef("note: %s", err)
		t.Hintf("when it is no reference: bailey secret set %s --literal", item.Name)
	case err == nil && ierr == nil && !shown.Value().Equal(set):
		t.Notef("it is read with its references replaced, and $${ as ${; as it was set: bailey secret get %s --raw", item.Name)
	}
}

// put writes into p's folder, which is made when bailey.yaml names it.
func put(ctx context.Context, client *api.Client, p place, items []api.Item) ([]api.Secret, error) {
	if err := folderOfProject(ctx, client, p); err != nil {
		return nil, err
	}
	done, err := client.Put(ctx, p.ref(), items)
	return done, explainMissing(err, p)
}

// folderOfProject makes the folder that bailey.yaml names for this directory.
func folderOfProject(ctx context.Context, client *api.Client, p place) error {
	if p.Folder == "/" || p.Manifest == nil || directoryOf(p) == "." {
		return nil
	}
	return explainMissing(adoption.MakeFolder(ctx, client, p.ref()), p)
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
