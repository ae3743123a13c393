package policy

import (
	"fmt"
	"strings"
)

// Request is everything a program said about where it wants to go, and what it
// wants to do there. Asked is the name behind the address it connected to, SNI
// the name in its TLS hello, Authority its Host header or :authority, which may
// carry a port. A name is "" where the protocol has none; Path is canonical.
type Request struct {
	Asked     string
	SNI       string
	Authority string
	Scheme    string
	Port      uint16
	Method    string
	Path      string
}

// Decision is the answer to a Request. Rule is the rule that decided, nil when
// none did. Reason is a short text for people.
type Decision struct {
	Allowed bool
	Rule    *Rule
	Reason  string
	// Misdirected is set when the names given for the destination disagree:
	// the answer to that is 421, not 403.
	Misdirected bool
}

const noRule = "no rule allows it"

// Decide judges one request. It is pure, and it closes on whatever it does not
// understand.
func Decide(rules []Rule, r Request) Decision {
	name, reason := agree(r)
	if reason != "" {
		return Decision{Reason: reason, Misdirected: true}
	}
	best, closed := strongest(rules, name, r.Port)
	switch {
	case closed:
		return Decision{Rule: best, Reason: "denied by " + best.Origin}
	case best == nil:
		return Decision{Reason: noRule}
	case best.Access == Write || reads(r.Method, r.Path):
		return Decision{Allowed: true, Rule: best, Reason: best.Origin}
	}
	return Decision{Rule: best, Reason: "read-only rule " + best.Origin}
}

// strongest finds the rule that opens the destination widest, the first among
// equals, or the first rule that closes it.
func strongest(rules []Rule, name string, port uint16) (best *Rule, closed bool) {
	for i := range rules {
		r := &rules[i]
		if r.closes(name, port) {
			return r, true
		}
		if r.Access != None && r.Host.Matches(name, port) && (best == nil || r.Access > best.Access) {
			best = r
		}
	}
	return best, false
}

// Covers reports whether some request to the destination could be allowed, and
// by which rule: what can be said when only a connection is known.
func Covers(rules []Rule, name string, port uint16) (Rule, bool) {
	best, closed := strongest(rules, name, port)
	if best == nil {
		return Rule{}, false
	}
	return *best, !closed
}

// Named reports whether some rule opens the host on any port: what can be said
// when only its name is asked for.
func Named(rules []Rule, name string) bool {
	named := false
	for _, r := range rules {
		if !r.Host.matchesName(name) {
			continue
		}
		if r.Access == None && r.Host.Port == 0 {
			return false
		}
		named = named || r.Access != None
	}
	return named
}

// agree returns the one canonical name that every given name spells, or the
// reason why there is none.
func agree(r Request) (name, reason string) {
	authority, reason := authorityName(r)
	if reason != "" {
		return "", reason
	}
	given := [...]struct{ kind, name string }{{"name", r.Asked}, {"SNI", r.SNI}, {"Host", authority}}
	first := -1
	for i, g := range given {
		if g.name == "" {
			continue
		}
		canonical, err := CanonicalName(g.name)
		switch {
		case err != nil:
			return "", fmt.Sprintf("%s is not a host name", g.kind)
		case first < 0:
			first, name = i, canonical
		case canonical != name:
			return "", fmt.Sprintf("names disagree: %s %s, %s %s", given[first].kind, name, g.kind, canonical)
		}
	}
	if first < 0 {
		return "", "the destination has no name"
	}
	return name, ""
}

// authorityName is the Authority without its port, which must be the port the
// request goes to. Without a port it is the scheme's own.
func authorityName(r Request) (name, reason string) {
	if r.Authority == "" {
		return "", ""
	}
	name, port, err := splitPort(r.Authority)
	if err != nil {
		return "", "Host is not a host name"
	}
	if strings.Contains(name, ":") && r.Authority[0] != '[' {
		return "", "Host is not a host name"
	}
	if port == 0 {
		port = schemePort(r.Scheme)
	}
	if port != r.Port {
		return "", fmt.Sprintf("ports disagree: connected to %d, Host says %d", r.Port, port)
	}
	return name, ""
}

func schemePort(scheme string) uint16 {
	if scheme == "http" {
		return 80
	}
	return 443
}

// reads reports whether the method changes nothing by its definition (RFC 9110,
// section 9.2.1), or is git's way to fetch: POST to …/git-upload-pack, whose
// name is from the server's point of view (gitprotocol-http(5)).
func reads(method, path string) bool {
	switch method {
	case "GET", "HEAD", "OPTIONS":
		return true
	case "POST":
		return strings.HasSuffix(path, "/git-upload-pack")
	}
	return false
}
