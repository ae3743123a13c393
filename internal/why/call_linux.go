package why

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/sandbox/seccomp"
)

// Call answers for a system call, by its name.
func (m *Map) Call(name string) Answer {
	a := Answer{Subject: name, Kind: Syscall, Session: m.Session, Layer: "seccomp", Decision: "allowed",
		Reason: "no row of the filter names it", Change: "nothing needs to, if it is a call of this kernel"}
	rows := slices.DeleteFunc(seccomp.Table(), func(r seccomp.Row) bool { return r.Name != name })
	if len(rows) == 0 {
		return a
	}
	a.Decision, a.Change = "limited", "nothing: the filter is the same for every session"
	var answers, reasons []string
	for _, r := range rows {
		answer := "killed"
		if r.Then.Errno != 0 {
			answer = unix.ErrnoName(r.Then.Errno)
		}
		if len(r.When) == 0 {
			a.Decision = "denied"
		} else {
			answer += " for some arguments"
		}
		answers, reasons = add(answers, answer), add(reasons, r.Why)
	}
	a.Rule, a.Reason = strings.Join(answers, ", "), strings.Join(reasons, "; ")
	return a
}

func add(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}
