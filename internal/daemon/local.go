package daemon

import (
	"context"
	"net/http"
	"os"
	"sync"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server"
)

// Harden keeps other processes and core files out of a process that holds an
// unlocked vault until it ends.
func Harden() { harden() }

// PassphraseVariable names a file with the vault's passphrase. With it there
// is no daemon and no question: each command opens the vault itself.
const PassphraseVariable = "BAILEY_PASSPHRASE_FILE"

// Local is an http.RoundTripper that answers in this process. It unlocks the
// vault at the first request that needs it.
type Local struct {
	Server *server.Server
	File   string // with the passphrase

	mu sync.Mutex
}

// RoundTrip answers r, unlocking once when the vault is locked.
func (l *Local) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := l.Server.Transport().RoundTrip(r)
	if err != nil || resp.StatusCode != http.StatusLocked {
		return resp, err
	}
	_ = resp.Body.Close()
	if err := l.unlock(r.Context()); err != nil {
		return nil, err
	}
	again, err := rewound(r)
	if err != nil {
		return nil, err
	}
	return l.Server.Transport().RoundTrip(again)
}

func (l *Local) unlock(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.Server.Locked() {
		return nil
	}
	passphrase, err := ReadPassphrase(l.File)
	if err != nil {
		return err
	}
	hide()
	return api.New(l.Server.Transport(), api.LocalBase).Unlock(ctx, passphrase)
}

// rewound is r with its body from the start, to be sent again.
func rewound(r *http.Request) (*http.Request, error) {
	again := r.Clone(r.Context())
	if r.GetBody == nil {
		return again, nil
	}
	body, err := r.GetBody()
	again.Body = body
	return again, err
}

// ReadPassphrase reads a passphrase file: its first line, without the line end.
func ReadPassphrase(file string) (secret.Value, error) {
	f, err := os.Open(file)
	if err != nil {
		return secret.Value{}, api.Errorf(api.Missing, "%s: %s", PassphraseVariable, err).
			WithHint("it must name a file with the passphrase; without the variable a terminal is asked")
	}
	defer f.Close()
	buf := make([]byte, 4096)
	n, _ := f.Read(buf)
	line := buf[:n]
	for i, c := range line {
		if c == '\n' || c == '\r' {
			line = line[:i]
			break
		}
	}
	if len(line) == 0 {
		return secret.Value{}, api.Errorf(api.Invalid, "%s: %s holds no passphrase", PassphraseVariable, file)
	}
	return secret.NewValue(line), nil
}
