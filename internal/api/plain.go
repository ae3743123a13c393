package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"unicode/utf8"

	"github.com/bailey-project/bailey/internal/secret"
)

// Plain is a secret value that may be marshalled, because it is on its way
// over the API. Printed, it shows nothing.
type Plain struct{ value secret.Value }

// NewPlain wraps v for the wire.
func NewPlain(v secret.Value) Plain { return Plain{value: v} }

// PlainString wraps a string for the wire.
func PlainString(s string) Plain { return NewPlain(secret.NewValue([]byte(s))) }

// Value gives the value back.
func (p Plain) Value() secret.Value { return p.value }

// Format shows nothing, whatever the verb.
func (p Plain) Format(f fmt.State, r rune) { p.value.Format(f, r) }

// MarshalJSON writes the value as a JSON string. Bytes that are not UTF-8
// come out as U+FFFD; see Wire.
func (p Plain) MarshalJSON() ([]byte, error) {
	return json.Marshal(string(p.value.Reveal()))
}

// UnmarshalJSON reads a JSON string.
func (p *Plain) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return &json.UnmarshalTypeError{Value: kindOf(b), Type: reflect.TypeFor[string]()}
	}
	p.value = secret.NewValue([]byte(s))
	return nil
}

// kindOf is what JSON calls the value in b; never the value.
func kindOf(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("{")):
		return "object"
	case bytes.HasPrefix(b, []byte("[")):
		return "array"
	case bytes.HasPrefix(b, []byte("t")), bytes.HasPrefix(b, []byte("f")):
		return "bool"
	}
	return "number"
}

// Wire splits a value into the two fields that carry it: the string, which
// every client of the dialect reads, and the exact bytes in base64 when the
// string could not hold them.
func Wire(v secret.Value) (text Plain, exact *Plain) {
	if utf8.Valid(v.Reveal()) {
		return NewPlain(v), nil
	}
	p := PlainString(base64.StdEncoding.EncodeToString(v.Reveal()))
	return NewPlain(v), &p
}

// Unwire is the inverse of Wire; exact wins.
func Unwire(text Plain, exact *Plain) (secret.Value, error) {
	if exact == nil {
		return text.Value(), nil
	}
	b, err := base64.StdEncoding.DecodeString(string(exact.Value().Reveal()))
	if err != nil {
		return secret.Value{}, Errorf(Invalid, "secretValueBase64 is not base64")
	}
	return secret.NewValue(b), nil
}

// Value is the secret's value, exact to the byte.
func (s Secret) Value() secret.Value {
	v, err := Unwire(s.Plain, s.Base64)
	if err != nil {
		return s.Plain.Value()
	}
	return v
}
