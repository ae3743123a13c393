package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/seals"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// Unlock opens the root key and checks the vault against the audit log.
// ErrDenied for a wrong passphrase, ErrTampered when anything does not fit.
func (v *Vault) Unlock(ctx context.Context, c Caller, o Opener) error {
	return v.unlock(ctx, c, o, v.check)
}

// Readmit is Unlock for a vault whose audit log is lost or damaged beyond use:
// with the old log moved away, it begins a new one, whose first record says
// why, and how many records the vault knew of the old. ErrExists when the log
// that the vault was opened with is not new. The database must be whole.
func (v *Vault) Readmit(ctx context.Context, c Caller, o Opener, why string) error {
	head, err := v.log.Head(ctx)
	if err != nil {
		return fault.Audit(err)
	}
	if head.Seq != 0 {
		return fault.New(ErrExists, "the audit log has %d records; a new one has to begin", head.Seq)
	}
	return v.unlock(ctx, c, o, func(ctx context.Context) error { return v.checkAnew(ctx, c, why) })
}

func (v *Vault) unlock(ctx context.Context, c Caller, o Opener, check func(context.Context) error) error {
	if c.Actor == "" {
		return errNoActor
	}
	e := c.event("vault.unlock")
	e.Outcome, e.Detail = audit.OutcomeIntent, o.Kind()
	// A log that has not begun yet is the one of a vault whose creation was
	// interrupted, or it is gone: admit tells the two apart.
	if _, err := v.log.AppendSync(ctx, e); err != nil && !errors.Is(err, audit.ErrLocked) && !errors.Is(err, audit.ErrTampered) {
		return fault.Audit(err)
	}
	k, err := v.unseal(ctx, o)
	if err == nil {
		v.mu.Lock()
		defer v.mu.Unlock()
		err = v.admit(ctx, k, check)
	}
	e.Outcome = audit.OutcomeDone
	if err != nil {
		e.Outcome, e.Detail = audit.OutcomeDenied, fault.Kind(err)
	}
	if _, aerr := v.log.AppendSync(ctx, e); aerr != nil && err == nil {
		v.lock()
		return fault.Audit(aerr)
	}
	if err == nil {
		v.anchorSoon()
	}
	return err
}

// unseal opens the sealed root key of o's kind. It takes long and holds no lock.
func (v *Vault) unseal(ctx context.Context, o Opener) (*keys, error) {
	sealed, err := seals.Read(ctx, v.dir, o.Kind(), v.known)
	if err != nil {
		return nil, err
	}
	root, err := o.Open(sealed)
	if err != nil {
		return nil, &Error{Kind: ErrDenied, Text: "the " + o.Kind() + " does not open the vault", Err: err}
	}
	return v.newKeys(ctx, root)
}

// Opens says whether o opens the vault, which it leaves as it is: nil, or
// ErrDenied, or ErrTampered.
func (v *Vault) Opens(ctx context.Context, o Opener) error {
	k, err := v.unseal(ctx, o)
	if err == nil {
		k.wipe()
	}
	return err
}

// known are the hashes of the sealed root keys, see seals.Known.
func (v *Vault) known(ctx context.Context) (map[string][]byte, error) {
	p, err := v.public(ctx)
	return p.Seals, err
}

// keys are what an unlocked vault has.
type keys struct {
	root   *envelope.Key
	origin *envelope.Key // the first root key: root itself until that is rotated
	ledger *ledger.Ledger
	audit  audit.Keys
}

func (v *Vault) newKeys(ctx context.Context, root []byte) (*keys, error) {
	p, err := v.public(ctx)
	if err != nil {
		return nil, err
	}
	id, _ := ledger.ParseID(p.ID)
	return newKeys(ctx, v.db, id, root)
}

