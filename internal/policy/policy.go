// Package policy holds the words that say what a sandboxed program may reach,
// and the one pure function that decides it.
//
// It is not a proxy: it opens nothing, resolves nothing and remembers nothing.
// Its invariants: every name a request gives for its destination must agree
// with the others; a rule that is taken away, or a "none" rule that is added,
// never allows more; and what was judged is the canonical form, so that whoever
// forwards the request must forward exactly that form.
package policy

import (
	"fmt"
	"strings"

	"github.com/bailey-project/bailey/internal/secret"
)

// Access is how far a rule opens a host.
type Access uint8

const (
	// None refuses the host on every port the rule names (on all ports when it
	// names none), whatever other rules say.
	None Access = iota
	// Read admits GET, HEAD, OPTIONS and what git needs to fetch.
	Read
	// Write admits every method.
	Write
)

// String is the word that ParseRule reads.
func (a Access) String() string {
	switch a {
	case Read:
		return "read"
	case Write:
		return "write"
	}
	return "none"
}

// Rule opens one host, or closes it. Origin says where the rule stands and is
// shown to people: "bailey.yaml:14", "profile claude", "bailey allow".
type Rule struct {
	Host   Host
	Access Access
	Origin string
}

// ParseRule reads "docs.python.org", "github.com: write" and
// "api.x.test:8443: write". Without a word the access is Read.
func ParseRule(s, origin string) (Rule, error) {
	host, access := strings.TrimSpace(s), Read
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		if a, ok := parseAccess(strings.TrimSpace(host[i+1:])); ok {
			host, access = strings.TrimSpace(host[:i]), a
		}
	}
	h, err := ParseHost(host)
	if err != nil {
		return Rule{}, fmt.Errorf("network rule %.80q: %w", s, err)
	}
	return Rule{Host: h, Access: access, Origin: origin}, nil
}

func parseAccess(s string) (Access, bool) {
	switch s {
	case "none":
		return None, true
	case "read":
		return Read, true
	case "write":
		return Write, true
	}
	return None, false
}

// String is the text that ParseRule reads back.
func (r Rule) String() string {
	if r.Access == Read {
		return r.Host.String()
	}
	return r.Host.String() + ": " + r.Access.String()
}

// closes reports whether r is a None rule for the destination.
func (r Rule) closes(name string, port uint16) bool {
	return r.Access == None && r.Host.matchesName(name) &&
		(r.Host.Port == 0 || r.Host.Port == port)
}

// Binding says toward which hosts a placeholder turns into the value it stands
// for. Toward every other host it is an alarm.
type Binding struct {
	Name        secret.Name
	Placeholder secret.Placeholder
	Hosts       []Host
}

// Bound reports whether the binding names the destination.
func (b Binding) Bound(name string, port uint16) bool {
	for _, h := range b.Hosts {
		if h.Matches(name, port) {
			return true
		}
	}
	return false
}
