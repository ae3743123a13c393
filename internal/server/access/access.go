// Package access decides what a caller of the API may do: from the roles that
// he was given, in the rules of the dialect.
//
// It asks no vault, reads no request and lets nobody in. Its invariants: what no
// rule allows is denied; the last rule that speaks of a thing decides; and a
// condition that it does not understand makes no rule.
package access

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Thing is what somebody wants to do something to. For a subject that is the
// project's as a whole, only Subject counts.
type Thing struct {
	Subject     string // "secrets", "secret-folders", "environments" …
	Environment string
	Path        string
	Name        string
	Tags        []string // slugs

	// Some asks whether anything at all in that environment and folder would
	// be allowed: conditions on name and tags are left open.
	Some bool
}

// Rule allows or, inverted, denies.
type Rule struct {
	Subject    string
	Actions    []string
	Inverted   bool
	Conditions []Condition // all must hold
}

// Condition on one property of a thing.
type Condition struct {
	Field    string // environment, secretPath, secretName, secretTags
	Operator string // $eq, $ne, $in, $glob, $all
	Values   []string
}

// anySubject and manage are the words for everything.
const (
	anySubject = "all"
	manage     = "manage"
)

// Rules are the rules of one caller in one project, in their order.
type Rules []Rule

// May says whether action is allowed on t.
func (rs Rules) May(action string, t Thing) bool {
	for _, r := range slices.Backward(rs) {
		if r.speaks(action, t) {
			return !r.Inverted
		}
	}
	return false
}

// Union allows what any of several sets of rules allows: those of several roles.
type Union []Rules

// May says whether action is allowed on t by one of them.
func (u Union) May(action string, t Thing) bool {
	return slices.ContainsFunc(u, func(rs Rules) bool { return rs.May(action, t) })
}

func (r Rule) speaks(action string, t Thing) bool {
	if r.Subject != t.Subject && r.Subject != anySubject || !covers(r.Actions, action) {
		return false
	}
	for _, c := range r.Conditions {
		if c.open() && t.Some {
			if r.Inverted {
				return false // it denies some, not all
			}
			continue
		}
		if !c.holds(t) {
			return false
		}
	}
	return true
}

// covers knows that "read" on secrets is both of its halves.
func covers(actions []string, action string) bool {
	return slices.ContainsFunc(actions, func(a string) bool {
		return a == action || a == manage || a == "read" && (action == "describeSecret" || action == "readValue")
	})
}

// open conditions are those that Some leaves open.
func (c Condition) open() bool { return c.Field == "secretName" || c.Field == "secretTags" }

func (c Condition) holds(t Thing) bool {
	var have []string
	switch c.Field {
	case "environment":
		have = []string{t.Environment}
	case "secretPath":
		have = []string{path.Join("/", t.Path)}
	case "secretName":
		have = []string{t.Name}
	case "secretTags":
		have = t.Tags
	}
	any := func(match func(string) bool) bool { return slices.ContainsFunc(have, match) }
	switch c.Operator {
	case "$eq", "$in":
		return any(func(s string) bool { return slices.Contains(c.Values, s) })
	case "$ne":
		return !any(func(s string) bool { return slices.Contains(c.Values, s) })
	case "$glob":
		return any(func(s string) bool { return Glob(c.Values[0], s) })
	case "$all":
		return !slices.ContainsFunc(c.Values, func(v string) bool { return !slices.Contains(have, v) })
	}
	return false
}

// Glob matches a path: * stays within a folder, ** does not, and what ends in
// /** matches that folder itself, too.
func Glob(pattern, s string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/**"); ok && path.Join("/", dir) == s {
		return true
	}
	return glob(pattern, s)
}

// glob goes back to the last ** and within it to the last *, so that it takes
// at most pattern × text steps.
func glob(p, s string) bool {
	reach := map[int]bool{0: true} // places in s that the pattern so far can have reached
	for p != "" && len(reach) > 0 {
		next := map[int]bool{}
		var one func(i int)
		switch {
		case strings.HasPrefix(p, "**"):
			p = strings.TrimLeft(p, "*")
			least := len(s) + 1
			for i := range reach {
				least = min(least, i)
			}
			for i := least; i <= len(s); i++ {
				next[i] = true
			}
			reach = next
			continue
		case p[0] == '*':
			one = func(i int) {
				for ; ; i++ {
					next[i] = true
					if i >= len(s) || s[i] == '/' {
						return
					}
				}
			}
		default:
			one = func(i int) {
				if i < len(s) && (s[i] == p[0] || p[0] == '?' && s[i] != '/') {
					next[i+1] = true
				}
			}
		}
		for i := range reach {
			one(i)
		}
		p, reach = p[1:], next
	}
	return p == "" && reach[len(s)]
}

// Parse reads the permissions of a role in the dialect: v1 has one action and
// plain values, v2 lists, operators and inversion.
func Parse(raw json.RawMessage) (Rules, error) {
	var list []struct {
		Subject    json.RawMessage            `json:"subject"`
		Action     json.RawMessage            `json:"action"`
		Inverted   bool                       `json:"inverted"`
		Conditions map[string]json.RawMessage `json:"conditions"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("permissions are not a list of rules")
	}
	out := make(Rules, 0, len(list))
	for i, p := range list {
		subjects, err := words(p.Subject)
		if err != nil || len(subjects) == 0 {
			return nil, fmt.Errorf("permission %d has no subject", i+1)
		}
		r := Rule{Inverted: p.Inverted}
		if r.Actions, err = words(p.Action); err != nil || len(r.Actions) == 0 {
			return nil, fmt.Errorf("permission %d has no action", i+1)
		}
		for field, raw := range p.Conditions {
			cs, err := conditions(field, raw)
			if err != nil {
				return nil, fmt.Errorf("permission %d: %w", i+1, err)
			}
			r.Conditions = append(r.Conditions, cs...)
		}
		for _, r.Subject = range subjects {
			out = append(out, r)
		}
	}
	return out, nil
}

// words reads a string or a list of strings.
func words(raw json.RawMessage) (out []string, err error) {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	err = json.Unmarshal(raw, &out)
	return out, err
}

func conditions(field string, raw json.RawMessage) ([]Condition, error) {
	if !slices.Contains([]string{"environment", "secretPath", "secretName", "secretTags"}, field) {
		return nil, fmt.Errorf("there is no condition on %q", field)
	}
	var plain string
	if json.Unmarshal(raw, &plain) == nil {
		return []Condition{{field, "$eq", []string{plain}}}, nil
	}
	var ops map[string]json.RawMessage
	if err := json.Unmarshal(raw, &ops); err != nil || len(ops) == 0 {
		return nil, fmt.Errorf("the condition on %s is neither a value nor operators", field)
	}
	var out []Condition
	for op, v := range ops {
		values, err := words(v)
		switch {
		case !slices.Contains([]string{"$eq", "$ne", "$in", "$glob", "$all"}, op):
			return nil, fmt.Errorf("the condition on %s has an operator %q, which is not known", field, op)
		case err != nil || len(values) == 0, op == "$glob" && len(values) != 1:
			return nil, fmt.Errorf("the condition on %s: %s has no value", field, op)
		}
		if field == "secretPath" && op != "$glob" {
			for i := range values {
				values[i] = path.Join("/", values[i])
			}
		}
		out = append(out, Condition{field, op, values})
	}
	return out, nil
}
