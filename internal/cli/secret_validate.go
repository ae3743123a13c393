package cli

import (
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/dotenv"
	"github.com/bailey-project/bailey/internal/term"
)

func newSecretValidate() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "validate [FILE]", Short: "Check that every name of .env.example is set, without reading a value",
		Long: "Print MISSING: NAME for each name of FILE (default: this directory's .env.example, else the names\n" +
			"of bailey.yaml) that neither the vault nor public: of bailey.yaml has, and exit with 12 then. It\n" +
			"asks the vault for names only.",
		Example: "  bailey secret validate -e staging\n  bailey secret validate deploy/.env.example --json",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return exactly("FILE")(cmd, args)
			}
			return nil
		},
	}
	w := readFlags(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		p, client, err := w.open(cmd.Context())
		if err != nil {
			return err
		}
		wanted, err := wantedNames(p, args)
		if err != nil {
			return err
		}
		list, err := client.ShownNames(cmd.Context(), p.ref())
		if err != nil {
			return explainMissing(err, p)
		}
		have := map[string]bool{}
		for i := range list {
			have[string(list[i].Key)] = true
		}
		for name := range publicValues(p) {
			have[name] = true
		}
		missing := slices.DeleteFunc(wanted, func(n string) bool { return have[n] })
		return printMissing(p, slices.Compact(missing), asJSON)
	}
	return cmd
}

// wantedNames are the names that have to be there, sorted.
func wantedNames(p place, args []string) (names []string, err error) {
	if len(args) == 1 {
		b, err := readBounded(args[0], 1<<20)
		if err != nil {
			return nil, err
		}
		f, err := dotenv.Parse(b)
		if err != nil {
			return nil, api.Errorf(api.Invalid, "%s: %s", args[0], err)
		}
		for _, e := range f.Entries {
			names = append(names, e.Name)
		}
	} else if p.Manifest != nil {
		if names = exampleNames(p); len(names) == 0 {
			names = declared(p)
		}
	}
	if len(names) == 0 {
		return nil, api.Errorf(api.Missing, "no names to check: there is no %s here, and bailey.yaml names no secret", exampleFile)
	}
	slices.Sort(names)
	return names, nil
}

func printMissing(p place, missing []string, asJSON bool) error {
	t := term.Std()
	if asJSON {
		if err := t.JSON(append([]string{}, missing...)); err != nil {
			return err
		}
	} else {
		for _, name := range missing {
			t.Printf("MISSING: %s\n", name)
		}
	}
	if len(missing) == 0 {
		if !asJSON {
			t.Notef("every name is set in %s", p.Environment)
		}
		return nil
	}
	return api.Errorf(api.Missing, "%s", fmt.Sprintf("%s not set in %s", plural(len(missing), "name"), p.Environment)).
		WithHint("set each with: bailey secret set NAME -e %s", p.Environment)
}
