package vault

import (
	"context"
	"slices"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/seals"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// Reseal adds or replaces the sealed root key of s.Kind(): a change of
// passphrase or a new recovery code. Whoever has both the old file and the old
// passphrase can still open the vault with them.
func (v *Vault) Reseal(ctx context.Context, c Caller, s Sealer) error {
	if !tree.ValidSlug(s.Kind()) {
		return fault.New(ErrInvalid, "%q is no kind of seal", s.Kind())
	}
	sealed, err := v.reseal(s)
	if err != nil {
		return err
	}
	e := c.event("vault.reseal")
	e.Detail = s.Kind()
	// Both files are known while one replaces the other, so that a crash in
	// between leaves a vault that opens.
	err = v.describe(ctx, &e, func(p *ledger.Public, _ int64) {
		p.Seals[s.Kind()] = append(slices.Clone(p.Seals[s.Kind()]), seals.Hash(sealed)...)
	})
	if err != nil {
		return err
	}
	if err := seals.Write(v.dir, s.Kind(), sealed); err != nil {
		return err
	}
	e = c.event("vault.reseal")
	e.Detail = s.Kind() + " replaced"
	return v.describe(ctx, &e, func(p *ledger.Public, _ int64) { p.Seals[s.Kind()] = seals.Hash(sealed) })
}

// describe changes what can be read of the vault without a key.
func (v *Vault) describe(ctx context.Context, e *audit.Event, fn func(p *ledger.Public, now int64)) error {
	return v.change(ctx, e, func(w *ledger.Change) error {
		p, err := w.Public()
		if err != nil {
			return err
		}
		if p.Seals == nil {
			p.Seals = map[string][]byte{}
		}
		fn(&p, w.Now)
		return w.SetPublic(p)
	})
}

func (v *Vault) reseal(s Sealer) ([]byte, error) {
	v.mu.Lock()
	k := v.keys
	v.mu.Unlock()
	if k == nil {
		return nil, errLocked
	}
	root, err := k.root.Copy()
	if err != nil {
		return nil, fault.Explain(err)
	}
	defer clear(root)
	return s.Seal(root)
}

// MarkRecoveryShown notes that the recovery code was on a person's screen.
func (v *Vault) MarkRecoveryShown(ctx context.Context, c Caller) error {
	e := c.event("vault.recovery")
	e.Detail = "code shown"
	return v.describe(ctx, &e, func(p *ledger.Public, now int64) { p.RecoveryShown = now })
}

// MarkRecoveryVerified notes that a person proved to have the recovery code.
func (v *Vault) MarkRecoveryVerified(ctx context.Context, c Caller) error {
	e := c.event("vault.recovery")
	e.Detail = "code verified"
	return v.describe(ctx, &e, func(p *ledger.Public, now int64) { p.RecoveryShown, p.RecoveryVerified = now, now })
}
