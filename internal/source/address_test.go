package source_test

import (
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/source"
)

func list(items ...exchange.Item) []exchange.Item { return items }

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"environment:":                        "",
		"dotenv:/srv/a b.env":                 "",
		"command:pass show x":                 "",
		"vault://Bao.Example:8200/secret/a/b": "vault://bao.example:8200/secret/a/b",
		"openbao://bao.example/secret/a/":     "vault://bao.example/secret/a",
		"vault+http://127.0.0.1:8200/s/a":     "",
		"vault+http://[::1]:8200/s/a":         "",
		"vault://h/s/a%20b":                   "",
		"infisical://h/p/prod":                "",
		"infisical+http://localhost/p/prod/f": "",
		"op://Private Things/Shop prod":       "",
		"bailey:staging/api/":                 "bailey:staging/api",
		"bailey:staging":                      "",
	} {
		if want == "" {
			want = in
		}
		a, err := source.Parse(in)
		if err != nil || a.String() != want {
			t.Errorf("%s: %s, %v", in, a, err)
		}
		if again, err := source.Parse(a.String()); err != nil || again.String() != a.String() {
			t.Errorf("%s: read again %s, %v", in, again, err)
		}
	}
	for _, in := range []string{
		"", "x", "http://h/a/b", "vault:", "vault:/h/a/b", "vault://h", "vault://h/a", "vault://h/a/../b", "vault://h/a/%2e%2e/b", "vault://h/a%2fb/c", "vault://h/a//b",
		"vault://user:canary@h/a/b", "vault://h/a/b?token=canary", "vault://h/a/b#x", "vault+http://example.com/a/b", "vault+http://127.0.0.1.evil.example/a/b",
		"vault+http://localhost.evil.example/a/b", "infisical+http://0.0.0.0/p/e", "op://v", "op://v/", "op://v/i/f", "op://-v/--reveal", "op+http://v/i",
		"dotenv:", "command: ", "environment:x", "dotenv+http:a", "dotenv:a\x00b", "dotenv:a\nb", "ftp:x", "dotenv:" + strings.Repeat("x", 3000),
	} {
		if a, err := source.Parse(in); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %s, %v", in, a, err)
		}
	}
}

func TestIn(t *testing.T) {
	for in, want := range map[string]string{"vault://h/s/a": "vault://h/s/a/api/x", "infisical://h/p/e": "infisical://h/p/e/api/x", "dotenv:a": "", "op://v/i": ""} {
		a, err := source.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := a.In("/"); err != nil || same.String() != in {
			t.Errorf("%s in /: %s, %v", in, same, err)
		}
		got, err := a.In("/api/x")
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
}

// Whatever is read as an address is one that is read again as itself, and
// names no host in the clear but this machine.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"vault://h/s/a", "vault+http://127.0.0.1:1/s/a", "op://v/i", "bailey:dev/a", "dotenv:x", "infisical://h/p/e/f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := source.Parse(s)
		if err != nil {
			return
		}
		again, err := source.Parse(a.String())
		if err != nil || again.String() != a.String() {
			t.Errorf("%q: %q, then %q, %v", s, a, again, err)
		}
		if a.Plain && !strings.Contains(a.Host, "localhost") && !strings.Contains(a.Host, "127.") && !strings.Contains(a.Host, ":") {
			t.Errorf("%q in the clear to %s", s, a.Host)
		}
	})
}
