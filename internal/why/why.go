// Package why explains a session: whether a path, a host or a system call is
// open in it, which rule or layer says so, and what would change that.
//
// It decides nothing and enforces nothing: it reads what the session was made
// from. Its invariant: it answers from the very list of mounts, rules and
// filter rows that are in force, and changes nothing by being asked.
package why

import (
	"strings"

	"github.com/bailey-project/bailey/internal/policy"
)

// Kind is what a question is about.
type Kind string

// The kinds of question.
const (
	Path    Kind = "path"
	Host    Kind = "host"
	Syscall Kind = "syscall"
)

// Answer is what is known about one subject.
type Answer struct {
	Subject  string `json:"subject"`
	Kind     Kind   `json:"kind"`
	Decision string `json:"decision"`         // allowed, limited, read-only, private, replaced, hidden, absent, denied
	Layer    string `json:"layer"`            // what enforces it
	Rule     string `json:"rule,omitempty"`   // the rule and where it stands
	Reason   string `json:"reason,omitempty"` // for people
	Change   string `json:"change,omitempty"` // what would change it
	Session  string `json:"session,omitempty"`
}

// Map is all that a session shows and allows. It travels as JSON into the
// sandbox, so it holds nothing that is not to be seen there.
type Map struct {
	Session string  `json:"session,omitempty"` // "" for one that would start
	Root    string  `json:"root"`
	Home    string  `json:"home"`
	Rules   []Rule  `json:"rules"`
	Places  []Place `json:"places"`
	Watched []Name  `json:"watched,omitempty"`
	// Pending are rules of a bailey.yaml that nobody confirmed.
	Pending []Rule `json:"pending,omitempty"`
}

// Rule is an egress rule as a text.
type Rule struct {
	Text   string `json:"rule"`
	Origin string `json:"origin"`
}

// Name is a name in the project that must not appear.
type Name struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Place is one thing that the mount tree holds.
type Place struct {
	Path   string `json:"path"`
	What   string `json:"what"` // a decision of Answer
	Reason string `json:"reason"`
	Link   string `json:"link,omitempty"` // a symbolic link to there
}

// Guess says what a subject most likely is; exists tells whether there is such
// a file.
func Guess(subject string, exists bool) Kind {
	word := strings.Trim(subject, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
	switch {
	case strings.HasPrefix(subject, "/"), strings.HasPrefix(subject, "."), strings.HasPrefix(subject, "~"), exists:
		return Path
	case word && subject != "localhost":
		return Syscall
	case strings.Contains(subject, "/") && !strings.Contains(subject, "://"):
		return Path
	}
	return Host
}

// Texts turns rules into what Map holds.
func Texts(rules []policy.Rule) []Rule {
	list := make([]Rule, len(rules))
	for i, r := range rules {
		list[i] = Rule{r.String(), r.Origin}
	}
	return list
}

// parse is the inverse of Texts; what can't be read is left out.
func parse(list []Rule) []policy.Rule {
	var rules []policy.Rule
	for _, r := range list {
		if rule, err := policy.ParseRule(r.Text, r.Origin); err == nil {
			rules = append(rules, rule)
		}
	}
	return rules
}
