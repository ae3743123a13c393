package vault

import (
	"bytes"
	"context"
	"errors"
	"maps"

	"github.com/bailey-project/bailey/internal/vault/disk"
	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/seals"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// Rotate gives the vault a new root key, sealed by each of as and by nothing
// else, and every project and environment a new data key; all records are
// sealed anew, in one change. The vault stays open. Copies of the database
// from before keep their old keys; what the first root key derived for good,
// the audit log's keys and placeholders, stays as it is. Access tokens end: who
// had the old root key could sign them; client secrets and service tokens stay.
func (v *Vault) Rotate(ctx context.Context, c Caller, as ...Sealer) error {
	if len(as) == 0 {
		return fault.New(ErrInvalid, "a vault needs a passphrase or another way to open it")
	}
	// Two rotations at once would write each other's files.
	unlock, err := disk.Lock(Dirs{Vault: v.dir}.lock())
	if err != nil {
		return err
	}
	defer unlock()
	root, err := newRoot()
	if err != nil {
		return err
	}
	defer clear(root)
	// Sealing takes long and holds no lock. Until the change below is made,
	// these files are nothing.
	hashes, err := v.sealNext(root, as)
	if err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	err = v.rotateHeld(ctx, c, root, hashes)
	ctx = context.WithoutCancel(ctx)
	p, perr := v.public(ctx)
	switch {
	case err == nil:
	case perr != nil: // it is not known which files will be needed: all stay
		return err
	case !sameSeals(p.Seals, hashes):
		seals.DropNext(v.dir)
		return err
	default: // the change was made, and what came after it was not
		v.lock()
	}
	return errors.Join(err, v.finishSeals(ctx))
}

func sameSeals(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }

func (v *Vault) sealNext(root []byte, as []Sealer) (map[string][]byte, error) {
	hashes := map[string][]byte{}
	for _, s := range as {
		if !tree.ValidSlug(s.Kind()) || hashes[s.Kind()] != nil {
			return nil, fault.New(ErrInvalid, "a vault cannot have two root keys sealed as %q", s.Kind())
		}
		sealed, err := s.Seal(bytes.Clone(root))
		if err != nil {
			return nil, err
		}
		if err := seals.WriteNext(v.dir, s.Kind(), sealed); err != nil {
			return nil, err
		}
		hashes[s.Kind()] = seals.Hash(sealed)
	}
	return hashes, nil
}

// rotateHeld changes the database and then the keys at hand; v.mu is held.
func (v *Vault) rotateHeld(ctx context.Context, c Caller, root []byte, hashes map[string][]byte) error {
	if v.keys == nil {
		return errLocked
	}
	key, err := envelope.NewKey(bytes.Clone(root))
	if err != nil {
		return err
	}
	top, err := key.Derive(purposeTop)
	if err != nil {
		return err
	}
	defer clear(top[:])
	e := c.event("vault.rotate")
	err = v.changeHeld(ctx, &e, func(w *ledger.Change) error {
		t := tree.NewWriter(w, c.Actor)
		if err := t.Rotate(); err != nil {
			return err
		}
		if err := t.RotateTop(top); err != nil {
			return err
		}
		first, err := v.keys.origin.Copy()
		if err != nil {
			return err
		}
		defer clear(first)
		if err := w.PutOrigin(first); err != nil {
			return err
		}
		p, err := w.Public()
		if err != nil {
			return err
		}
		p.Seals = hashes
		p.RecoveryShown, p.RecoveryVerified = 0, 0 // whatever code there is, nobody has seen it yet
		return w.SetPublic(p)
	})
	if err != nil {
		_ = key.Close()
		return err
	}
	if v.keys.root != v.keys.origin {
		_ = v.keys.root.Close()
	}
	v.keys.root = key
	return nil
}

// finishSeals is the last step of a rotation, also of one that was interrupted.
func (v *Vault) finishSeals(ctx context.Context) error {
	p, err := v.public(ctx)
	if err != nil {
		return err
	}
	return seals.Finish(v.dir, p.Seals)
}
