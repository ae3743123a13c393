package cli

import (
	"bytes"
	"context"
	"crypto/rand"
	"math/big"
	"os"
	"strconv"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/daemon"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server"
	"github.com/bailey-project/bailey/internal/term"
)

// createVault makes the vault: a passphrase, and a recovery code that is
// shown once and of which two groups are asked for, so that it is written
// down before the first file goes.
func createVault(ctx context.Context, client *api.Client, yes bool) error {
	passphrase, err := newPassphrase("There is no vault yet. It gets a passphrase, which unlocks it for a working session.\n")
	if err != nil {
		return err
	}
	code, err := client.CreateVault(ctx, passphrase)
	if err != nil {
		return err
	}
	term.Std().Notef("the vault is made")
	if err := handOver(ctx, client, code, yes); err != nil {
		return err
	}
	return offerKeyring(ctx, passphrase, yes)
}

// ensureCode gives a vault a new recovery code when nobody has seen its own:
// the init that made it ended before.
func ensureCode(ctx context.Context, client *api.Client, yes bool) error {
	s, err := client.Status(ctx)
	if err != nil || s.CodeShown {
		return err
	}
	code, err := client.FirstRecoveryCode(ctx)
	if err != nil {
		return err
	}
	term.Std().Notef("the init that made this vault ended before its recovery code was taken down: it gets a new one")
	return handOver(ctx, client, code, yes)
}

// codeUnseen is true when the vault, as far as can be known without a
// question, waits for its recovery code to be taken down.
func codeUnseen(ctx context.Context) bool {
	client := api.Dial(home.Socket())
	if headless() {
		client = look()
	}
	s, err := client.Status(ctx)
	return err == nil && s.Vault && !s.CodeShown
}

// handOver shows the recovery code and, on a terminal, has it proved. The vault
// learns of it last: a command that ends before leaves a vault that gets a new
// code.
func handOver(ctx context.Context, client *api.Client, code secret.Value, yes bool) error {
	t := term.Std()
	t.Notef("this is the recovery code, shown this once: write it on paper.\nWithout passphrase and code nobody can open the vault.")
	t.Show(code.Reveal())
	if yes || !t.CanAsk() {
		return client.RecoveryShown(ctx, code)
	}
	if err := checkCode(code); err != nil {
		return err
	}
	return client.RecoveryVerified(ctx, code)
}

// newPassphrase asks twice, or reads BAILEY_PASSPHRASE_FILE.
func newPassphrase(introduction string) (secret.Value, error) {
	if headless() {
		return daemon.ReadPassphrase(os.Getenv(daemon.PassphraseVariable))
	}
	t := term.Std()
	if !t.CanAsk() {
		return secret.Value{}, api.Errorf(api.Locked, "there is no vault yet, and no terminal to ask for a passphrase on").
			WithHint("without a terminal, name a file with the passphrase in %s", daemon.PassphraseVariable)
	}
	prompt := introduction
	for {
		first, err := t.Secret(prompt + "New passphrase: ")
		if err != nil {
			return secret.Value{}, err
		}
		prompt = ""
		if len(first) < server.MinPassphrase {
			t.Notef("that is too short: at least %d characters", server.MinPassphrase)
			continue
		}
		second, err := t.Secret("Once more: ")
		if err != nil {
			return secret.Value{}, err
		}
		if bytes.Equal(first, second) {
			return secret.NewValue(first), nil
		}
		t.Notef("the two are not the same")
	}
}

// checkCode asks for two of the code's groups until they are right.
func checkCode(code secret.Value) error {
	t := term.Std()
	groups := strings.Split(string(code.Reveal()), "-")
	a, b, err := twoOf(len(groups))
	if err != nil {
		return err
	}
	for {
		answer, err := t.Ask("Groups " + strconv.Itoa(a+1) + " and " + strconv.Itoa(b+1) + " of the code: ")
		if err != nil {
			return err
		}
		if asTyped(answer) == asTyped(groups[a]+groups[b]) {
			return nil
		}
		t.Notef("that is not what the code says")
	}
}

// asTyped takes out what a person may write otherwise.
func asTyped(s string) string {
	return strings.NewReplacer(" ", "", "-", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(s))
}

// twoOf picks two different numbers below n, the smaller first.
func twoOf(n int) (int, int, error) {
	first, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil {
		return 0, 0, err
	}
	second, err := rand.Int(rand.Reader, big.NewInt(int64(n-1)))
	if err != nil {
		return 0, 0, err
	}
	a, b := int(first.Int64()), int(second.Int64())
	if b >= a {
		b++
	}
	return min(a, b), max(a, b), nil
}
