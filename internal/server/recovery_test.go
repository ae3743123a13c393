package server

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
)

// TestRecoveryCodeThatNobodySaw: it is replaced, once; one that was shown is
// not for a program to replace.
func TestRecoveryCodeThatNobodySaw(t *testing.T) {
	f := newFixture(t)
	code, err := f.client.FirstRecoveryCode(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if code.Equal(f.code) {
		t.Error("the new code is the old one")
	}
	if err := f.client.Recover(t.Context(), f.code, value("another passphrase")); !api.IsCode(err, api.Denied) {
		t.Errorf("the code before: %v", err)
	}
	for _, tell := range []func(context.Context, secret.Value) error{f.client.RecoveryShown, f.client.RecoveryVerified} {
		if err := tell(t.Context(), f.code); !api.IsCode(err, api.Denied) {
			t.Errorf("a code that was replaced counts: %v", err)
		}
	}
	if err := f.client.RecoveryShown(t.Context(), code); err != nil {
		t.Fatal(err)
	}
	if st, err := f.client.Status(t.Context()); err != nil || !st.CodeShown || st.BackupVerified {
		t.Errorf("%+v %v", st, err)
	}
	if _, err := f.client.FirstRecoveryCode(t.Context()); !api.IsCode(err, api.Denied) {
		t.Errorf("after it was shown: %v", err)
	}
	if err := f.client.Recover(t.Context(), code, value("another passphrase")); err != nil {
		t.Error(err)
	}
}

// TestNewRecoveryCode: with the passphrase there is always a new one, also when
// the file of the one before is gone.
func TestNewRecoveryCode(t *testing.T) {
	f := newFixture(t)
	if err := f.client.RecoveryShown(t.Context(), f.code); err != nil {
		t.Fatal(err)
	}
	if _, err := f.client.NewRecoveryCode(t.Context(), value("wrong passphrase")); !api.IsCode(err, api.Denied) {
		t.Errorf("wrong passphrase: %v", err)
	}
	if err := os.Remove(filepath.Join(f.server.opts.VaultDir, "recovery.age")); err != nil {
		t.Fatal(err)
	}
	if v, err := f.client.VerifyAudit(t.Context()); err != nil || v.OK || !strings.Contains(v.Hint, "bailey recover --new-code") {
		t.Errorf("%+v %v", v, err)
	}
	code, err := f.client.NewRecoveryCode(t.Context(), value(passphrase))
	if err != nil {
		t.Fatal(err)
	}
	if v, err := f.client.VerifyAudit(t.Context()); err != nil || !v.OK {
		t.Errorf("%+v %v", v, err)
	}
	if err := f.client.Recover(t.Context(), f.code, value("another passphrase")); !api.IsCode(err, api.Denied) {
		t.Errorf("the code before: %v", err)
	}
	if err := f.client.RecoveryVerified(t.Context(), code); err != nil {
		t.Error(err)
	}
}

func TestAcceptNeedsDamageAndThePassphrase(t *testing.T) {
	f := newFixture(t)
	for _, really := range []bool{false, true} {
		if _, err := f.client.AcceptAudit(t.Context(), value("wrong passphrase"), really); !api.IsCode(err, api.Denied) {
			t.Errorf("wrong passphrase: %v", err)
		}
		if _, err := f.client.AcceptAudit(t.Context(), value(passphrase), really); !api.IsCode(err, api.Invalid) {
			t.Errorf("a whole log: %v", err)
		}
	}
	if err := f.client.Unlock(t.Context(), value(passphrase)); err != nil { // asking for it locks
		t.Fatal(err)
	}
	if v, err := f.client.VerifyAudit(t.Context()); err != nil || !v.OK {
		t.Errorf("%+v %v", v, err)
	}
}
