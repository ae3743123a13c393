package seal

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"filippo.io/age"
	"github.com/zalando/go-keyring"

	"github.com/bailey-project/bailey/internal/secret"
)

// keyringService is under which name the one item lies in the keyring: one per
// seal, never one per secret.
const keyringService = "bailey vault"

// keyringPatience is how long a keyring may take, a question of its own included.
const keyringPatience = 2 * time.Minute

// ErrNoKeyring: there is no keyring to ask.
var ErrNoKeyring = errors.New("there is no keyring on this machine or in this session")

// HasKeyring says whether there is a keyring to ask. Without a session bus
// there is none, and asking would try to start one.
func HasKeyring() bool {
	if runtime.GOOS == "darwin" || runtime.GOOS == "windows" || os.Getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "bus"))
	return err == nil
}

// KeepInKeyring makes a key, puts it into the user's keyring, takes it out
// again to see that it is there, and returns its recipient with the note that
// finds it. forget removes it, for when the seal comes to nothing.
func KeepInKeyring(ctx context.Context) (to age.Recipient, n Note, forget func(), err error) {
	identity, to, err := NewKey()
	if err != nil {
		return nil, n, nil, err
	}
	name := make([]byte, 8)
	if _, err := rand.Read(name); err != nil {
		return nil, n, nil, err
	}
	account := hex.EncodeToString(name)
	err = withKeyring(ctx, func() error { return keyring.Set(keyringService, account, string(identity.Reveal())) })
	if err != nil {
		return nil, n, nil, err
	}
	n = Note{How: HowKeyring, Data: []byte(account)}
	forget = func() { _ = ForgetInKeyring(ctx, n) }
	back, err := fromKeyring(ctx, n)
	if err == nil && !back.Equal(identity) {
		err = errors.New("the keyring gives something else back than it was given")
	}
	if err != nil {
		forget()
		return nil, n, nil, err
	}
	return to, n, forget, nil
}

// KeyringIdentity takes the key out of the keyring. The keyring may ask the user.
func KeyringIdentity(ctx context.Context, n Note) (age.Identity, error) {
	text, err := fromKeyring(ctx, n)
	if err != nil {
		return nil, err
	}
	return keptKey(text.Reveal())
}

// ForgetInKeyring removes the key.
func ForgetInKeyring(ctx context.Context, n Note) error {
	return withKeyring(ctx, func() error {
		err := keyring.Delete(keyringService, string(n.Data))
		if errors.Is(err, keyring.ErrNotFound) {
			return nil
		}
		return err
	})
}

func fromKeyring(ctx context.Context, n Note) (out secret.Value, err error) {
	var text string
	err = withKeyring(ctx, func() (err error) {
		text, err = keyring.Get(keyringService, string(n.Data))
		return err
	})
	return secret.NewValue([]byte(text)), err
}

// withKeyring bounds how long fn may take: go-keyring knows no context.
func withKeyring(ctx context.Context, fn func() error) error {
	if !HasKeyring() {
		return ErrNoKeyring
	}
	ctx, cancel := context.WithTimeout(ctx, keyringPatience)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- fn() }()
	select {
	case err := <-done:
		if errors.Is(err, keyring.ErrNotFound) {
			return errors.New("the key is not in the keyring any more")
		}
		if err != nil {
			return fmt.Errorf("the keyring: %w", err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the keyring does not answer: %w", ctx.Err())
	}
}