// newKeys moves root into locked memory, wipes it, and derives the other keys.
func newKeys(ctx context.Context, db *store.DB, vault ledger.UUID, root []byte) (*keys, error) {
	key, err := envelope.NewKey(root)
	if err != nil {
		return nil, err
	}
	k := &keys{root: key, origin: key}
	top, err := key.Derive(purposeTop)
	if err != nil {
		return nil, err
	}
	k.ledger = ledger.New(db, vault, top)
	clear(top[:])
	first, err := k.ledger.Origin(ctx)
	if err == nil && first != nil {
		k.origin, err = envelope.NewKey(first)
	}
	if err == nil {
		k.audit.Start, err = k.origin.Derive("bailey audit 1 start")
	}
	if err == nil {
		k.audit.Seal, err = k.origin.Derive("bailey audit 1 seal")
	}
	if err != nil {
		k.wipe()
		return nil, err
	}
	return k, nil
}

const purposeTop = "bailey vault 1 top"

func (k *keys) wipe() {
	_ = k.root.Close()
	if k.origin != nil {
		_ = k.origin.Close()
	}
	k.ledger.Wipe()
	k.audit = audit.Keys{}
}

// admit unlocks the vault with k if check agrees. v.mu is held; when it fails,
// the vault is locked.
func (v *Vault) admit(ctx context.Context, k *keys, check func(context.Context) error) error {
	v.lock()
	v.keys = k
	err := check(ctx)
	if err != nil {
		v.lock()
	}
	return err
}

// check reads the database and holds it against the audit log.
func (v *Vault) check(ctx context.Context) error {
	state, head, err := v.state(ctx)
	if err != nil {
		return err
	}
	tail, err := v.log.Unlock(ctx, v.keys.audit, head)
	if err != nil {
		return fault.Audit(err)
	}
	if compare(state, tail) == nil {
		return nil
	}
	// Another process may have written between the two looks.
	if state, _, err = v.state(ctx); err != nil {
		return err
	}
	return compare(state, tail)
}

// checkAnew reads the database and begins a new audit log.
func (v *Vault) checkAnew(ctx context.Context, c Caller, why string) error {
	_, old, err := v.state(ctx)
	if err != nil {
		return err
	}
	if _, err := v.log.Unlock(ctx, v.keys.audit, audit.Head{}); err != nil {
		return fault.Audit(err)
	}
	e := c.event("audit.begin")
	e.Outcome, e.Detail = audit.OutcomeDone, fmt.Sprintf("the vault knew %d records of a log before this one: %s", old.Seq, why)
	if _, err := v.log.AppendSync(ctx, e); err != nil {
		return fault.Audit(err)
	}
	head, err := v.log.Head(ctx)
	if err != nil {
		return fault.Audit(err)
	}
	return v.keys.ledger.ReplaceHead(ctx, head)
}

func (v *Vault) state(ctx context.Context) (s ledger.State, head audit.Head, err error) {
	err = v.keys.ledger.View(ctx, func(w *ledger.View) error {
		s, head = w.State(), w.Head()
		return nil
	})
	return s, head, err
}

// compare finds a change that the audit log says was made and the database
// does not have: then the database is older than the log.
func compare(state ledger.State, tail []audit.Record) error {
	for _, r := range tail {
		counter, ok := ledger.ParseCounter(r.State)
		if !ok || r.Outcome != audit.OutcomeDone || r.Locked {
			continue
		}
		if counter > state.Counter {
			return olderVault("vault.db is older than the audit log: record %d (%s) made change %d, the vault is at change %d",
				r.Seq, r.Action, counter, state.Counter)
		}
		if counter == state.Counter && r.State != state.String() {
			return olderVault("vault.db does not hold the change %d that audit record %d (%s) made", counter, r.Seq, r.Action)
		}
	}
	return nil
}

// olderVault is what is said of a database that was put back.
func olderVault(format string, args ...any) error {
	return &Error{Kind: ErrTampered, Text: fmt.Sprintf(format, args...), Hint: fault.HintLog}
}
