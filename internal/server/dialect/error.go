package dialect

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"syscall"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/fault"
)

// Error maps the vault's kinds of error onto the closed set of codes. What it
// does not know is Internal, whose detail stays at home.
func Error(err error) *api.Error {
	var known *api.Error
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &big):
		return &api.Error{Code: api.Invalid, Status: http.StatusRequestEntityTooLarge, Message: "the request is larger than 32 MiB"}
	case errors.Is(err, audit.ErrTampered):
		return api.Errorf(api.Tampered, "%s", Tale(err)).WithHint("%s", fault.HintLog)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return api.Errorf(api.Unavailable, "the vault cannot be used: %s", err).
			WithHint("make room on that disk; nothing that was acknowledged is lost")
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EACCES):
		return api.Errorf(api.Unavailable, "the vault cannot be used: %s", err).
			WithHint("every access is recorded before it is answered: BAILEY_HOME must be writable")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return api.Errorf(api.Unavailable, "the request was given up")
	}
	for _, k := range kinds() {
		if errors.Is(err, k.kind) {
			e := api.Errorf(k.code, "%s", err)
			var v *vault.Error
			if errors.As(err, &v) {
				e.Advice = v.Hint
			}
			if k.code == api.Locked {
				return Locked()
			}
			return e
		}
	}
	return api.Errorf(api.Internal, "internal error").WithHint("the detail is in the daemon's log: run/daemon.log below BAILEY_HOME")
}

type kind struct {
	kind error
	code api.Code
}

func kinds() []kind {
	return []kind{
		{vault.ErrTampered, api.Tampered}, {vault.ErrLocked, api.Locked}, {vault.ErrDenied, api.Denied},
		{vault.ErrMissing, api.Missing}, {vault.ErrExists, api.Exists}, {vault.ErrInvalid, api.Invalid},
		{vault.ErrUnavailable, api.Unavailable}, {audit.ErrLocked, api.Locked},
	}
}

// Duplicate says "Secret already exist", which clients look for.
func Duplicate(err error) error {
	e := Error(err)
	if e.Code == api.Exists {
		e.Message = "Secret already exist"
	}
	return e
}

// Tale says what was found without repeating that it is tampering.
func Tale(err error) string {
	return strings.Replace(err.Error(), audit.ErrTampered.Error()+": ", "audit log: ", 1)
}

// Locked is the answer of a locked vault.
func Locked() *api.Error {
	return api.Errorf(api.Locked, "the vault is locked").WithHint("unlock it with: bailey unlock")
}
