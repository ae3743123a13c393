package cli

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/term"
)

func newVersion() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "version", Short: "Print version and build", Args: nothing,
		Annotations: map[string]string{inside: "harmless"},
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return term.Std().JSON(map[string]string{
					"version": buildVersion, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
				})
			}
			term.Std().Printf("bailey %s (%s, %s/%s)\n", buildVersion, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func jsonFlag(cmd *cobra.Command, to *bool) {
	cmd.Flags().BoolVar(to, "json", false, "print JSON")
}
