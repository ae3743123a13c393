package policy

import (
	"net/netip"
	"strings"
	"testing"
)

func TestParseHost(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"docs.python.org", "docs.python.org"},
		{"Docs.Python.ORG.", "docs.python.org"},
		{"api.x.test:8443", "api.x.test:8443"},
		{"*.example.com", "*.example.com"},
		{"*.example.com:8443", "*.example.com:8443"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"my_bucket.s3.test", "my_bucket.s3.test"},
		{"localhost", "localhost"},
		{"1.1.1.1", "1.1.1.1"},
		{"1.1.1.1:53", "1.1.1.1:53"},
		{"[2606:4700::1111]:443", "[2606:4700::1111]:443"},
		{"2606:4700:0:0:0:0:0:1111", "2606:4700::1111"},
		{"123.example", "123.example"},
	} {
		h, err := ParseHost(tc.in)
		if err != nil || h.String() != tc.want {
			t.Errorf("ParseHost(%q) = %q, %v, want %q", tc.in, h, err, tc.want)
		}
		if again, err := ParseHost(h.String()); err != nil || again != h {
			t.Errorf("ParseHost(%q) does not read its own text back: %v, %v", h.String(), again, err)
		}
	}
}

func TestParseHostRefuses(t *testing.T) {
	for _, in := range []string{
		"", ".", "..", "*", "*.", "*.com", "*.*.com", "a.*.com", "*a.com", "a..b", "-a.test", "a-.test",
		"http://a.test", "a.test/path", "a.test:", "a.test:0", "a.test:65536", "a.test:080", "a.test:x", "u@a.test", "a b.test", "a\x00.test",
		"2130706433", "0x7f000001", "0x7f.1", "127.1", "0251.0376.0251.0376", "1.2.3.4.5", "*.1.2.3.4", "foo.0x1",
		"[::ffff:127.0.0.1]", "[fe80::1%eth0]", "[1.2.3.4]", "[::1", "[::1]x",
		strings.Repeat("a", 64) + ".test", strings.Repeat("a.", 127) + "test",
	} {
		if h, err := ParseHost(in); err == nil {
			t.Errorf("ParseHost(%q) = %q, want an error", in, h)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, tc := range []struct {
		host, name string
		port       uint16
		want       bool
	}{
		{"a.test", "a.test", 443, true},
		{"a.test", "a.test", 80, true},
		{"a.test", "a.test", 8443, false},
		{"a.test:8443", "a.test", 8443, true},
		{"a.test:8443", "a.test", 443, false},
		{"a.test", "b.a.test", 443, false},
		{"*.a.test", "a.test", 443, false},
		{"*.a.test", ".a.test", 443, false},
		{"*.a.test", "b.a.test", 443, true},
		{"*.a.test", "c.b.a.test", 443, true},
		{"*.a.test", "ba.test", 443, false},
		{"*.a.test", "evila.test", 443, false},
	} {
		h, err := ParseHost(tc.host)
		if err != nil {
			t.Fatal(err)
		}
		if got := h.Matches(tc.name, tc.port); got != tc.want {
			t.Errorf("%s matches %s:%d = %v, want %v", tc.host, tc.name, tc.port, got, tc.want)
		}
	}
	if (Host{}).Matches("", 443) {
		t.Error("the zero Host matches the empty name")
	}
}

func FuzzCanonicalName(f *testing.F) {
	for _, s := range []string{"a.test", "A.Test.", "127.1", "::1", "bücher.example", "xn--bcher-kva.example", "①.test", "a\u3002test", "faß.de"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, err := CanonicalName(s)
		if err != nil {
			return
		}
		again, err := CanonicalName(name)
		if err != nil || again != name {
			t.Errorf("%q became %q, which became %q, %v", s, name, again, err)
		}
		if _, err := netip.ParseAddr(name); err != nil && strings.ContainsAny(name, ":/@%[] \x00") {
			t.Errorf("%q became %q, which is no host name", s, name)
		}
	})
}
