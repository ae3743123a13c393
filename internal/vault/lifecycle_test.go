package vault

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/seals"
	"github.com/bailey-project/bailey/internal/vault/store"
)

type broken struct{ Sealer }

func (broken) Seal([]byte) ([]byte, error) { return nil, errors.New("no entropy") }

// second is another way to open the same vault.
type second struct{ quick }

func (second) Kind() string { return "recovery" }

func TestReseal(t *testing.T) {
	h := newHome(t)
	v, ctx := h.vault, t.Context()
	set(t, v, here, "A", "1")
	if err := v.Reseal(ctx, me, quick("new one")); err != nil {
		t.Fatal(err)
	}
	if err := v.Reseal(ctx, me, second{"code"}); err != nil {
		t.Fatal(err)
	}
	v.Lock()
	if err := v.Reseal(ctx, me, right); !errors.Is(err, ErrLocked) {
		t.Errorf("while locked: %v", err)
	}
	if err := v.Unlock(ctx, me, right); !errors.Is(err, ErrDenied) {
		t.Errorf("old passphrase: %v", err)
	}
	for _, o := range []Opener{quick("new one"), second{"code"}} {
		if err := v.Unlock(ctx, me, o); err != nil {
			t.Errorf("%s: %v", o.Kind(), err)
		}
		if got := list(t, v, here); got != "/A=1@1" {
			t.Errorf("after %s: %s", o.Kind(), got)
		}
		v.Lock()
	}
	path := filepath.Join(h.dir, "vault", "passphrase.age")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := v.Unlock(ctx, me, quick("new one"))
	var known *Error
	if !errors.Is(err, ErrTampered) || !errors.As(err, &known) || !strings.Contains(known.Hint, "recovery") {
		t.Errorf("damaged, with another way in: %v", err)
	}
	if err := v.Unlock(ctx, me, second{"code"}); err != nil {
		t.Errorf("the other way in: %v", err)
	}
	wantTampered(t, v.Verify(ctx), "passphrase.age")
}

