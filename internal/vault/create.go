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
	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/store"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// Create makes a vault in dir ($BAILEY_HOME/vault) with a new root key, sealed
// by each of seals, and returns it unlocked. ErrExists when there is anything
// of a vault in dir, or when log already has records.
//
// It is made in a directory beside dir, which is then renamed, so that a crash
// leaves either no vault or a whole one; its audit log may then lack its
// beginning, which Make prevents.
func Create(ctx context.Context, dir string, log Log, c Caller, seals ...Sealer) (*Vault, error) {
	root, err := newRoot()
	if err != nil {
		return nil, err
	}
	defer clear(root)
	return createWith(ctx, dir, log, c, root, seals)
}

func createWith(ctx context.Context, dir string, log Log, c Caller, root []byte, seals []Sealer) (*Vault, error) {
	if err := mayCreate(ctx, dir, log, c, seals); err != nil {
		return nil, err
	}
	if err := build(ctx, dir, root, seals); err != nil {
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

func mayCreate(ctx context.Context, dir string, log Log, c Caller, seals []Sealer) error {
	kinds := map[string]bool{}
	for _, s := range seals {
		if !tree.ValidSlug(s.Kind()) || kinds[s.Kind()] {
			return fault.New(ErrInvalid, "a vault cannot have two root keys sealed as %q", s.Kind())
		}
		kinds[s.Kind()] = true
	}
	switch {
	case log == nil:
		return fault.New(ErrUnavailable, "a vault is not made without an audit log")
	case len(seals) == 0:
		return fault.New(ErrInvalid, "a vault needs a passphrase or another way to open it")
	case c.Actor == "":
		return errNoActor
	}
	if entries, err := os.ReadDir(dir); len(entries) > 0 {
		return fault.New(ErrExists, "there is a vault in %s, or what is left of one", dir)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	head, err := log.Head(ctx)
	if err != nil {
		return fault.Audit(err)
	}
	if head.Seq != 0 {
		return &Error{Kind: ErrExists, Text: fmt.Sprintf("the audit log has %d records of another vault", head.Seq),
			Hint: "move the audit directory away; it may be needed to see what happened to that vault"}
	}
	return nil
}

// build makes the files of a new vault.
func build(ctx context.Context, dir string, root []byte, seals []Sealer) (err error) {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, ".vault-*") // 0700
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(tmp)
		}
	}()
	hashes := map[string][]byte{}
	for _, s := range seals {
		sealed, err := s.Seal(bytes.Clone(root))
		if err != nil {
			return fmt.Errorf("sealing the root key (%s): %w", s.Kind(), err)
		}
		if err := writeFile(tmp, s.Kind()+sealExt, sealed); err != nil {
			return err
		}
		hashes[s.Kind()] = hashOf(sealed)
	}
	if err := buildDB(ctx, tmp, root, hashes); err != nil {
		return fault.Explain(err)
	}
	if err := errors.Join(syncFile(filepath.Join(tmp, store.FileName)), syncDir(tmp)); err != nil {
		return err
	}
	_ = os.Remove(dir) // if it is there, it is empty
	if err := os.Rename(tmp, dir); err != nil {
		return err
	}
	return syncDir(parent)
}

// buildDB makes a database with no record and an anchor that says so.
func buildDB(ctx context.Context, dir string, root []byte, seals map[string][]byte) error {
	id, err := ledger.NewUUID()
	if err != nil {
		return err
	}
	db, err := store.Create(ctx, dir)
	if err != nil {
		return err
	}
	k, err := newKeys(db, id, bytes.Clone(root))
	if err != nil {
		return err
	}
	defer k.wipe()
	err = k.ledger.Init(ctx, ledger.Public{Format: 1, ID: ledger.IDOf(id), Created: time.Now().UnixMilli(), Seals: seals})
	return errors.Join(err, db.Close())
}
