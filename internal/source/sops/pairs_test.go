package sops

import (
	"testing"

	"github.com/bailey-project/bailey/internal/secret"
)

func FuzzPairs(f *testing.F) {
	f.Add("A", "canary", "b.c", "two\nlines \\n")
	f.Add("=", "\"\"\"", "`", " x ")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2 string) {
		in := []Pair{{n1, secret.NewValue([]byte(v1))}, {n2, secret.NewValue([]byte(v2))}}
		for _, format := range []Format{YAML, JSON, Dotenv, INI} {
			plain, err := Plain(format, in)
			if err != nil {
				continue
			}
			sealed, err := Encrypt(format, plain, plan(testRecipient), parse)
			if err != nil {
				continue // a name that sops keeps for itself
			}
			back, err := Decrypt(format, sealed, identity(t))
			if err != nil {
				t.Fatalf("%s: %q: %v", format, plain, err)
			}
			out, err := Pairs(format, back)
			if err != nil || len(out) != len(in) {
				t.Fatalf("%s: %q: %v", format, back, err)
			}
			for i, p := range in {
				if out[i].Name != p.Name || !out[i].Value.Equal(p.Value) {
					t.Errorf("%s: %q became %q", format, p.Value.Reveal(), out[i].Value.Reveal())
				}
			}
		}
	})
}

// Names of an ordinary application and any text go into YAML and JSON.
func TestPlainHoldsAnyText(t *testing.T) {
	for _, v := range []string{"", " x ", "true", "1e3", "null", "2001-02-03", "a: b", "# c", "two\nlines\n", "\r\n", "\u2028", "'\"`", "ENC[AES256_GCM,data:"} {
		for _, f := range []Format{YAML, JSON} {
			if _, err := Plain(f, []Pair{{"NAME", secret.NewValue([]byte(v))}}); err != nil {
				t.Errorf("%s: %q: %v", f, v, err)
			}
		}
	}
	if _, err := Plain(Dotenv, []Pair{{"A", secret.NewValue([]byte(`C:\new`))}}); err == nil {
		t.Error(`a \n that is no line end was written as dotenv`)
	}
	if _, err := Pairs(YAML, []byte("a: {b: c}\n")); err == nil {
		t.Error("names below a name were read")
	}
}
