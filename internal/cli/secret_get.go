package cli

import (
	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

func newSecretGet() *cobra.Command {
	var version int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Print a secret's value", Args: exactly("NAME"),
		Long:              "Print a secret's value to the byte; a line end follows only on a terminal.",
		Example:           "  bailey secret get STRIPE_SECRET_KEY\n  bailey secret get TLS_KEY --version 2 > old.pem",
		ValidArgsFunction: completeNames,
	}
	w := placeFlags(cmd)
	cmd.Flags().IntVar(&version, "version", 0, "an earlier `version`, see secret history")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := secret.ParseName(args[0])
		if err != nil {
			return api.Usagef("%s", err)
		}
		p, err := w.locate()
		if err != nil {
			return err
		}
		client, err := existing()
		if err != nil {
			return err
		}
		s, err := client.Secret(cmd.Context(), p.secret(name), version)
		if err != nil {
			return explainMissing(err, p)
		}
		return printValue(&s, asJSON)
	}
	return cmd
}

func printValue(s *api.Secret, asJSON bool) error {
	t := term.Std()
	if asJSON {
		text, exact := api.Wire(s.Value())
		return t.JSON(struct {
			Name        secret.Name `json:"name"`
			Environment string      `json:"environment"`
			Folder      string      `json:"folder"`
			Version     int         `json:"version"`
			Value       api.Plain   `json:"value"`
			Base64      *api.Plain  `json:"valueBase64,omitempty"`
		}{s.Key, s.Environment, s.Path, s.Version, text, exact})
	}
	if _, err := t.Write(s.Value().Reveal()); err != nil {
		return err
	}
	if t.OutIsTerminal() {
		t.Printf("\n")
	}
	return nil
}
