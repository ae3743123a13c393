package store

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// explain turns SQLite's result codes into the errors of this package. What is
// neither a matter of waiting nor of the system below is damage: our statements
// are constant and fit our schema.
func explain(path string, err error) error {
	var code *sqlite.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case !errors.As(err, &code):
		return fmt.Errorf("%s: %w", path, err)
	}
	switch code.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: %s: %w", ErrBusy, path, err)
	case sqlite3.SQLITE_IOERR:
		if code.Code() != sqlite3.SQLITE_IOERR_SHORT_READ && code.Code() != sqlite3.SQLITE_IOERR_CORRUPTFS {
			return fmt.Errorf("%s: %w", path, err)
		}
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%s: %w", path, syscall.ENOSPC)
	case sqlite3.SQLITE_READONLY:
		return fmt.Errorf("%s: %w: %w", path, syscall.EROFS, err)
	case sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN,
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_AUTH:
		return fmt.Errorf("%s: %w", path, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrDamaged, path, err)
}
