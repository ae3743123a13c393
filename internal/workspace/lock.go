package workspace

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// errAlive: another process has the session.
var errAlive = errors.New("the session is alive")

// takeLock locks a session. The kernel gives the lock up when the process
// ends, however it ends, so a free lock means a dead session.
func takeLock(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errAlive
		}
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f, nil
}
