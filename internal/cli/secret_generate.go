package cli

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"

	"github.com/spf13/cobra"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
)

// alphabets of generated values: how a number of random bytes is written.
var alphabets = map[string]func([]byte) string{
	"hex":       hex.EncodeToString,
	"base64":    base64.StdEncoding.EncodeToString,
	"base64url": base64.RawURLEncoding.EncodeToString,
	"alnum":     alnum,
}

func newSecretGenerate() *cobra.Command {
	var size int
	var alphabet string
	var replace bool
	cmd := &cobra.Command{
		Use: "generate NAME", Short: "Set a secret to a random value that nobody sees", Args: exactly("NAME"),
		Long: "Make a random value and set it, without showing it. A secret that exists is replaced only with\n" +
			"--replace; its old version stays in the history.",
		Example:           "  bailey secret generate SESSION_SECRET\n  bailey secret generate JWT_SECRET --bytes 64 --as base64 --replace",
		ValidArgsFunction: completeNames,
	}
	w := placeFlags(cmd)
	cmd.Flags().IntVar(&size, "bytes", 32, "how many random `bytes` (16 to 1024)")
	cmd.Flags().StringVar(&alphabet, "as", "hex", "how they are written: hex, base64, base64url or alnum")
	cmd.Flags().BoolVar(&replace, "replace", false, "replace a secret that exists")
	_ = cmd.RegisterFlagCompletionFunc("as", fixed("hex", "base64", "base64url", "alnum"))
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		name, err := secret.ParseName(args[0])
		if err != nil {
			return api.Usagef("%s", err)
		}
		spell, ok := alphabets[alphabet]
		if !ok || size < 16 || size > 1024 {
			return api.Usagef("--bytes is from 16 to 1024, --as one of hex, base64, base64url, alnum")
		}
		p, err := w.locateToChange()
		if err != nil {
			return err
		}
		client, err := existing()
		if err != nil {
			return err
		}
		if !replace {
			_, err := client.Secret(cmd.Context(), p.secret(name), 0)
			switch {
			case err == nil:
				return api.Errorf(api.Exists, "%s is set in %s", name, p.Environment).WithHint("to replace it: --replace")
			case !api.IsCode(err, api.Missing):
				return err
			}
		}
		b := make([]byte, size)
		if _, err := rand.Read(b); err != nil {
			return err
		}
		defer clear(b)
		return setSecret(cmd.Context(), p, api.NewItem(name, secret.NewValue([]byte(spell(b)))), setting{literal: true})
	}
	return cmd
}

// alnum writes at least as many random bits as b has in letters and digits.
func alnum(b []byte) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	out := make([]byte, 0, len(b)*2)
	var one [1]byte
	for len(out) < (len(b)*8*100+594)/595 { // 5.95 bits each
		if _, err := rand.Read(one[:]); err != nil {
			panic(err) // unreachable: crypto/rand ends the process first
		}
		if int(one[0]) < 256/len(letters)*len(letters) { // else some would be likelier
			out = append(out, letters[int(one[0])%len(letters)])
		}
	}
	return string(out)
}
