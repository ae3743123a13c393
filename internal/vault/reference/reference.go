// Package reference expands ${KEY} and ${environment.folder.KEY} in values.
//
// It knows nothing of vaults: what a name stands for it asks a function. Its
// invariants: no value makes it run for ever, deeper than MaxDepth or longer
// than the limit it was given; $${ never refers to anything; and no error
// holds a value, only names.
package reference

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// MaxDepth is how many references may follow one another.
const MaxDepth = 10

// maxSteps is how many references one value may lead to, so that ten levels of
// many references to nothing much do not keep anybody busy.
const maxSteps = 10_000

// Errors found with errors.Is.
var (
	ErrCycle = errors.New("references go in a circle")
	ErrDeep  = errors.New("references follow one another too long")
	ErrLarge = errors.New("the expanded value is too large")
	ErrNone  = errors.New("refers to nothing")
)

// Name is a secret that a reference means.
type Name struct {
	Environment string // "" for the one of the value
	Path        string // "" for the folder of the value
	Key         string
}

// String is for messages.
func (n Name) String() string {
	if n.Environment == "" {
		return n.Key
	}
	return n.Environment + ":" + strings.TrimSuffix(n.Path, "/") + "/" + n.Key
}

// parse reads what stands between the braces. A name without a dot is in the
// same folder; else the first part is always an environment.
func parse(s string) (n Name, ok bool) {
	parts := strings.Split(s, ".")
	if slices.Contains(parts, "") || strings.ContainsAny(s, " \t\r\n{}$/:") {
		return n, false
	}
	if len(parts) == 1 {
		return Name{Key: s}, true
	}
	last := len(parts) - 1
	return Name{Environment: parts[0], Path: "/" + strings.Join(parts[1:last], "/"), Key: parts[last]}, true
}

// In lists what value refers to, in the order in which it stands there.
func In(value []byte) (names []Name) {
	_ = walk(value, func([]byte) error { return nil }, func(n Name, _ []byte) error {
		names = append(names, n)
		return nil
	})
	return names
}

// Escape returns value such that it expands to itself.
func Escape(value []byte) []byte { return bytes.ReplaceAll(value, []byte("${"), []byte("$${")) }

// walk takes value apart: text as it is, and references with their spelling.
func walk(value []byte, text func([]byte) error, ref func(Name, []byte) error) error {
	for {
		i := bytes.Index(value, []byte("${"))
		if i < 0 {
			return text(value)
		}
		if i > 0 && value[i-1] == '$' { // $${ is ${
			if err := errors.Join(text(value[:i-1]), text(value[i:i+2])); err != nil {
				return err
			}
			value = value[i+2:]
			continue
		}
		end := bytes.IndexByte(value[i:], '}')
		if end < 0 {
			return text(value)
		}
		n, ok := parse(string(value[i+2 : i+end]))
		if !ok {
			if err := text(value[:i+2]); err != nil {
				return err
			}
			value = value[i+2:]
			continue
		}
		if err := text(value[:i]); err != nil {
			return err
		}
		if err := ref(n, value[i:i+end+1]); err != nil {
			return err
		}
		value = value[i+end+1:]
	}
}

// Found is what a name stands for.
type Found struct {
	Value  []byte
	Expand bool // whether Value may hold references itself
	Home   any  // given to Lookup for what Value refers to
}

// Lookup finds what n means in a value at home; ok is false when there is no
// such secret. An error ends the expansion.
type Lookup func(home any, n Name) (f Found, at string, ok bool, err error)

// Expander expands values.
type Expander struct {
	Lookup Lookup // its string names the secret uniquely, for the detection of circles and for messages
	Strict bool   // a reference to nothing is an error; else it stays as it stands
	Limit  int    // bytes of an expanded value
}

// Expand expands value, which belongs to the secret called at and looks names
// up from home.
func (e Expander) Expand(value []byte, home any, at string) ([]byte, error) {
	out := bytes.NewBuffer(make([]byte, 0, len(value)))
	steps := 0
	err := e.expand(out, &steps, Found{Value: value, Expand: true, Home: home}, []string{at})
	return out.Bytes(), err
}

func (e Expander) expand(out *bytes.Buffer, steps *int, f Found, chain []string) error {
	text := func(b []byte) error {
		if out.Len()+len(b) > e.Limit {
			return fmt.Errorf("%w: more than %d bytes: %s", ErrLarge, e.Limit, strings.Join(chain, " -> "))
		}
		out.Write(b)
		return nil
	}
	if !f.Expand {
		return text(f.Value)
	}
	return walk(f.Value, text, func(n Name, spelt []byte) error {
		if *steps++; *steps > maxSteps {
			return fmt.Errorf("%w: more than %d references: %s", ErrLarge, maxSteps, strings.Join(chain, " -> "))
		}
		found, at, ok, err := e.Lookup(f.Home, n)
		path := append(slices.Clone(chain), at)
		switch {
		case err != nil:
			return err
		case !ok && e.Strict:
			return fmt.Errorf("%s %w: %s", spelt, ErrNone, strings.Join(path, " -> "))
		case !ok:
			return text(spelt)
		case slices.Contains(chain, at):
			return fmt.Errorf("%w: %s", ErrCycle, strings.Join(path, " -> "))
		case len(chain) > MaxDepth:
			return fmt.Errorf("%w: more than %d: %s", ErrDeep, MaxDepth, strings.Join(path, " -> "))
		}
		return e.expand(out, steps, found, path)
	})
}
