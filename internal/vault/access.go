package vault

import (
	"context"
	"errors"
	"time"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

var (
	errLocked  = &Error{Kind: ErrLocked, Text: "the vault is locked"}
	errNoActor = &Error{Kind: ErrInvalid, Text: "the caller has no name"}
)

// anchorTime is how long records may stay out of the anchor.
const anchorTime = time.Second

func (c Caller) event(action string) audit.Event {
	return audit.Event{Actor: c.Actor, Session: c.Session, Pid: c.Pid, Action: action}
}

// note puts into e where the question led, in the vault's own words if it got
// that far.
func note(e *audit.Event, at Place) {
	if at.Project != "" {
		e.Project, e.Environment, e.Path = at.Project, at.Environment, at.Path
	}
}

// view runs fn on the present state; v.mu is held.
func (v *Vault) view(ctx context.Context, fn func(*tree.Reader) error) error {
	if v.keys == nil {
		return errLocked
	}
	err := v.keys.ledger.View(ctx, func(w *ledger.View) error { return fn(tree.NewReader(w)) })
	v.outdated(err)
	return err
}

// outdated locks a vault whose keys another process has changed; v.mu is held.
func (v *Vault) outdated(err error) {
	if errors.Is(err, ErrLocked) {
		v.lock()
	}
}

// read runs fn and records the access before the answer goes out; without a
// record there is no answer. fn may add to e.
func (v *Vault) read(ctx context.Context, e *audit.Event, fn func(*tree.Reader) error) error {
	if e.Actor == "" {
		return errNoActor
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	err := v.view(ctx, func(w *tree.Reader) error {
		err := fn(w)
		note(e, w.At)
		e.Count = max(e.Count, w.Count)
		return err
	})
	return v.record(ctx, e, err)
}

// write runs fn in a transaction: first the intent is on disk in the audit log,
// with the state that will be reached; then the change; then the outcome.
func (v *Vault) write(ctx context.Context, e *audit.Event, fn func(*tree.Writer) error) error {
	return v.change(ctx, e, func(c *ledger.Change) error {
		w := tree.NewWriter(c, e.Actor)
		err := fn(w)
		note(e, w.At)
		e.Count = max(e.Count, w.Count)
		return err
	})
}

func (v *Vault) change(ctx context.Context, e *audit.Event, fn func(*ledger.Change) error) error {
	if e.Actor == "" {
		return errNoActor
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.changeHeld(ctx, e, fn)
}

// changeHeld is change for whoever holds v.mu.
func (v *Vault) changeHeld(ctx context.Context, e *audit.Event, fn func(*ledger.Change) error) error {
	if v.keys == nil {
		return v.record(ctx, e, errLocked)
	}
	err := v.keys.ledger.Change(ctx, fn, func(s ledger.State) (audit.Head, error) {
		e.Outcome, e.State = audit.OutcomeIntent, s.String()
		if _, err := v.log.AppendSync(ctx, *e); err != nil {
			return audit.Head{}, fault.Audit(err)
		}
		head, err := v.log.Head(ctx)
		return head, fault.Audit(err)
	})
	if errors.Is(err, ledger.ErrUnchanged) {
		err, e.Detail = nil, "unchanged"
	}
	v.outdated(err)
	return v.record(ctx, e, err)
}

// record appends e with the outcome that err stands for, and returns err, or
// what kept the record from being written.
func (v *Vault) record(ctx context.Context, e *audit.Event, err error) error {
	e.Outcome = audit.OutcomeDone
	if err != nil {
		e.Outcome, e.State, e.Detail = audit.OutcomeFailed, "", fault.Kind(err)
	}
	// The record must be there even when the one who asked has gone.
	_, aerr := v.log.Append(context.WithoutCancel(ctx), *e)
	switch {
	case aerr == nil:
		v.anchorSoon()
	case !errors.Is(err, ErrTampered): // which says more
		return fault.Audit(aerr)
	}
	return err
}

// anchorSoon has the end of the audit log sealed into the vault within
// anchorTime; v.mu is held.
func (v *Vault) anchorSoon() {
	v.unanchored = true
	if v.timer != nil || v.keys == nil {
		return
	}
	v.timer = time.AfterFunc(anchorTime, func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.timer = nil
		_ = v.reanchor(context.Background()) // the next one tries again
	})
}

// reanchor seals the present end of the audit log into the vault, so that what
// was recorded since the last change cannot be cut off unnoticed. v.mu is held.
func (v *Vault) reanchor(ctx context.Context) error {
	if v.keys == nil || !v.unanchored {
		return nil
	}
	head, err := v.log.Head(ctx)
	if err != nil {
		return fault.Audit(err)
	}
	if err := v.keys.ledger.SetHead(ctx, head); err != nil {
		return err
	}
	v.unanchored = false
	return nil
}

// Question says what is asked, for the audit record.
type Question struct {
	Action string // noun.verb
	Place  Place
	Name   string // of a secret or whatever else
	Detail string
}

func (q Question) event(c Caller) audit.Event {
	e := c.in(q.Action, q.Place)
	e.Name, e.Detail = q.Name, q.Detail
	return e
}

// Read runs fn on the present state for one of the packages beside this one,
// and records the access before fn's answer goes out. fn must change nothing
// but its answer: it may be called for nothing.
func Read[T any](ctx context.Context, v *Vault, c Caller, q Question, fn func(*tree.Reader) (T, error)) (out T, err error) {
	e := q.event(c)
	err = v.read(ctx, &e, func(w *tree.Reader) error { out, err = fn(w); return err })
	return only(out, err)
}

// Write is Read for changes: all of fn's or none.
func Write[T any](ctx context.Context, v *Vault, c Caller, q Question, fn func(*tree.Writer) (T, error)) (out T, err error) {
	e := q.event(c)
	err = v.write(ctx, &e, func(w *tree.Writer) error { out, err = fn(w); return err })
	return only(out, err)
}

// Look runs fn unrecorded, for what has to be known before there is a Caller:
// who somebody is. fn's answer must not leave, nor hold a value.
func Look[T any](ctx context.Context, v *Vault, fn func(*tree.Reader) (T, error)) (out T, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	err = v.view(ctx, func(w *tree.Reader) error { out, err = fn(w); return err })
	return only(out, err)
}

// Refused records that somebody was not let in.
func (v *Vault) Refused(ctx context.Context, c Caller, action, detail string) {
	e := c.event(action)
	e.Outcome, e.Detail = audit.OutcomeDenied, detail
	if _, err := v.log.Append(context.WithoutCancel(ctx), e); err == nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.anchorSoon()
	}
}

// only drops the answer when there is an error: it may be incomplete, or
// unrecorded.
func only[T any](out T, err error) (T, error) {
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}
