package policy

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func rules(t testing.TB, specs ...string) []Rule {
	t.Helper()
	var rs []Rule
	for i, s := range specs {
		r, err := ParseRule(s, fmt.Sprintf("bailey.yaml:%d", i+1))
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	return rs
}

func TestParseRule(t *testing.T) {
	for _, tc := range []struct {
		in     string
		host   string
		access Access
	}{
		{"docs.python.org", "docs.python.org", Read},
		{"docs.python.org: read", "docs.python.org", Read},
		{"github.com: write", "github.com", Write},
		{"github.com:write", "github.com", Write},
		{"api.x.test:8443: write", "api.x.test:8443", Write},
		{"*.x.test: none", "*.x.test", None},
		{"[2606::1]:443: write", "[2606::1]:443", Write},
	} {
		r, err := ParseRule(tc.in, "here")
		if err != nil || r.Host.String() != tc.host || r.Access != tc.access || r.Origin != "here" {
			t.Errorf("ParseRule(%q) = %+v, %v", tc.in, r, err)
		}
		if again, err := ParseRule(r.String(), "here"); err != nil || again != r {
			t.Errorf("%q is not read back: %+v, %v", r.String(), again, err)
		}
	}
	for _, in := range []string{"", ":", ": write", "a.test: delete", "a.test: Write", "a.test:443:x", "write"} {
		if r, err := ParseRule(in, ""); err == nil && in != "write" {
			t.Errorf("ParseRule(%q) = %+v, want an error", in, r)
		}
	}
}

func TestDecide(t *testing.T) {
	rs := rules(t, "docs.test", "git.test", "api.test: write", "*.wild.test", "evil.wild.test: none", "odd.test:8443: write", "docs.test:80: none")
	ok := Request{Asked: "api.test", SNI: "api.test", Authority: "api.test", Scheme: "https", Port: 443, Method: "POST", Path: "/x"}
	with := func(change func(*Request)) Request { r := ok; change(&r); return r }
	to := func(name, method, path string) Request {
		return Request{Asked: name, SNI: name, Authority: name, Scheme: "https", Port: 443, Method: method, Path: path}
	}
	for _, tc := range []struct {
		r           Request
		allowed     bool
		reason      string
		misdirected bool
	}{
		{ok, true, "bailey.yaml:3", false},
		{to("docs.test", "GET", "/"), true, "bailey.yaml:1", false},
		{to("docs.test", "HEAD", "/"), true, "bailey.yaml:1", false},
		{to("docs.test", "OPTIONS", "/"), true, "bailey.yaml:1", false},
		{to("docs.test", "POST", "/"), false, "read-only rule bailey.yaml:1", false},
		{to("docs.test", "get", "/"), false, "read-only rule bailey.yaml:1", false},
		{to("docs.test", "PROPFIND", "/"), false, "read-only rule bailey.yaml:1", false},
		{to("git.test", "POST", "/o/r.git/git-upload-pack"), true, "bailey.yaml:2", false},
		{to("git.test", "POST", "/o/r.git/git-receive-pack"), false, "read-only rule bailey.yaml:2", false},
		{to("git.test", "POST", "/o/r.git%2Fgit-upload-pack"), false, "read-only rule bailey.yaml:2", false},
		{to("a.wild.test", "GET", "/"), true, "bailey.yaml:4", false},
		{to("wild.test", "GET", "/"), false, "no rule allows it", false},
		{to("evil.wild.test", "GET", "/"), false, "denied by bailey.yaml:5", false},
		{with(func(r *Request) { r.SNI = "evil.test" }), false, "names disagree: name api.test, SNI evil.test", true},
		{with(func(r *Request) { r.Authority = "evil.test" }), false, "names disagree: name api.test, Host evil.test", true},
		{with(func(r *Request) { r.Asked = "evil.test" }), false, "names disagree: name evil.test, SNI api.test", true},
		{with(func(r *Request) { r.SNI = "API.test." }), true, "bailey.yaml:3", false},
		{with(func(r *Request) { r.Authority = "API.TEST:443" }), true, "bailey.yaml:3", false},
		{with(func(r *Request) { r.Authority = "api.test:444" }), false, "ports disagree: connected to 443, Host says 444", true},
		{with(func(r *Request) { r.Authority = "u@api.test" }), false, "Host is not a host name", true},
		{with(func(r *Request) { r.Authority = "api.test:443:443" }), false, "Host is not a host name", true},
		{with(func(r *Request) { r.Asked, r.SNI, r.Authority = "", "", "" }), false, "the destination has no name", true},
		{with(func(r *Request) { r.Scheme = "http" }), false, "ports disagree: connected to 443, Host says 80", true},
		{Request{Asked: "odd.test", SNI: "odd.test", Authority: "odd.test:8443", Scheme: "https", Port: 8443, Method: "PUT"}, true, "bailey.yaml:6", false},
		{Request{Asked: "odd.test", Authority: "odd.test", Scheme: "https", Port: 8443, Method: "GET"}, false, "ports disagree: connected to 8443, Host says 443", true},
		{Request{Asked: "docs.test", Authority: "docs.test", Scheme: "http", Port: 80, Method: "GET"}, false, "denied by bailey.yaml:7", false},
	} {
		d := Decide(rs, tc.r)
		if d.Allowed != tc.allowed || d.Reason != tc.reason || d.Misdirected != tc.misdirected {
			t.Errorf("Decide(%+v) = %+v, want %v %q", tc.r, d, tc.allowed, tc.reason)
		}
		if d.Allowed && d.Rule == nil {
			t.Errorf("Decide(%+v) allows without a rule", tc.r)
		}
	}
}

func TestCoversAndNamed(t *testing.T) {
	rs := rules(t, "a.test", "b.test:8443", "*.w.test: write", "no.w.test: none", "half.test", "half.test:443: none")
	for _, tc := range []struct {
		name   string
		port   uint16
		covers bool
		named  bool
	}{
		{"a.test", 443, true, true},
		{"a.test", 22, false, true},
		{"b.test", 443, false, true},
		{"b.test", 8443, true, true},
		{"x.w.test", 80, true, true},
		{"no.w.test", 443, false, false},
		{"half.test", 80, true, true},
		{"half.test", 443, false, true},
		{"c.test", 443, false, false},
		{"", 443, false, false},
	} {
		if _, got := Covers(rs, tc.name, tc.port); got != tc.covers {
			t.Errorf("Covers(%s:%d) = %v", tc.name, tc.port, got)
		}
		if got := Named(rs, tc.name); got != tc.named {
			t.Errorf("Named(%s) = %v", tc.name, got)
		}
	}
}

var (
	fuzzHosts   = []string{"a.test", "b.a.test", "c.b.a.test", "*.a.test", "*.b.a.test", "z.test", "a.test:8443", "*.a.test:8443", "1.2.3.4"}
	fuzzMethods = []string{"GET", "POST", "DELETE", "HEAD", "get"}
)

// FuzzNarrowing: a rule taken away, or a "none" rule added anywhere, never
// allows more; and an allowed request names one host only, which a rule names.
func FuzzNarrowing(f *testing.F) {
	f.Add(uint64(1), "a.test", "a.test", "a.test")
	f.Add(uint64(7), "b.a.test", "", "b.a.test:443")
	f.Add(uint64(9), "B.A.test.", "b.a.test", "")
	f.Fuzz(func(t *testing.T, seed uint64, asked, sni, authority string) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var rs []Rule
		for i := range rng.IntN(6) + 1 {
			h, err := ParseHost(fuzzHosts[rng.IntN(len(fuzzHosts))])
			if err != nil {
				t.Fatal(err)
			}
			rs = append(rs, Rule{Host: h, Access: Access(rng.IntN(3)), Origin: fmt.Sprint(i)})
		}
		r := Request{Asked: asked, SNI: sni, Authority: authority, Scheme: "https", Port: []uint16{443, 80, 8443, 22}[rng.IntN(4)],
			Method: fuzzMethods[rng.IntN(len(fuzzMethods))], Path: "/git-upload-pack"}
		full := Decide(rs, r)
		for i := range rs {
			less := append(append([]Rule{}, rs[:i]...), rs[i+1:]...)
			if rs[i].Access != None && Decide(less, r).Allowed && !full.Allowed {
				t.Errorf("without rule %v more is allowed: %+v", rs[i], r)
			}
			h := rs[rng.IntN(len(rs))].Host
			more := append(append(append([]Rule{}, rs[:i]...), Rule{Host: h, Access: None, Origin: "deny"}), rs[i:]...)
			d := Decide(more, r)
			if d.Allowed && !full.Allowed {
				t.Errorf("a denial of %v allows more: %+v", h, r)
			}
			if d.Allowed && h.Port == 0 && h.matchesName(canonicalOf(asked, sni, authority)) {
				t.Errorf("a denial of %v does not deny: %+v", h, r)
			}
		}
		if full.Allowed {
			name := canonicalOf(asked, sni, authority)
			if _, ok := Covers(rs, name, r.Port); !ok || !Named(rs, name) {
				t.Errorf("allowed, but not covered: %q", name)
			}
			checkSame(t, name, asked, sni, authority)
		}
	})
}

func canonicalOf(given ...string) string {
	for _, g := range given {
		if host, _, err := splitPort(g); err == nil && g != "" {
			if name, err := CanonicalName(host); err == nil {
				return name
			}
		}
	}
	return ""
}

func checkSame(t *testing.T, name string, given ...string) {
	for _, g := range given {
		if g != "" && !strings.EqualFold(name, canonicalOf(g)) {
			t.Errorf("allowed for %q although %q was given", name, g)
		}
	}
}
