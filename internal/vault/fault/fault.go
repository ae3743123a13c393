// Package fault holds the errors of the vault and its parts: a closed set of
// kinds, each error with a text for people and a hint what to do.
//
// It decides nothing and logs nothing. Its invariant: no text holds a value.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// Kinds of error, found with errors.Is. They correspond one to one to the
// closed set of codes on the wire.
var (
	ErrInvalid     = errors.New("invalid")     // the question is wrong
	ErrDenied      = errors.New("denied")      // wrong passphrase or code
	ErrMissing     = errors.New("missing")     // no such project, environment, folder, secret, version
	ErrExists      = errors.New("exists")      // already there
	ErrLocked      = errors.New("locked")      // needs Unlock
	ErrUnavailable = errors.New("unavailable") // another process holds the database too long, or no audit log
	ErrTampered    = errors.New("tampered")    // something on disk is not what was written there
)

// Kind returns the kind of err by its name, "error" for none: all of an error
// that is fit for an audit record.
func Kind(err error) string {
	for _, kind := range []error{ErrInvalid, ErrDenied, ErrMissing, ErrExists, ErrLocked, ErrUnavailable, ErrTampered} {
		if errors.Is(err, kind) {
			return kind.Error()
		}
	}
	return "error"
}

// Error is every error of the vault that has a kind. Its text names the file
// and the record, never a value.
type Error struct {
	Kind error  // one of the above
	Text string // what happened
	Hint string // what to do about it; may be empty
	Err  error  // cause; may be nil
}

func (e *Error) Error() string {
	if e.Err != nil {
		return e.Text + ": " + e.Err.Error()
	}
	return e.Text
}

// Unwrap makes errors.Is find the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// New makes an error of a kind.
func New(kind error, format string, args ...any) error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// hintBackup goes with every sign of damage: there is nothing else to do, and
// nothing has been made worse.
const hintBackup = "nothing was changed on disk; restore the vault directory and the audit directory together from a backup"

// HintLog goes with a log and a vault that do not fit each other: the values
// are whole then.
const HintLog = "nothing was changed on disk; restore the vault directory and the audit directory together from a backup,\n" +
	"or go on without what the record has lost, which stays on record: bailey audit accept"

// Tampered makes an error of that kind with the one hint there is.
func Tampered(format string, args ...any) error {
	return &Error{Kind: ErrTampered, Text: fmt.Sprintf(format, args...), Hint: hintBackup}
}

// Explain gives errors of the store and of a closed key their kind; those that
// have one, and those of the context, pass.
func Explain(err error) error {
	var known *Error
	switch {
	case err == nil, errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, store.ErrDamaged):
		return &Error{Kind: ErrTampered, Text: "the vault's database cannot be trusted", Hint: hintBackup, Err: err}
	case errors.Is(err, store.ErrMissing):
		return &Error{Kind: ErrMissing, Text: "there is no vault", Err: err}
	case errors.Is(err, store.ErrBusy):
		return &Error{Kind: ErrUnavailable, Text: "another process is writing to the vault", Hint: "try again", Err: err}
	case errors.Is(err, envelope.ErrClosed):
		return &Error{Kind: ErrLocked, Text: "the vault is locked"}
	}
	return err
}

// Audit is Explain for the audit log: without one, nothing is answered.
func Audit(err error) error {
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, audit.ErrTampered):
		return &Error{Kind: ErrTampered, Text: "audit log: " + strings.TrimPrefix(err.Error(), audit.ErrTampered.Error()+": "), Hint: HintLog}
	}
	return &Error{Kind: ErrUnavailable, Text: "refused, because it cannot be recorded", Err: err,
		Hint: "check the free space and the permissions of the audit directory"}
}
