package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/disk"
	"github.com/bailey-project/bailey/internal/vault/fault"
)

// Names beside the vault's directory.
const (
	stageName = ".making" // a vault and its audit log until both are whole
	lockName  = ".making.lock"
)

// Dirs are the directories of a vault and of its audit log, on one file system.
type Dirs struct{ Vault, Audit string }

func (d Dirs) stage() Dirs {
	stage := filepath.Join(filepath.Dir(d.Vault), stageName)
	return Dirs{filepath.Join(stage, "vault"), filepath.Join(stage, "audit")}
}

// lock is held by whoever makes a vault or begins a new audit log.
func (d Dirs) lock() string { return filepath.Join(filepath.Dir(d.Vault), lockName) }

// Make makes a vault with a new root key, sealed by each of seals, together
// with the beginning of its audit log, and returns both open. Whenever it is
// interrupted, there is a whole vault with its log or none; what it left is
// cleared away by the next one. ErrExists when there is anything of a vault,
// or the audit log of one.
func Make(ctx context.Context, at Dirs, c Caller, seals ...Sealer) (*Vault, *audit.Log, error) {
	unlock, err := disk.Lock(at.lock())
	if err != nil {
		return nil, nil, err
	}
	defer unlock()
	stage := at.stage()
	if err := sweep(at, stage); err != nil {
		return nil, nil, err
	}
	if err := vacate(ctx, at); err != nil {
		return nil, nil, err
	}
	root, err := newRoot()
	if err != nil {
		return nil, nil, err
	}
	defer clear(root)
	if err := makeIn(ctx, stage, c, root, seals); err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(filepath.Dir(stage.Vault)))
	}
	if err := install(at, stage); err != nil {
		return nil, nil, err
	}
	return enter(ctx, at, root)
}

// makeIn makes vault and log in a directory of their own.
func makeIn(ctx context.Context, stage Dirs, c Caller, root []byte, seals []Sealer) error {
	log, err := audit.Open(stage.Audit)
	if err != nil {
		return err
	}
	v, err := create(ctx, stage.Vault, log, c, root, seals)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	return errors.Join(v.Close(), log.Close())
}

// install gives both their places, the vault last: before that there is none.
func install(at, stage Dirs) error {
	if err := os.MkdirAll(filepath.Dir(at.Audit), 0o700); err != nil {
		return err
	}
	if err := disk.Move(stage.Audit, at.Audit); err != nil {
		return err
	}
	_ = os.Remove(at.Vault) // if it is there, it is empty
	if err := disk.Move(stage.Vault, at.Vault); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Dir(stage.Vault))
}

func enter(ctx context.Context, at Dirs, root []byte) (*Vault, *audit.Log, error) {
	log, err := audit.Open(at.Audit)
	if err != nil {
		return nil, nil, err
	}
	v, err := openWith(ctx, at.Vault, log, bytes.Clone(root))
	if err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	return v, log, nil
}

// sweep clears away what an interrupted Make left. An audit log that was in
// its place already, while its vault was not, goes too: of that vault nobody
// ever had anything.
func sweep(at, stage Dirs) error {
	if disk.IsDir(stage.Vault) && !disk.IsDir(stage.Audit) && disk.IsDir(at.Audit) && !Exists(at.Vault) {
		if err := os.Rename(at.Audit, stage.Audit); err != nil {
			return err
		}
	}
	// The vault first: without it, the log in the stage means nothing.
	return errors.Join(os.RemoveAll(stage.Vault), os.RemoveAll(filepath.Dir(stage.Vault)))
}

// vacate makes sure that the two places are free. A log without a record is
// no log yet.
func vacate(ctx context.Context, at Dirs) error {
	if entries, err := os.ReadDir(at.Vault); len(entries) > 0 {
		return fault.New(ErrExists, "there is a vault in %s, or what is left of one", at.Vault)
	} else if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if !disk.IsDir(at.Audit) {
		return nil
	}
	log, err := audit.Open(at.Audit)
	if err != nil {
		return err
	}
	head, err := log.Head(ctx)
	if cerr := log.Close(); err == nil {
		err = cerr
	}
	switch {
	case errors.Is(err, audit.ErrTampered):
		return otherLog(at.Audit, "what is left of another vault's audit log")
	case err != nil:
		return fault.Audit(err)
	case head.Seq != 0:
		return otherLog(at.Audit, fmt.Sprintf("the audit log of another vault, with %d records", head.Seq))
	}
	return os.RemoveAll(at.Audit)
}

func otherLog(dir, what string) error {
	return &Error{Kind: ErrExists, Text: fmt.Sprintf("there is no vault, but in %s is %s", dir, what),
		Hint: "restore the vault directory beside it from a backup; to begin with a new vault, move " + dir + " away:\n" +
			"it may be needed to see what happened to the old one"}
}
