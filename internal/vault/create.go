package vault

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/disk"
	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/seals"
	"github.com/bailey-project/bailey/internal/vault/store"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// create makes a vault in dir, which must not be there, and begins its log.
func create(ctx context.Context, dir string, log Log, c Caller, root []byte, as []Sealer) (*Vault, error) {
	if err := mayCreate(c, as); err != nil {
		return nil, err
	}
	if err := build(ctx, dir, root, as); err != nil {
		return nil, err
	}
	v, err := openWith(ctx, dir, log, bytes.Clone(root))
	if err != nil {
		return nil, err
	}
	if err := v.begin(ctx, c); err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

func newRoot() ([]byte, error) {
	root := make([]byte, envelope.KeySize)
	_, err := rand.Read(root)
	return root, err
}

// openWith opens the vault in dir with its root key, which it wipes.
func openWith(ctx context.Context, dir string, log Log, root []byte) (*Vault, error) {
	v, err := Open(ctx, dir, log)
	if err != nil {
		return nil, err
	}
	k, err := v.newKeys(ctx, root)
	if err == nil {
		v.mu.Lock()
		err = v.admit(ctx, k, v.check)
		v.mu.Unlock()
	}
	if err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// begin writes the first record.
func (v *Vault) begin(ctx context.Context, c Caller) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	e := c.event("vault.create")
	e.Outcome = audit.OutcomeDone
	_, err := v.log.AppendSync(ctx, e)
	v.unanchored = true
	return errors.Join(fault.Audit(err), v.reanchor(ctx))
}

func mayCreate(c Caller, as []Sealer) error {
	kinds := map[string]bool{}
	for _, s := range as {
		if !tree.ValidSlug(s.Kind()) || kinds[s.Kind()] {
			return fault.New(ErrInvalid, "a vault cannot have two root keys sealed as %q", s.Kind())
		}
		kinds[s.Kind()] = true
	}
	switch {
	case len(as) == 0:
		return fault.New(ErrInvalid, "a vault needs a passphrase or another way to open it")
	case c.Actor == "":
		return errNoActor
	}
	return nil
}

// build makes the files of a new vault.
func build(ctx context.Context, dir string, root []byte, as []Sealer) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	hashes := map[string][]byte{}
	for _, s := range as {
		sealed, err := s.Seal(bytes.Clone(root))
		if err != nil {
			return fmt.Errorf("sealing the root key (%s): %w", s.Kind(), err)
		}
		if err := seals.Write(dir, s.Kind(), sealed); err != nil {
			return err
		}
		hashes[s.Kind()] = seals.Hash(sealed)
	}
	if err := buildDB(ctx, dir, root, hashes); err != nil {
		return fault.Explain(err)
	}
	return errors.Join(disk.Sync(filepath.Join(dir, store.FileName)), disk.Sync(dir))
}

// buildDB makes a database with no record and an anchor that says so.
func buildDB(ctx context.Context, dir string, root []byte, hashes map[string][]byte) error {
	id, err := ledger.NewUUID()
	if err != nil {
		return err
	}
	db, err := store.Create(ctx, dir)
	if err != nil {
		return err
	}
	k, err := newKeys(ctx, db, id, bytes.Clone(root))
	if err != nil {
		return err
	}
	defer k.wipe()
	err = k.ledger.Init(ctx, ledger.Public{Format: ledger.Format, ID: ledger.IDOf(id), Created: time.Now().UnixMilli(), Seals: hashes})
	return errors.Join(err, db.Close())
}
