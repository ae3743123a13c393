// Package secret holds the words every other package uses for a secret: its
// name, its value and the placeholder that stands for it inside a sandbox.
//
// It is not a store and performs no I/O. Its invariant: a Value cannot be
// printed, logged or marshalled by accident; Reveal is the only way in, so
// that every use of plaintext is one search away.
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
)

// Value is a secret's plaintext behind a closure. A struct with a byte slice
// would leak through %v when it is an unexported field of another struct,
// whatever methods it has; a func prints as an address.
//
// The zero Value is empty. A Value is safe for concurrent use.
type Value struct {
	reveal func() []byte
}

// ErrMarshal is returned by every attempt to serialise a Value.
var ErrMarshal = errors.New("a secret value cannot be marshalled")

// NewValue takes ownership of b: the caller must not change it afterwards.
func NewValue(b []byte) Value {
	return Value{reveal: func() []byte { return b }}
}

// Reveal returns the plaintext. The caller must not modify it, keep it longer
// than it needs it, or put it into an error or a log.
func (v Value) Reveal() []byte {
	if v.reveal == nil {
		return nil
	}
	return v.reveal()
}

// Len is the length of the plaintext in bytes.
func (v Value) Len() int { return len(v.Reveal()) }

// Equal compares two values in constant time for a given length.
func (v Value) Equal(w Value) bool {
	return subtle.ConstantTimeCompare(v.Reveal(), w.Reveal()) == 1
}

// String never shows the value.
func (Value) String() string { return "[secret]" }

// Format never shows the value, whatever the verb.
func (Value) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[secret]")) }

// MarshalJSON always fails: "[secret]" saved by accident is lost data.
func (Value) MarshalJSON() ([]byte, error) { return nil, ErrMarshal }

// MarshalText always fails, see MarshalJSON.
func (Value) MarshalText() ([]byte, error) { return nil, ErrMarshal }

// GobEncode always fails, see MarshalJSON.
func (Value) GobEncode() ([]byte, error) { return nil, ErrMarshal }