// TestVerifyKnowsItsSeals: a sealed root key that is gone, cut or exchanged
// shows before it is needed, and a proper change of it does not.
func TestVerifyKnowsItsSeals(t *testing.T) {
	h := newHome(t)
	v, ctx := h.vault, t.Context()
	if err := v.Reseal(ctx, me, second{"code"}); err != nil {
		t.Fatal(err)
	}
	before := files(t, h.dir)
	err := errors.Join(v.Reseal(ctx, me, quick("new one")), v.Reseal(ctx, me, second{"other code"}), v.Verify(ctx))
	if err = errors.Join(err, Check(ctx, filepath.Join(h.dir, "vault"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"passphrase.age", "recovery.age"} {
		path := filepath.Join(h.dir, "vault", name)
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for what, damage := range map[string]func() error{
			"deleted":           func() error { return os.Remove(path) },
			"cut":               func() error { return os.Truncate(path, int64(len(good)/2)) },
			"the one before":    func() error { return os.WriteFile(path, before["vault/"+name], 0o600) },
			"another's of ours": func() error { return os.WriteFile(path, []byte("age-encryption.org/v1\n"), 0o600) },
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			wantTampered(t, v.Verify(ctx), name)
			wantTampered(t, Check(ctx, filepath.Join(h.dir, "vault")), name)
			if err := os.WriteFile(path, good, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := v.Verify(ctx); err != nil {
				t.Errorf("%s %s and put back: %v", name, what, err)
			}
		}
	}
}

// TestSealsAreVouchedFor: the list of sealed root keys cannot be changed with
// the files.
func TestSealsAreVouchedFor(t *testing.T) {
	h := newHome(t)
	if err := h.vault.Reseal(t.Context(), me, second{"code"}); err != nil {
		t.Fatal(err)
	}
	h.close()
	behind(t, h.dir, func(tx *store.Tx) error {
		b, err := tx.Meta("vault")
		if err != nil {
			return err
		}
		var p ledger.Public
		if err := json.Unmarshal(b, &p); err != nil {
			return err
		}
		delete(p.Seals, "recovery")
		if b, err = json.Marshal(p); err != nil {
			return err
		}
		return tx.SetMeta("vault", b)
	})
	_, err := reopen(t.Context(), h.dir)
	wantTampered(t, err, "description of the vault")
}

// TestResealInterrupted: between the two transactions of Reseal both files open.
func TestResealInterrupted(t *testing.T) {
	h := newHome(t)
	old := files(t, h.dir)["vault/passphrase.age"]
	if err := h.vault.Reseal(t.Context(), me, quick("new one")); err != nil {
		t.Fatal(err)
	}
	now := files(t, h.dir)["vault/passphrase.age"]
	path := filepath.Join(h.dir, "vault", "passphrase.age")
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := reopen(t.Context(), h.dir)
	wantTampered(t, err, "passphrase.age")
	e := me.event("test")
	if err := h.vault.describe(t.Context(), &e, func(p *ledger.Public, _ int64) {
		p.Seals["passphrase"] = append(seals.Hash(old), seals.Hash(now)...)
	}); err != nil {
		t.Fatal(err)
	}
	h.close()
	mustReopen(t, h.dir).close()
}

func TestRecoveryVerified(t *testing.T) {
	h := newHome(t)
	ctx := t.Context()
	if info, err := h.vault.Info(ctx); err != nil || !info.RecoveryVerified.IsZero() {
		t.Errorf("%+v %v", info, err)
	}
	if err := h.vault.MarkRecoveryShown(ctx, me); err != nil {
		t.Fatal(err)
	}
	if info, err := h.vault.Info(ctx); err != nil || info.RecoveryShown.IsZero() || !info.RecoveryVerified.IsZero() {
		t.Errorf("%+v %v", info, err)
	}
	if err := h.vault.MarkRecoveryVerified(ctx, me); err != nil {
		t.Fatal(err)
	}
	h.vault.Lock()
	info, err := h.vault.Info(ctx)
	if err != nil || info.RecoveryVerified.Before(info.CreatedAt) || !info.Locked {
		t.Errorf("%+v %v", info, err)
	}
	h.close()
	mustReopen(t, h.dir).close()
}

// TestReadmit: a lost audit log does not cost the secrets, and its loss is on
// record.
func TestReadmit(t *testing.T) {
	dir := small(t)
	ctx := t.Context()
	h := &home{dir: dir}
	if err := os.Rename(filepath.Join(dir, "audit"), filepath.Join(dir, "audit.old")); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.log, err = audit.Open(filepath.Join(dir, "audit")); err != nil {
		t.Fatal(err)
	}
	if h.vault, err = Open(ctx, filepath.Join(dir, "vault"), h.log); err != nil {
		t.Fatal(err)
	}
	if err := h.vault.Readmit(ctx, me, quick("wrong"), "it was lost"); !errors.Is(err, ErrDenied) {
		t.Errorf("wrong passphrase: %v", err)
	}
	wantTampered(t, h.vault.Unlock(ctx, me, right), "audit.log is missing")
	h.close()
	if h.log, err = audit.Open(filepath.Join(dir, "audit")); err != nil {
		t.Fatal(err)
	}
	if h.vault, err = Open(ctx, filepath.Join(dir, "vault"), h.log); err != nil {
		t.Fatal(err)
	}
	if err := h.vault.Readmit(ctx, me, right, "it was lost"); err != nil {
		t.Fatal(err)
	}
	if got := list(t, h.vault, here); got != "/A=canary-2@2 /B=canary-3@1" {
		t.Errorf("%s", got)
	}
	if got := records(t, h.log, 0); !strings.HasPrefix(got, "audit.begin /  0 done (the vault knew ") {
		t.Errorf("%s", got)
	}
	if err := h.vault.Readmit(ctx, me, right, "it was lost"); !errors.Is(err, ErrExists) {
		t.Errorf("twice: %v", err)
	}
	h.close()
	h = mustReopen(t, dir)
	set(t, h.vault, here, "B", "newer")
	h.close()
	os.RemoveAll(filepath.Join(dir, "audit"))
	if err := os.Rename(filepath.Join(dir, "audit.old"), filepath.Join(dir, "audit")); err != nil {
		t.Fatal(err)
	}
	_, err = reopen(ctx, dir)
	wantTampered(t, err, "record")
}
