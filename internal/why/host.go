package why

import (
	"net/netip"
	"strings"

	"github.com/bailey-project/bailey/internal/policy"
)

// Host answers for a host, with or without a port, or an address of the web.
func (m *Map) Host(text string) (Answer, error) {
	_, rest, ok := strings.Cut(text, "://")
	if ok {
		text, _, _ = strings.Cut(rest, "/")
	}
	h, err := policy.ParseHost(text)
	if err != nil {
		return Answer{}, err
	}
	a := Answer{Subject: h.String(), Kind: Host, Session: m.Session, Layer: "gateway"}
	if ip, err := netip.ParseAddr(h.Name); err == nil && ip.IsLoopback() || h.Name == "localhost" {
		a.Decision, a.Layer = "private", "network namespace"
		a.Reason = "the sandbox has a loopback of its own: its programs reach each other, and none of the host's"
		return a, nil
	}
	port := h.Port
	if port == 0 {
		port = 443
	}
	rule, open := policy.Covers(parse(m.Rules), h.Name, port)
	switch {
	case open:
		a.allow(rule, h)
	case rule.Origin != "":
		a.Decision, a.Rule = "denied", rule.String()+"  "+rule.Origin
		a.Reason, a.Change = "a rule closes it, whatever else opens it", "take the rule out of "+rule.Origin
	default:
		a.Decision, a.Reason, a.Change = "denied", "no rule allows it", command(h)
		if r, ok := policy.Covers(parse(m.Pending), h.Name, port); ok {
			a.Reason = r.Origin + " asks for it and is not confirmed"
			a.Change = "bailey confirm"
		}
	}
	return a, nil
}

func (a *Answer) allow(rule policy.Rule, h policy.Host) {
	a.Decision, a.Rule = "allowed", rule.String()+"  "+rule.Origin
	a.Reason = "for reading: GET, HEAD and git fetch"
	a.Change = "for writing: bailey allow '" + h.String() + ": write'"
	if rule.Access == policy.Write {
		a.Reason, a.Change = "for reading and writing", "take the rule out of "+rule.Origin
		if rule.Origin == "bailey allow" {
			a.Change = "to close it: bailey allow --remove " + h.String()
		}
	}
}

func command(h policy.Host) string {
	if s := h.String(); strings.ContainsAny(s, "*[]") {
		return "bailey allow '" + s + "'"
	}
	return "bailey allow " + h.String()
}
