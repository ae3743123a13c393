package policy

import (
	"net/url"
	"strings"
	"testing"
)

func TestCanonicalPath(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", "/"},
		{"/", "/"},
		{"/v1/charges", "/v1/charges"},
		{"/%61dmin", "/admin"},
		{"/a%7eb", "/a~b"},
		{"/a%c3%a9", "/a%C3%A9"},
		{"/a\xc3\xa9", "/a%C3%A9"},
		{"/a b", "/a%20b"},
		{"/@scope%2fname", "/@scope%2Fname"},
		{"/projects/group%2Fsub/issues", "/projects/group%2Fsub/issues"},
		{"/100%25", "/100%25"},
		{"/.well-known/x", "/.well-known/x"},
		{"/a/...", "/a/..."},
		{"/x..y/..z", "/x..y/..z"},
		{"/a;v=1/b", "/a;v=1/b"},
		{"//admin", "//admin"},
		{`/a"<>^{|}`, "/a%22%3C%3E%5E%7B%7C%7D"},
		{"/%3Fx%23", "/%3Fx%23"},
	} {
		if got, err := CanonicalPath(tc.in); err != nil || got != tc.want {
			t.Errorf("CanonicalPath(%q) = %q, %v, want %q", tc.in, got, err, tc.want)
		}
	}
}

func TestCanonicalPathRefuses(t *testing.T) {
	for _, in := range []string{
		"*", "x", "http://a/b", "/v1/../admin", "/..", "/.", "/a/./b", "/v1/%2e%2e/admin", "/v1/%2E./admin", "/v1/.%2e/admin",
		"/v1/..;/admin", "/v1/..;x=1/admin", "/v1/.;/admin", "/v1%2f..%2fadmin", "/v1%2f%2e%2e%2fadmin", "/v1/..%5cadmin", "/v1%5c..%5cadmin",
		"/v1/%252e%252e/admin", "/v1/%25252e%25252e/x", "/v1%252f..%252fx", "/a\\b", "/a#b", "/a?b", "/%", "/%2", "/%zz", "/a%00", "/a%0d%0ab", "/a\x00",
		"/a\nb", "/%2500", "/%7f", "/%c0%ae%c0%ae/x", "/" + strings.Repeat("%25", 9) + "2e/x/../y", "/" + strings.Repeat("a", MaxPath),
	} {
		if got, err := CanonicalPath(in); err == nil {
			t.Errorf("CanonicalPath(%q) = %q, want an error", in, got)
		} else if len(in) > 8 && strings.Contains(err.Error(), in) {
			t.Errorf("the error quotes the path: %v", err)
		}
	}
}

// FuzzCanonicalPath: the result is stable, is what Go's own parser reads as the
// same path, and no reading of it climbs.
func FuzzCanonicalPath(f *testing.F) {
	for _, s := range []string{"/v1/%2e%2e/x", "/%61", "/@a%2fb", "/a\\b", "//x", "/%25%32%65", "/..;/x", "/a%", "/%e2%80%ae"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := CanonicalPath(s)
		if err != nil {
			return
		}
		if again, err := CanonicalPath(p); err != nil || again != p {
			t.Fatalf("%q became %q, which became %q, %v", s, p, again, err)
		}
		u, err := url.ParseRequestURI(p)
		if err != nil || u.RawQuery != "" || u.Host != "" || u.EscapedPath() != p {
			t.Fatalf("%q became %q, which net/url reads as %#v, %v", s, p, u, err)
		}
		for reading := p; ; {
			for seg := range strings.SplitSeq(strings.ReplaceAll(reading, "\\", "/"), "/") {
				if seg == "." || seg == ".." {
					t.Fatalf("%q became %q, in which %q climbs", s, p, reading)
				}
			}
			next, err := url.PathUnescape(reading)
			if err != nil || next == reading {
				return
			}
			reading = next
		}
	})
}
