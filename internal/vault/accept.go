package vault

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/disk"
	"github.com/bailey-project/bailey/internal/vault/fault"
)

// Accepted says what Accept found and did.
type Accepted struct {
	Problem string    // what is wrong with the audit log
	Known   audit.Seq // how many records the vault knows of
	Kept    string    // where the damaged log is now; empty when it was only looked at
}

// Accept goes on without an audit log that was cut or changed: it puts it
// aside and begins a new one, whose first record says for ever what was wrong
// with the old. Without really it only says what is wrong. ErrInvalid when
// nothing is; ErrTampered when the vault itself is damaged, which cannot be
// accepted. No other vault of this process may be open on the directories.
func Accept(ctx context.Context, at Dirs, c Caller, o Opener, really bool) (Accepted, error) {
	unlock, err := disk.Lock(at.lock())
	if err != nil {
		return Accepted{}, err
	}
	defer unlock()
	out, err := diagnose(ctx, at, c, o)
	if err != nil || !really {
		return out, err
	}
	stage := at.stage()
	if err := sweep(at, stage); err != nil {
		return out, err
	}
	kept := at.Audit + ".broken-" + time.Now().UTC().Format("20060102-150405.000000")
	why := out.Problem
	if disk.IsDir(at.Audit) {
		why += "; it is kept in " + filepath.Base(kept)
	}
	if err := beginAnew(ctx, Dirs{at.Vault, stage.Audit}, c, o, why); err != nil {
		return out, errors.Join(err, os.RemoveAll(filepath.Dir(stage.Audit)))
	}
	if disk.IsDir(at.Audit) {
		if err := disk.Move(at.Audit, kept); err != nil {
			return out, err
		}
		out.Kept = kept
	}
	return out, errors.Join(disk.Move(stage.Audit, at.Audit), os.RemoveAll(filepath.Dir(stage.Audit)))
}

// diagnose unlocks the vault to learn why that does not go.
func diagnose(ctx context.Context, at Dirs, c Caller, o Opener) (out Accepted, err error) {
	log, err := audit.Open(at.Audit)
	if err != nil {
		return out, err
	}
	defer log.Close()
	v, err := Open(ctx, at.Vault, log)
	if err != nil {
		return out, err
	}
	defer v.Close()
	k, err := v.unseal(ctx, o)
	if err != nil {
		return out, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	err = v.admit(ctx, k, func(ctx context.Context) error {
		_, head, err := v.state(ctx)
		if err != nil {
			return err // of the vault, not of the log
		}
		out.Known = head.Seq
		err = v.check(ctx)
		if err == nil {
			return fault.New(ErrInvalid, "the audit log is whole: there is nothing to accept")
		}
		if !errors.Is(err, ErrTampered) {
			return err
		}
		out.Problem = err.Error()
		return nil
	})
	return out, err
}

// beginAnew has the vault admit a new log.
func beginAnew(ctx context.Context, at Dirs, c Caller, o Opener, why string) error {
	log, err := audit.Open(at.Audit)
	if err != nil {
		return err
	}
	v, err := Open(ctx, at.Vault, log)
	if err != nil {
		return errors.Join(err, log.Close())
	}
	err = v.Readmit(ctx, c, o, why)
	return errors.Join(err, v.Close(), log.Close())
}
