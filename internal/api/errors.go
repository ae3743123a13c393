package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// Code is the closed set of what can go wrong on the wire. The detail of an
// internal error stays with the server.
type Code string

// The codes, each with its HTTP status in statuses.
const (
	Invalid     Code = "invalid"     // the request itself is wrong
	Denied      Code = "denied"      // understood and refused
	Missing     Code = "missing"     // no such project, environment, folder, secret, vault
	Exists      Code = "exists"      // it is there already
	Locked      Code = "locked"      // the vault must be unlocked first
	Unavailable Code = "unavailable" // try again: not reachable, being replaced, busy
	Tampered    Code = "tampered"    // stored data is not what was stored
	Internal    Code = "internal"    // anything else
)

// statuses: 423 Locked (RFC 4918, section 11.3) is the one status that the
// Infisical dialect does not use itself, so no client mistakes it.
var statuses = map[Code]int{
	Invalid: http.StatusBadRequest, Denied: http.StatusForbidden, Missing: http.StatusNotFound,
	Exists: http.StatusBadRequest, Locked: http.StatusLocked, Unavailable: http.StatusServiceUnavailable,
	Tampered: http.StatusInternalServerError, Internal: http.StatusInternalServerError,
}

// names are the values of the field "error" in the Infisical dialect.
var names = map[Code]string{
	Invalid: "BadRequest", Denied: "PermissionDenied", Missing: "NotFound", Exists: "BadRequest",
	Locked: "Locked", Unavailable: "ServiceUnavailable", Tampered: "Tampered", Internal: "InternalServerError",
}

// Error is what the server answers and what the client returns.
type Error struct {
	Code    Code
	Message string // for people; never a value
	Status  int    // HTTP status; 0 means the one of Code
	Name    string // field "error"; "" means the one of Code
	Advice  string // what to do about it
	Issues  []Issue
}

// Issue is one finding of request validation, in the shape that the Infisical
// clients print.
type Issue struct {
	Code     string   `json:"code"`
	Expected string   `json:"expected,omitempty"`
	Received string   `json:"received,omitempty"`
	Path     []string `json:"path"`
	Message  string   `json:"message"`
}

// Errorf makes an Error; format must not receive secret values.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// WithHint adds advice for the person at the terminal.
func (e *Error) WithHint(format string, args ...any) *Error {
	e.Advice = fmt.Sprintf(format, args...)
	return e
}

// Required is the answer to a request that lacks a field: 422 with an issue
// list, as clients of the dialect expect.
func Required(field string) *Error {
	return &Error{
		Code: Invalid, Status: http.StatusUnprocessableEntity, Name: "ValidationFailure",
		Message: field + " is required",
		Issues:  []Issue{{Code: "invalid_type", Expected: "string", Received: "undefined", Path: []string{field}, Message: "Required"}},
	}
}

// Error says what happened; codes that a person should recognise lead.
func (e *Error) Error() string {
	switch e.Code {
	case Denied, Tampered:
		return string(e.Code) + ": " + e.Message
	}
	return e.Message
}

// Hint is the advice, see term.Hinter.
func (e *Error) Hint() string { return e.Advice }

// Is makes errors.Is(err, &Error{Code: Locked}) a question about the code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code && t.Message == ""
}

// HTTPStatus is the status the error travels with.
func (e *Error) HTTPStatus() int {
	if e.Status != 0 {
		return e.Status
	}
	if s, ok := statuses[e.Code]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// WireName is the value of the field "error".
func (e *Error) WireName() string {
	if e.Name != "" {
		return e.Name
	}
	return names[e.Code]
}

// CodeOf finds the code of err, Internal when it has none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// IsCode says whether err carries that code.
func IsCode(err error, code Code) bool {
	var e *Error
	return errors.As(err, &e) && e.Code == code
}

// Outcomes of a command that are no errors on the wire.
var (
	ErrFound       = errors.New("secrets found")
	ErrInterrupted = errors.New("interrupted")
)

// UsageError is a command line that cannot be understood.
type UsageError struct {
	Err    error
	Advice string
}

// Error is the cause's text.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *UsageError) Unwrap() error { return e.Err }

// Hint is the advice, see term.Hinter.
func (e *UsageError) Hint() string { return e.Advice }

// Usagef makes a UsageError.
func Usagef(format string, args ...any) *UsageError {
	return &UsageError{Err: fmt.Errorf(format, args...)}
}

// The exit statuses, documented in "bailey help exit-codes".
const (
	ExitOK          = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitDenied      = 10
	ExitLocked      = 11
	ExitMissing     = 12
	ExitFound       = 13
	ExitTampered    = 20
	ExitInterrupted = 130
)

// ExitCode turns an error into an exit status. A command that passes a
// child's own status through does not come here.
func ExitCode(err error) int {
	var usage *UsageError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &usage):
		return ExitUsage
	case errors.Is(err, ErrFound):
		return ExitFound
	case errors.Is(err, ErrInterrupted), errors.Is(err, context.Canceled):
		return ExitInterrupted
	}
	switch CodeOf(err) {
	case Denied:
		return ExitDenied
	case Locked:
		return ExitLocked
	case Missing:
		return ExitMissing
	case Tampered:
		return ExitTampered
	}
	return ExitFailed
}
