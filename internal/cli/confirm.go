package cli

import (
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
)

func newConfirm() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "confirm",
		Short: "Show what bailey.yaml asks for and grant exactly that",
		Long: "An agent, or whoever wrote the repository, can write bailey.yaml. What it asks for counts\n" +
			"only with the very content that you confirmed; any change has to be confirmed again.",
		Args: nothing,
		RunE: func(*cobra.Command, []string) error { return confirm(yes) },
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "grant it without a question")
	return cmd
}

func confirm(yes bool) error {
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	root, ok := manifest.Find(dir)
	if !ok {
		return noProject()
	}
	m, err := manifest.Load(root)
	if err != nil {
		return api.Errorf(api.Invalid, "%s", err)
	}
	t := term.Std()
	t.Notef("%s asks for:", filepath.Join(root, manifest.Name))
	for _, line := range session.Grants(m) {
		t.Notef("  %s", line)
	}
	if manifest.Confirmed(root, m.Hash()) {
		t.Notef("it is confirmed")
		return nil
	}
	if !yes {
		if yes, err = t.Confirm("Grant exactly this in this repository?", false); err != nil {
			return err
		}
	}
	if !yes {
		return api.Errorf(api.Denied, "not confirmed")
	}
	return manifest.Confirm(root, m.Hash())
}
