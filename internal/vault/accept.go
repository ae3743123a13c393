package vault

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/disk"
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
	stage := at.stage()
	if begun(ctx, at, c, o) {
		out := Accepted{Problem: "a new log was begun, and the old one is still in its place"}
		if really {
			err = replace(at, &out, keptName(at))
		}
		return out, err
	}
	out, err := diagnose(ctx, at, c, o)
	if err != nil || !really {
		return out, err
	}
	if err := sweep(at, stage); err != nil {
		return out, err
	}
	kept, why := keptName(at), out.Problem
	_ = os.Remove(at.Audit) // if it is there, and empty
	if disk.IsDir(at.Audit) {
		why += "; it is kept in " + filepath.Base(kept)
	}
	if err := beginAnew(ctx, Dirs{at.Vault, stage.Audit}, c, o, why); err != nil {
		return out, errors.Join(err, os.RemoveAll(filepath.Dir(stage.Audit)))
	}
	err = replace(at, &out, kept)
	return out, err
}

func keptName(at Dirs) string {
	return at.Audit + ".broken-" + time.Now().UTC().Format("20060102-150405.000000")
}

// begun finds an Accept that ended after the vault had taken the new log and
// before that was in its place.
func begun(ctx context.Context, at Dirs, c Caller, o Opener) bool {
	stage := at.stage()
	if !disk.IsDir(stage.Audit) || disk.IsDir(stage.Vault) || !Exists(at.Vault) {
		return false
	}
	_, err := diagnose(ctx, Dirs{at.Vault, stage.Audit}, c, o)
	return errors.Is(err, errWhole)
}

// replace puts the old log aside and the new one in its place.
func replace(at Dirs, out *Accepted, kept string) error {
	stage := at.stage()
	if disk.IsDir(at.Audit) {
		if err := disk.Move(at.Audit, kept); err != nil {
			return err
		}
		out.Kept = kept
	}
	return errors.Join(disk.Move(stage.Audit, at.Audit), os.RemoveAll(filepath.Dir(stage.Audit)))
}

var errWhole = &Error{Kind: ErrInvalid, Text: "the audit log is whole: there is nothing to accept"}

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
			return errWhole
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
