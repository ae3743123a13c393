package reference

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// in expands against a flat set of secrets, those with a dot by their full name.
func in(secrets map[string]string, strict bool) Expander {
	return Expander{Strict: strict, Limit: 1000, Lookup: func(_ any, n Name) (Found, string, bool, error) {
		if n.Key == "FORBIDDEN" {
			return Found{}, "", false, errors.New("not allowed")
		}
		v, ok := secrets[n.String()]
		return Found{Value: []byte(v), Expand: true}, n.String(), ok, nil
	}}
}

func TestExpand(t *testing.T) {
	secrets := map[string]string{
		"A": "1", "B": "${A}2", "C": "${B}-${A}", "ESC": "$${A}", "L1": "${L2}", "L2": "${L3}", "L3": "${L1}", "SELF": "x${SELF}",
		"dev:/KEY": "root", "dev:/api/worker/KEY": "deep", "MISS": "${NOPE}",
	}
	for d := range 12 {
		secrets[fmt.Sprint("D", d)] = fmt.Sprintf("${D%d}", d+1)
		secrets[fmt.Sprint("X", d)] = strings.Repeat(fmt.Sprintf("${X%d}", d+1), 4)
	}
	secrets["D12"], secrets["X12"] = "end", "xxxxxxxx"
	secrets["E0"] = ""
	for d := range 9 {
		secrets[fmt.Sprint("E", d+1)] = strings.Repeat(fmt.Sprintf("${E%d}", d), 20)
	}
	for _, c := range []struct {
		value, want string
		err         error
	}{
		{"plain $ {A} $A ${", "plain $ {A} $A ${", nil},
		{"${A}", "1", nil},
		{"<${C}>", "<12-1>", nil},
		{"${dev.KEY} ${dev.api.worker.KEY}", "root deep", nil},
		{"$${A} $$${A}", "${A} $${A}", nil}, // the escape is what stands directly before the brace
		{"${ESC}", "${A}", nil},
		{"${} ${.A} ${A.} ${a b} ${A ${A}", "${} ${.A} ${A.} ${a b} ${A 1", nil},
		{"${NOPE} ${dev.NOPE}", "${NOPE} ${dev.NOPE}", nil},
		{"${L1}", "", ErrCycle},
		{"${SELF}", "", ErrCycle},
		{"${D3}", "end", nil},
		{"${D0}", "", ErrDeep},
		{"${X5}", "", ErrLarge},
		{"${E9}", "", ErrLarge},
	} {
		got, err := in(secrets, false).Expand([]byte(c.value), nil, "TOP")
		if !errors.Is(err, c.err) || err == nil && string(got) != c.want {
			t.Errorf("%q: %q, %v; want %q, %v", c.value, got, err, c.want, c.err)
		}
	}
	_, err := in(secrets, false).Expand([]byte("${L1}"), nil, "TOP")
	if err == nil || !strings.Contains(err.Error(), "TOP -> L1 -> L2 -> L3 -> L1") {
		t.Errorf("the circle is not named: %v", err)
	}
	if _, err := in(secrets, true).Expand([]byte("${MISS}"), nil, "TOP"); !errors.Is(err, ErrNone) || !strings.Contains(err.Error(), "TOP -> MISS -> NOPE") {
		t.Errorf("strict: %v", err)
	}
	if _, err := in(secrets, false).Expand([]byte("${FORBIDDEN}"), nil, "TOP"); err == nil {
		t.Error("what may not be looked up was expanded")
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "${A}", "$${A}", "$$${A}", "a${", "${${A}}", "$", "$$"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e := in(map[string]string{"A": "expanded"}, true)
		e.Limit = 1 << 20
		got, err := e.Expand(Escape(b), nil, "TOP")
		if err != nil || !bytes.Equal(got, b) {
			t.Errorf("%q came back as %q, %v", b, got, err)
		}
		if names := In(Escape(b)); len(names) > 0 {
			t.Errorf("%q refers to %v", Escape(b), names)
		}
	})
}
