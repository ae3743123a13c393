package cli

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/term"
)

func newSecretSearch() *cobra.Command {
	var byValue, everywhere, asJSON bool
	cmd := &cobra.Command{
		Use: "search [TEXT]", Short: "Find secrets by a part of their name, or by their value",
		Long: "List the secrets whose name or folder has TEXT in it, in all environments of the project. With\n" +
			"--value those that have the value which stands on standard input: to learn what a key that\n" +
			"turned up somewhere is. No value is shown.",
		Example: "  bailey secret search stripe\n  pbpaste | bailey secret search --value --all-projects",
		Args: func(cmd *cobra.Command, args []string) error {
			if byValue && len(args) > 0 {
				return setArgs(cmd, []string{"NAME=value"}) // a value on the command line
			}
			if !byValue && len(args) != 1 {
				return exactly("TEXT")(cmd, args)
			}
			return nil
		},
	}
	w := placeFlags(cmd)
	cmd.Flags().BoolVar(&byValue, "value", false, "find the value that standard input has")
	cmd.Flags().BoolVar(&everywhere, "all-projects", false, "in every project of the vault")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var match func(*api.Secret) bool
		if byValue {
			value, err := readAll(os.Stdin, false)
			if err != nil {
				return err
			}
			if value.Len() == 0 {
				return api.Errorf(api.Invalid, "standard input is empty")
			}
			match = func(s *api.Secret) bool { return s.Value().Equal(value) }
		} else {
			text := strings.ToLower(args[0])
			match = func(s *api.Secret) bool {
				return strings.Contains(strings.ToLower(string(s.Key)), text) || strings.Contains(strings.ToLower(s.Path), text)
			}
		}
		client, err := existing()
		if err != nil {
			return err
		}
		projects, err := searched(cmd, client, w, everywhere)
		if err != nil {
			return err
		}
		return searchAll(cmd, client, projects, byValue, match, asJSON)
	}
	return cmd
}

func searched(cmd *cobra.Command, client *api.Client, w *where, everywhere bool) ([]api.Project, error) {
	if everywhere {
		return client.Projects(cmd.Context())
	}
	p, err := w.find()
	if err != nil {
		return nil, err
	}
	project, err := client.Project(cmd.Context(), p.Project)
	return []api.Project{project}, explainMissing(err, p)
}

// hit is one line of secret search.
type hit struct {
	Project     string `json:"project"`
	Environment string `json:"environment"`
	Folder      string `json:"folder"`
	Name        string `json:"name"`
}

func searchAll(cmd *cobra.Command, client *api.Client, projects []api.Project, values bool, match func(*api.Secret) bool, asJSON bool) error {
	hits := []hit{}
	for _, p := range projects {
		for _, env := range p.Environments {
			at := api.Ref{Project: p.Slug, Environment: env.Slug, Path: "/"}
			read := client.Names
			if values {
				read = client.Secrets
			}
			list, err := read(cmd.Context(), at, true)
			if err != nil {
				return err
			}
			for i := range list {
				if match(&list[i]) {
					hits = append(hits, hit{p.Slug, env.Slug, list[i].Path, string(list[i].Key)})
				}
			}
		}
	}
	if asJSON {
		return term.Std().JSON(hits)
	}
	if len(hits) == 0 {
		return api.Errorf(api.Missing, "nothing is found")
	}
	var rows [][]string
	for _, h := range hits {
		rows = append(rows, []string{h.Name, h.Project, h.Environment, h.Folder})
	}
	term.Std().Table([]string{"name", "project", "environment", "folder"}, rows)
	return nil
}
