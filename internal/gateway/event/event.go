// Package event is what the gateway says it decided.
//
// It writes nothing: a function of the session hears of each event. Its
// invariants: an event holds no value, no query and no header; and however much
// a program tries, there are few of them.
package event

import (
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/gateway/reach"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// Kind is what happened.
type Kind string

// The kinds of Event.
const (
	Allowed  Kind = "allowed"  // the first request of its kind to a host
	Denied   Kind = "denied"   // a name, connection or request was refused
	Injected Kind = "injected" // a value was put into a request
	Alarm    Kind = "alarm"    // a placeholder, a real value or a foreign key was on its way to the wrong place
	Scrubbed Kind = "scrubbed" // a value was taken out of an answer
	TLS      Kind = "tls"      // a handshake failed, inside or outside
)

// Event is one decision. It holds no value, no query and no header.
type Event struct {
	Time time.Time
	Kind Kind
	// Host is the canonical name that was asked for, or the address when a
	// program used one by itself. Port is 0 where only a name was asked for.
	Host string
	Port uint16
	// Scheme is "dns", "tcp", "tls", "http" or "https".
	Scheme string
	// Method and Path describe a request; Path is canonical and at most 256
	// bytes, and "" when it may have held a secret.
	Method string
	Path   string
	// Secret is set for Injected, Alarm and Scrubbed, where it is known.
	Secret secret.Name
	// Rule is the Origin of the rule that decided, if one did.
	Rule string
	// Reason is for people, Hint is the command that would change it, or "".
	Reason string
	Hint   string
}

// String is one line for people, such as
// "denied: connect 1.2.3.4:443 (no rule allows it)".
func (e Event) String() string {
	var b strings.Builder
	b.WriteString(string(e.Kind) + ": ")
	switch {
	case e.Scheme == "dns":
		b.WriteString("look up " + e.Host)
	case e.Method == "":
		b.WriteString("connect " + e.address())
	default:
		b.WriteString(e.Method + " " + e.Scheme + "://" + Authority(e.Host, e.Port, e.Scheme) + e.Path)
	}
	if e.Secret != "" {
		b.WriteString(" " + string(e.Secret))
	}
	if e.Reason != "" {
		b.WriteString(" (" + e.Reason + ")")
	}
	return b.String()
}

func (e Event) address() string { return net.JoinHostPort(e.Host, strconv.Itoa(int(e.Port))) }

// Authority is host and port as a Host header says it: without the port when it
// is the scheme's own.
func Authority(name string, port uint16, scheme string) string {
	if scheme == "https" && port == 443 || scheme == "http" && port == 80 {
		return bracket(name)
	}
	return net.JoinHostPort(name, strconv.Itoa(int(port)))
}

func bracket(name string) string {
	if strings.Contains(name, ":") {
		return "[" + name + "]"
	}
	return name
}

// Hint is the command that would open a destination, "" for an address that no
// rule opens. Port 0 and the usual ports need not be named.
func Hint(name string, port uint16, write bool) string {
	if reach.Closed(name) {
		return ""
	}
	h := policy.Host{Name: name}
	if port != 0 && port != 443 && port != 80 {
		h.Port = port
	}
	if write {
		return "bailey allow '" + h.String() + ": write'"
	}
	if s := h.String(); !strings.ContainsAny(s, "*[]") {
		return "bailey allow " + s
	}
	return "bailey allow '" + h.String() + "'"
}
