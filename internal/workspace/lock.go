package workspace

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// errAlive: another process has the session.
var errAlive = errors.New("the session is alive")

// takeLock locks a session by its state file, which flag may create. The kernel
// gives the lock up when the process ends, however it ends, so a state file
// that nobody has locked is that of a dead session.
func takeLock(name string, flag int) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|flag, 0o600)
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
	var st syscall.Stat_t
	if err := syscall.Fstat(int(f.Fd()), &st); err != nil || st.Nlink == 0 {
		f.Close()
		return nil, fmt.Errorf("%s: the session ended just now", name)
	}
	return f, nil
}
