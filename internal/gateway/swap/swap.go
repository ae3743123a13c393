// Package swap exchanges placeholders and secrets in HTTP messages: a
// placeholder becomes its value on the way out, a value becomes its placeholder
// on the way in.
//
// It opens no connections and decides nothing about hosts beyond a binding's
// own list. Its invariants: a value is put only into a request whose
// destination the binding names and whose connection is verified; a request
// that carries a placeholder anywhere else, or a real value anywhere at all, is
// stopped; no error holds a value.
package swap

import (
	"fmt"

	"github.com/bailey-project/bailey/internal/gateway/scrub"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// Known is a secret whose value this process holds, beside the placeholder that
// stands for it inside. An empty placeholder shows as asterisks.
type Known struct {
	Name        secret.Name
	Placeholder secret.Placeholder
	Value       secret.Value
}

// Destination is where a request goes. Secure means TLS, verified to be Name.
type Destination struct {
	Name   string
	Port   uint16
	Secure bool
}

// Lookup fetches the real value of a binding for the destination at hand. It is
// called each time a value is put in.
type Lookup func(policy.Binding) (secret.Value, error)

// Cause is why a request was stopped.
type Cause uint8

// The causes.
const (
	Foreign     Cause = iota // a placeholder toward a host it is not bound to
	Leak                     // a real value
	Plaintext                // a placeholder toward its own host, without TLS
	ForeignKey               // a credential that is not ours toward a bound host
	Unavailable              // the value cannot be had now
	Unfit                    // the value cannot stand in this place
)

// Stop is the error of a request that must not go out. Where is a place such as
// "query" or "header Authorization". Err is set for Unavailable.
type Stop struct {
	Cause Cause
	Name  secret.Name
	Where string
	Err   error
}

// Error describes the stop without any value.
func (s *Stop) Error() string {
	switch s.Cause {
	case Foreign:
		return fmt.Sprintf("the placeholder of %s in the %s is not bound to this host", s.Name, s.Where)
	case Leak:
		return fmt.Sprintf("the real value of %s is in the %s", s.Name, s.Where)
	case Plaintext:
		return fmt.Sprintf("the placeholder of %s in the %s would leave without TLS", s.Name, s.Where)
	case ForeignKey:
		return fmt.Sprintf("the %s carries a key that is not a placeholder", s.Where)
	case Unavailable:
		return fmt.Sprintf("the value of %s is not available", s.Name)
	}
	return fmt.Sprintf("the value of %s cannot stand in the %s", s.Name, s.Where)
}

// Unwrap returns the reason why a value is unavailable.
func (s *Stop) Unwrap() error { return s.Err }

// mark says what a pattern of Outgoing stands for.
type mark struct {
	name    secret.Name
	form    scrub.Form
	binding int // -1: a real value
}

// Outgoing finds placeholders and real values in requests. It is immutable and
// safe for concurrent use. A nil Outgoing finds nothing.
type Outgoing struct {
	bindings []policy.Binding
	set      *scrub.Set
	marks    []mark
}

// NewOutgoing compiles the search tables.
func NewOutgoing(bindings []policy.Binding, known []Known) *Outgoing {
	o := &Outgoing{bindings: bindings}
	var texts [][]byte
	add := func(text []byte, m mark) {
		for _, w := range scrub.Forms(text, nil) {
			m.form = w.Form
			texts, o.marks = append(texts, w.Text), append(o.marks, m)
		}
	}
	for i, b := range bindings {
		add([]byte(b.Placeholder), mark{name: b.Name, binding: i})
	}
	for _, k := range known {
		if v := k.Value.Reveal(); scrub.Worth(v) && string(v) != string(k.Placeholder) {
			add(v, mark{name: k.Name, binding: -1})
		}
	}
	o.set = scrub.Compile(texts)
	if o.set == nil {
		return nil
	}
	return o
}

// Incoming finds real values in answers. It is immutable and safe for
// concurrent use. A nil Incoming finds nothing.
type Incoming struct {
	set     *scrub.Set
	written []scrub.Written
	names   []secret.Name
}

// NewIncoming compiles the search tables.
func NewIncoming(known []Known) *Incoming {
	in := &Incoming{}
	var texts [][]byte
	for _, k := range known {
		v := k.Value.Reveal()
		if !scrub.Worth(v) || string(v) == string(k.Placeholder) {
			continue
		}
		stand := []byte(k.Placeholder)
		if len(stand) == 0 {
			stand = scrub.Fit(nil, len(v))
		}
		for _, w := range scrub.Forms(v, stand) {
			texts, in.written, in.names = append(texts, w.Text), append(in.written, w), append(in.names, k.Name)
		}
	}
	in.set = scrub.Compile(texts)
	if in.set == nil {
		return nil
	}
	return in
}
