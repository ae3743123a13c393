package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

// differs is one line of secret diff.
type differs struct {
	Folder string      `json:"folder"`
	Name   secret.Name `json:"name"`
	State  string      `json:"state"` // the environment that has it alone, or "differs"
}

func newSecretDiff() *cobra.Command {
	var asJSON, exitCode bool
	cmd := &cobra.Command{
		Use: "diff ENVIRONMENT [OTHER]", Short: "Compare two environments by name, without showing values",
		Long: "Say which secrets only one of two environments has, and which have other values in them. Values\n" +
			"are compared and not shown. With one ENVIRONMENT it is compared with that of --env.",
		Example: "  bailey secret diff staging\n  bailey secret diff staging production --exit-code",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return exactly("ENVIRONMENT")(cmd, args)
			}
			return nil
		},
		ValidArgsFunction: fixed(development, "test", "staging", production),
	}
	w := placeFlags(cmd)
	jsonFlag(cmd, &asJSON)
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 1 when they differ")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 2 {
			w.environment = args[0]
			args = args[1:]
		}
		p, err := w.locate()
		if err != nil {
			return err
		}
		other := p
		other.Environment = environmentName(args[0])
		client, err := existing()
		if err != nil {
			return err
		}
		here, err := client.Secrets(cmd.Context(), p.ref(), true)
		if err != nil {
			return explainMissing(err, p)
		}
		there, err := client.Secrets(cmd.Context(), other.ref(), true)
		if err != nil {
			return explainMissing(err, other)
		}
		lines := compareSecrets(p.Environment, here, other.Environment, there)
		if err := printDiff(lines, len(here), asJSON); err != nil {
			return err
		}
		if exitCode && len(lines) > 0 {
			return &exitError{code: api.ExitFailed}
		}
		return nil
	}
	return cmd
}

func compareSecrets(nameA string, a []api.Secret, nameB string, b []api.Secret) (out []differs) {
	at := func(list []api.Secret, s *api.Secret) int {
		return slices.IndexFunc(list, func(o api.Secret) bool { return o.Key == s.Key && o.Path == s.Path })
	}
	for i := range a {
		switch j := at(b, &a[i]); {
		case j < 0:
			out = append(out, differs{a[i].Path, a[i].Key, "only in " + nameA})
		case !a[i].Value().Equal(b[j].Value()):
			out = append(out, differs{a[i].Path, a[i].Key, "differs"})
		}
	}
	for i := range b {
		if at(a, &b[i]) < 0 {
			out = append(out, differs{b[i].Path, b[i].Key, "only in " + nameB})
		}
	}
	slices.SortFunc(out, func(x, y differs) int {
		return strings.Compare(x.Folder+"\x00"+string(x.Name), y.Folder+"\x00"+string(y.Name))
	})
	return out
}

func printDiff(lines []differs, total int, asJSON bool) error {
	t := term.Std()
	if asJSON {
		return t.JSON(append([]differs{}, lines...))
	}
	if len(lines) == 0 {
		t.Notef("no difference in %s", plural(total, "secret"))
		return nil
	}
	var rows [][]string
	for _, l := range lines {
		rows = append(rows, []string{string(l.Name), l.Folder, l.State})
	}
	t.Table([]string{"name", "folder", "difference"}, rows)
	return nil
}
