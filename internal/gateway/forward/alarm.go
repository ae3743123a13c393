package forward

import (
	"errors"
	"net/http"
	"strings"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/swap"
)

// alarm reports a stop. What is only unavailable or unfit is no alarm.
func (x *exchange) alarm(s *swap.Stop) {
	e := event.Event{Kind: event.Alarm, Secret: s.Name, Reason: s.Error()}
	if s.Cause == swap.Unavailable || s.Cause == swap.Unfit {
		e.Kind = event.Denied
	}
	if errors.Is(s, ErrLocked) {
		e.Reason, e.Hint = "the vault is locked", "bailey unlock"
	}
	x.event(e)
}

// stopText is what the program is told about a stop.
func (x *exchange) stopText(s *swap.Stop) *refusal {
	r := &refusal{status: http.StatusForbidden, advice: adviceKeys}
	switch s.Cause {
	case swap.Foreign:
		r.reason = "the " + s.Where + " holds the placeholder of " + string(s.Name) + ", which is bound to " + x.hosts(s) + ". The user has been told."
	case swap.Leak:
		r.reason = "the " + s.Where + " holds the real value of " + string(s.Name) + ". Real values never leave; send the placeholder toward its own host instead. The user has been told."
	case swap.Plaintext:
		r.reason = "the " + s.Where + " holds the placeholder of " + string(s.Name) + ", which is never sent without TLS. Use https."
	case swap.ForeignKey:
		r.reason = "the " + s.Where + " carries a key of its own. Toward this host only the placeholder from the environment is accepted."
	case swap.Unavailable:
		r.status, r.reason, r.advice = http.StatusServiceUnavailable, "the value of "+string(s.Name)+" cannot be had right now", adviceWait
		if errors.Is(s, ErrLocked) {
			r.reason, r.advice = "the vault is locked, so "+string(s.Name)+" cannot be put in", adviceLocked
		}
	default:
		r.reason = s.Error()
	}
	return r
}

// hosts names where a stopped placeholder would work.
func (x *exchange) hosts(s *swap.Stop) string {
	var list []string
	for _, b := range x.tables.bindings {
		if b.Name == s.Name {
			for _, h := range b.Hosts {
				list = append(list, h.String())
			}
		}
	}
	if len(list) == 0 {
		return "no host"
	}
	return strings.Join(list, ", ") + " and not to " + x.to.Name
}
