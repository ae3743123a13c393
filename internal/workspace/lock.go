package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/bailey-project/bailey/internal/workspace/undo"
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

// WithUndo calls do with what the session in dir kept; no other process has the
// session meanwhile. searchPath is the user's PATH.
func WithUndo(ctx context.Context, dir, searchPath string, do func(*undo.Session) error) error {
	if err := settleKilled(ctx, dir); err != nil {
		return err
	}
	lock, err := takeLock(filepath.Join(dir, undo.AboutFile), 0)
	if errors.Is(err, os.ErrNotExist) {
		return undo.ErrNothingKept
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	u, err := undo.Open(ctx, dir, searchPath)
	if err != nil {
		return err
	}
	defer u.Close()
	return do(u)
}

// settleKilled writes down what a session left whose end nobody saw.
func settleKilled(ctx context.Context, dir string) error {
	w, err := reopen(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil // it ended in order, and has no state file any more
	}
	if err != nil {
		return err
	}
	defer w.Close(false)
	if _, err := w.dir.Lstat(undo.AfterFile); err == nil {
		return nil
	}
	return w.Settle(ctx, true)
}
