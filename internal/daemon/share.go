package daemon

import (
	"context"
	"path/filepath"

	"github.com/bailey-project/bailey/internal/api"
)

// unlock has the vault unlocked by one question for all commands that wait:
// whoever takes the lock asks on its terminal, the others watch the daemon.
// When the one who asks gives up, the next one asks.
func (c *Connector) unlock(ctx context.Context) error {
	bare := api.New(c.transport, api.LocalBase)
	told := false
	return until(ctx, askPatience, func() (bool, error) {
		lock, err := tryLock(filepath.Join(filepath.Dir(c.Socket), "ask.lock"))
		if err != nil {
			return false, err
		}
		if lock != nil {
			defer lock.Close()
		}
		if open, err := isOpen(ctx, bare); open || err != nil {
			return open, err
		}
		if lock != nil {
			return true, c.askAndUnlock(ctx, bare)
		}
		if !told {
			told = true
			c.Notef("waiting for the passphrase, which another command asks for")
		}
		return false, nil
	})
}

func isOpen(ctx context.Context, bare *api.Client) (bool, error) {
	s, err := bare.Status(ctx)
	return err == nil && s.Vault && !s.Locked, err
}

// tries of one question before the command gives up.
const tries = 3

func (c *Connector) askAndUnlock(ctx context.Context, bare *api.Client) error {
	if c.Open != nil && c.Open(ctx, bare) {
		return nil
	}
	var err error
	for try := range tries {
		passphrase, askErr := c.Ask(ctx, try)
		if askErr != nil {
			return askErr
		}
		if err = bare.Unlock(ctx, passphrase); !api.IsCode(err, api.Denied) {
			return err
		}
	}
	return err
}
