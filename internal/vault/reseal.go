package vault

import (
	"context"

	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/store"
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
	key, hash := metaSeal+s.Kind(), hashOf(sealed)
	e := c.event("vault.reseal")
	e.Detail = s.Kind()
	// Both files are known while one replaces the other, so that a crash in
	// between leaves a vault that opens.
	err = v.change(ctx, &e, func(w *ledger.Change) error {
		known, err := w.Meta(key)
		if err != nil {
			return err
		}
		return w.SetMeta(key, append(known, hash...))
	})
	if err != nil {
		return err
	}
	if err := writeFile(v.dir, s.Kind()+sealExt, sealed); err != nil {
		return err
	}
	return fault.Explain(v.db.Update(ctx, func(tx *store.Tx) error { return tx.SetMeta(key, hash) }))
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

// MarkRecoveryVerified notes that a person proved to have the recovery code.
func (v *Vault) MarkRecoveryVerified(ctx context.Context, c Caller) error {
	e := c.event("vault.recovery")
	return v.change(ctx, &e, func(w *ledger.Change) error {
		p, err := w.Public()
		if err != nil {
			return err
		}
		p.RecoveryVerified = w.Now
		return w.SetPublic(p)
	})
}
