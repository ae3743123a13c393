package why

import (
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/workspace"
)

// example is a session over /home/u/shop.
func example(t *testing.T) *Map {
	t.Helper()
	var rules []policy.Rule
	for _, r := range [][2]string{{"docs.test", "bailey allow"}, {"api.test: write", "bailey.yaml:3"}, {"shut.test: none", "config.yaml"},
		{"*.wide.test", "bailey.yaml:4"}, {"odd.test:8443", "bailey.yaml:5"}} {
		rule, err := policy.ParseRule(r[0], r[1])
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, rule)
	}
	spec := sandbox.Spec{
		Base: sandbox.Base{Identity: sandbox.Identity{Home: "/home/u"}, Copies: []string{"/etc/services"},
			Links: []sandbox.Link{{Target: "/bin", To: "usr/bin"}, {Target: "/loop", To: "/loop/x"}}},
		Files: []sandbox.File{{Target: "/etc/passwd"}},
		Mounts: []sandbox.Mount{
			{Source: "/usr", Target: "/usr"},
			{Source: "/s/tmp", Target: "/tmp", Writable: true},
			{Source: "/s/home", Target: "/home/u", Writable: true},
			{Source: "/home/u/.nvm", Target: "/home/u/.nvm"},
			{Kind: sandbox.Cover, Target: "/home/u/.nvm/.npmrc"},
			{Source: "/home/u/shop", Target: "/home/u/shop", Writable: true},
			{Source: "/s/git", Target: "/home/u/shop/.git", Writable: true},
			{Source: "/home/u/shop/.vscode", Target: "/home/u/shop/.vscode"},
			{Kind: sandbox.Cover, Source: "/run/bailey/view/0", Target: "/home/u/shop/.env"},
			{Kind: sandbox.Cover, Target: "/home/u/shop/key.pem"},
		},
	}
	return New(spec, workspace.View{Root: "/home/u/shop", Watch: []workspace.Name{{Name: ".envrc", Reason: "direnv"}}}, rules)
}

func TestPath(t *testing.T) {
	m := example(t)
	for path, want := range map[string]string{
		"/home/u/shop":              "allowed",
		"/home/u/shop/src/a.go":     "allowed",
		"/home/u/shop/../shop/src":  "allowed",
		"/home/u/shopping":          "private", // of the home, not of the project
		"/home/u/shop/.git/hooks/x": "private",
		"/home/u/shop/.env":         "replaced",
		"/home/u/shop/key.pem":      "hidden",
		"/home/u/shop/.vscode/x":    "read-only",
		"/home/u/shop/.envrc":       "denied",
		"/home/u/shop/sub/.envrc":   "allowed",
		"/home/u/.ssh/id":           "private",
		"/home/u/.nvm/v1":           "read-only",
		"/home/u/.nvm/.npmrc":       "hidden",
		"/usr/bin/git":              "read-only",
		"/bin/git":                  "read-only",
		"/etc/passwd":               "read-only",
		"/etc/services":             "read-only",
		"/etc/shadow":               "absent",
		"/tmp/x":                    "private",
		"/proc/1":                   "private",
		"/root":                     "absent",
		"/loop/y":                   "absent",
		"/":                         "absent",
	} {
		if a := m.Path(path); a.Decision != want || a.Reason == "" || a.Change == "" || a.Layer == "" {
			t.Errorf("%s: %+v, want %s", path, a, want)
		}
	}
}

func TestHost(t *testing.T) {
	m := example(t)
	m.Pending = []Rule{{"asked.test", "bailey.yaml:9"}}
	for _, test := range []struct{ host, decision, says string }{
		{"docs.test", "allowed", "bailey allow 'docs.test: write'"},
		{"https://api.test/v1?x=1", "allowed", "bailey.yaml:3"},
		{"shut.test", "denied", "config.yaml"},
		{"a.wide.test", "allowed", "*.wide.test"},
		{"wide.test", "denied", "bailey allow wide.test"},
		{"odd.test:8443", "allowed", "bailey.yaml:5"},
		{"odd.test", "denied", "no rule"},
		{"asked.test", "denied", "bailey confirm"},
		{"evil.test", "denied", "bailey allow evil.test"},
		{"localhost:5432", "private", "loopback"},
		{"127.0.0.1", "private", "loopback"},
		{"[::1]:80", "private", "loopback"},
	} {
		a, err := m.Host(test.host)
		if err != nil || a.Decision != test.decision || !strings.Contains(a.Rule+a.Reason+a.Change, test.says) {
			t.Errorf("%s: %+v, %v", test.host, a, err)
		}
	}
	if a, err := m.Host("no such host"); err == nil {
		t.Errorf("%+v", a)
	}
}

// What why says of a host is what the gateway decides.
func TestHostAgreesWithThePolicy(t *testing.T) {
	m := example(t)
	rules := parse(m.Rules)
	for _, name := range []string{"docs.test", "api.test", "shut.test", "a.wide.test", "b.a.wide.test", "evil.test"} {
		for _, method := range []string{"GET", "POST"} {
			d := policy.Decide(rules, policy.Request{Asked: name, SNI: name, Authority: name, Scheme: "https", Port: 443, Method: method, Path: "/"})
			a, err := m.Host(name)
			if err != nil {
				t.Fatal(err)
			}
			allowed := a.Decision == "allowed" && (method == "GET" || strings.Contains(a.Reason, "writing"))
			if allowed != d.Allowed {
				t.Errorf("%s %s: why says %+v, the policy %+v", method, name, a, d)
			}
		}
	}
}

func TestGuess(t *testing.T) {
	for subject, want := range map[string]Kind{
		"/etc/passwd": Path, ".env": Path, "~/.ssh": Path, "./x": Path, "src/main.go": Path,
		"api.stripe.com": Host, "api.test:8443": Host, "https://a.test/x": Host, "localhost": Host, "localhost:3000": Host, "1.2.3.4": Host,
		"ptrace": Syscall, "io_uring_setup": Syscall, "clone3": Syscall,
	} {
		if got := Guess(subject, false); got != want {
			t.Errorf("%s is taken for a %s", subject, got)
		}
	}
	if Guess("Makefile", true) != Path {
		t.Error("a file that exists is no path")
	}
}
