package cli

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/daemon"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/vault"
)

// connect is the client that every command uses. It connects at the first
// call: to the daemon, which it starts and has unlocked as needed, or, with
// BAILEY_PASSPHRASE_FILE, to a vault opened in this process.
func connect() *api.Client { return api.New(transport(true), api.LocalBase) }

// look is connect for commands that must not ask for a passphrase.
func look() *api.Client { return api.New(transport(false), api.LocalBase) }

// silent is look for a session whose terminal is somebody else's: it prints
// nothing, and a question on that terminal would be answered to the sandbox.
func silent() *api.Client {
	rt := transport(false)
	if c, ok := rt.(*daemon.Connector); ok {
		c.Notef = func(string, ...any) {}
	}
	return api.New(rt, api.LocalBase)
}

// existing is connect for commands that need a vault: without one they fail
// before a daemon is started for nothing.
func existing() (*api.Client, error) {
	if !vault.Exists(home.Vault()) {
		return nil, api.Errorf(api.Missing, "there is no vault yet").WithHint("make one, and import your .env, with: bailey init")
	}
	return connect(), nil
}

// vaultWhole is Tampered when files of the vault are gone or exchanged, and
// Missing when there is no vault. It needs no key and starts no daemon.
func vaultWhole(ctx context.Context) error {
	if !vault.Exists(home.Vault()) {
		return api.Errorf(api.Missing, "there is no vault yet").WithHint("make one with: bailey init")
	}
	err := vault.Check(ctx, home.Vault())
	if !errors.Is(err, vault.ErrTampered) {
		return nil // what else is wrong shows when it is used
	}
	return dialect.Error(err)
}

// headless says whether the vault is opened in this process.
func headless() bool { return os.Getenv(daemon.PassphraseVariable) != "" }

func transport(mayAsk bool) http.RoundTripper {
	if headless() {
		s := server.New(serverOptions())
		inProcess = append(inProcess, s)
		return &daemon.Local{Server: s, File: os.Getenv(daemon.PassphraseVariable)}
	}
	c := daemon.NewConnector(buildVersion)
	c.Notef = term.Std().Notef
	if mayAsk && term.Std().CanAsk() {
		c.Ask, c.Open = askPassphrase, openQuietly
	}
	return c
}

// inProcess are the servers of this process, see release.
var inProcess []*server.Server

// release closes what was opened in this process: the vault then seals the
// end of the audit record, so that its last entries cannot be cut off. Main
// does it at the end, run before it becomes another program.
func release() {
	for _, s := range inProcess {
		if err := s.Close(); err != nil {
			term.Std().Error(err)
		}
	}
	inProcess = nil
}

// SealCost is the scrypt work factor of new passphrases; 0 measures the machine.
// Only end-to-end tests set it, which make many vaults.
var SealCost int

func serverOptions() server.Options {
	return server.Options{
		VaultDir: home.Vault(), AuditDir: home.Audit(), Version: buildVersion,
		Idle: daemon.DefaultIdle, Cost: SealCost, Logf: term.Std().Notef,
	}
}

// askPassphrase asks for the vault's passphrase.
func askPassphrase(_ context.Context, try int) (secret.Value, error) {
	if try > 0 {
		term.Std().Notef("that was not it")
	}
	b, err := term.Std().Secret("Passphrase of the vault: ")
	if errors.Is(err, term.ErrInterrupted) {
		err = api.ErrInterrupted
	}
	return secret.NewValue(b), err
}
