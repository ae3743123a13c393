package session

import (
	"fmt"
	"slices"
	"strings"
)

// Refusal is something that a session was refused, however often it asked.
type Refusal struct {
	What  string `json:"what"`
	Allow string `json:"allow,omitempty"` // the command that would open it
}

const (
	// maxRefused bounds how many different refusals are kept: a program can
	// make up names without end.
	maxRefused = 1000
	// maxTold is how many of them are shown at the end.
	maxTold = 10
	// scrolled is from how many refusals on those told at once are told again.
	scrolled = 4
)

// refuse keeps a refusal, once.
func (r *record) refuse(what, allow string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := slices.ContainsFunc(r.refused, func(x Refusal) bool { return x.What == what })
	if !known && len(r.refused) < maxRefused {
		r.refused = append(r.refused, Refusal{what, allow})
	}
}

// refusals are those so far, in the order of their first time.
func (r *record) refusals() []Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Refusal(nil), r.refused...)
}

// tellRefused lists at the end what was refused and what would allow it: on a
// terminal the program drew over what was told at the time.
func (s *Session) tellRefused() {
	all := s.record.refusals()
	if s.opts.Quiet || len(all) == 0 || s.terminal.Load() == nil && len(all) < scrolled {
		return
	}
	var lines, allow []string
	for _, r := range all[:min(len(all), maxTold)] {
		lines = append(lines, r.What)
		if r.Allow != "" && !slices.Contains(allow, r.Allow) {
			allow = append(allow, r.Allow)
		}
	}
	if more := len(all) - maxTold; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more: bailey session log %s", more, s.ID))
	}
	s.opts.Term.Notef("refused in this session:\n%s", strings.Join(lines, "\n"))
	if len(allow) > 0 {
		s.opts.Term.Hintf("to allow it in this project:\n%s", strings.Join(allow, "\n"))
	}
}
