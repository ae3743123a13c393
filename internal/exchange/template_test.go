package exchange

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bailey-project/bailey/internal/secret"
)

func fixed(m map[string]string) func(secret.Name) (secret.Value, bool) {
	return func(n secret.Name) (secret.Value, bool) {
		v, ok := m[string(n)]
		return secret.NewValue([]byte(v)), ok
	}
}

func TestFill(t *testing.T) {
	values := fixed(map[string]string{"A": "one", "B_2": `it's "x" & {{ A }}`, "a.b": "dot"})
	for in, want := range map[string]string{
		"":                     "",
		"plain { } }} text":    "plain { } }} text",
		"{{A}}{{ A }}{{\tA }}": "oneoneone",
		"x{{ a.b }}y":          "xdoty",
		"{{ B_2 }}":            `it's "x" & {{ A }}`, // what is filled in is not read again
		"{{ B_2 | json }}":     `"it's \"x\" & {{ A }}"`,
		"{{B_2|shell}}":        `'it'\''s "x" & {{ A }}'`,
		"{{ A | base64 }}":     "b25l",
		"{{ B_2 | url }}":      "it%27s+%22x%22+%26+%7B%7B+A+%7D%7D",
		"{{ .Values.A }} {{- if A }} {{ A B }} {{ toJson A }} {{}} {{ \"A\" }}": "{{ .Values.A }} {{- if A }} {{ A B }} {{ toJson A }} {{}} {{ \"A\" }}",
		"{{{A}}}":          "{one}",
		"{{ A":             "{{ A",
		"{{ A }":           "{{ A }",
		"{{ x\n}} {{ A }}": "{{ x\n}} one",
	} {
		got, err := Fill([]byte(in), values)
		if err != nil || string(got) != want {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"a\n\n{{ NOT_THERE }}":  "line 3: NOT_THERE is not set",
		"{{ A }}\n{{ A|yaml }}": `line 2: A: there is no filter "yaml"`,
	} {
		if _, err := Fill([]byte(in), values); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func TestFillTakesLinearTime(t *testing.T) {
	text := bytes.Repeat([]byte("{{ A }}{{"), 300_000)
	start := time.Now()
	if _, err := Fill(text, fixed(map[string]string{"A": "x"})); err != nil || time.Since(start) > 20*time.Second {
		t.Errorf("%v, %v", time.Since(start), err)
	}
}

// What a filter writes, the reader it is meant for reads as the value.
func FuzzFilters(f *testing.F) {
	f.Add("it's \"x\"\n$A `b` \\ 💥 <&>")
	f.Add("")
	f.Fuzz(func(t *testing.T, v string) {
		values := fixed(map[string]string{"A": v})
		fill := func(in string) string {
			b, err := Fill([]byte(in), values)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		}
		if b, err := base64.StdEncoding.DecodeString(fill("{{A|base64}}")); err != nil || string(b) != v {
			t.Errorf("base64 of %q", v)
		}
		if s, err := url.QueryUnescape(fill("{{A|url}}")); err != nil || s != v {
			t.Errorf("url of %q", v)
		}
		if fill("a {{A}} b") != "a "+v+" b" {
			t.Errorf("plain %q", v)
		}
		if utf8.ValidString(v) {
			var s string
			if err := json.Unmarshal([]byte(fill("{{A|json}}")), &s); err != nil || s != v {
				t.Errorf("json of %q: %q", v, s)
			}
		}
	})
}

func TestShellFilter(t *testing.T) {
	v := "it's $HOME `id` \"x\" \\ \n!"
	b, err := Fill([]byte("printf %s {{ A | shell }}"), fixed(map[string]string{"A": v}))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sh", "-c", string(b)).Output(); err != nil || string(out) != v {
		t.Errorf("%q, %v", out, err)
	}
}
