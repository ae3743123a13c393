package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

func newSecretGet() *cobra.Command {
	var version int
	var asJSON, raw, strict, clip bool
	var clearAfter time.Duration
	cmd := &cobra.Command{
		Use: "get NAME", Short: "Print a secret's value", Args: exactly("NAME"),
		Long: "Print a secret's value to the byte; a line end follows only on a terminal. ${KEY} and\n" +
			"${environment.folder.KEY} in it are replaced by those secrets' values unless --raw; $${ is ${.\n" +
			"Your own value (secret set --personal) comes before everybody's.\n" +
			"--copy puts it on the clipboard, waits, and clears it there; Ctrl-C clears it at once.",
		Example:           "  bailey secret get STRIPE_SECRET_KEY\n  bailey secret get TLS_KEY --version 2 > old.pem",
		ValidArgsFunction: completeNames,
	}
	w := readFlags(cmd)
	cmd.Flags().IntVar(&version, "version", 0, "an earlier `version`, see secret history")
	cmd.Flags().BoolVar(&raw, "raw", false, "the value as it was set, with its references; everybody's")
	cmd.Flags().BoolVar(&strict, "strict", false, "fail when a reference refers to nothing")
	cmd.Flags().BoolVarP(&clip, "copy", "c", false, "to the clipboard, and not to the terminal")
	cmd.Flags().DurationVar(&clearAfter, "clear-after", 45*time.Second, "how `long` --copy leaves it there")
	jsonFlag(cmd, &asJSON)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if clip && (asJSON || clearAfter <= 0) {
			return api.Usagef("--copy goes without --json, and for some time")
		}
		name, err := secret.ParseName(args[0])
		if err != nil {
			return api.Usagef("%s", err)
		}
		p, client, err := w.open(cmd.Context())
		if err != nil {
			return err
		}
		s, err := getSecret(cmd.Context(), client, p.secret(name), version, raw, strict)
		if err != nil {
			return explainMissing(err, p)
		}
		if clip {
			return copyValue(cmd.Context(), name, s.Value(), clearAfter)
		}
		return printValue(&s, asJSON)
	}
	return cmd
}

func getSecret(ctx context.Context, client *api.Client, ref api.Ref, version int, raw, strict bool) (api.Secret, error) {
	if raw || version > 0 {
		return client.Secret(ctx, ref, version)
	}
	return client.ResolvedSecret(ctx, ref, strict)
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
