package vault

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// cutLog removes the last record.
func cutLog(t *testing.T, dir string) {
	t.Helper()
	file := filepath.Join(dir, "audit", "audit.log")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, int64(bytes.LastIndexByte(b[:len(b)-1], '\n')+1)); err != nil {
		t.Fatal(err)
	}
}

// wantAccepted accepts what is wrong in dir and checks that the values are
// there, the log verifies, and the reason is its first record.
func wantAccepted(t *testing.T, dir, why, values string) {
	t.Helper()
	ctx := t.Context()
	if _, err := reopen(ctx, dir); !errors.Is(err, ErrTampered) {
		t.Fatalf("nothing is wrong: %v", err)
	}
	before := files(t, filepath.Join(dir, "vault"))
	for _, really := range []bool{false, true} {
		out, err := Accept(ctx, dirsIn(dir), me, right, really)
		if err != nil || !strings.Contains(out.Problem, why) || out.Kept != "" && !really {
			t.Fatalf("%+v %v", out, err)
		}
		if !really && !bytes.Equal(files(t, filepath.Join(dir, "vault"))["vault.db"], before["vault.db"]) {
			t.Error("a look changed the vault")
		}
	}
	h := mustReopen(t, dir)
	defer h.close()
	if got := list(t, h.vault, here); got != values {
		t.Errorf("%s, want %s", got, values)
	}
	if _, err := h.log.Verify(ctx); err != nil {
		t.Error(err)
	}
	if first, _, _ := strings.Cut(records(t, h.log, 0), "\n"); !strings.HasPrefix(first, "audit.begin") || !strings.Contains(first, why) {
		t.Errorf("the first record: %s", first)
	}
	if _, err := os.Stat(filepath.Join(dir, stageName)); err == nil {
		t.Error("the stage is left behind")
	}
}

func TestAccept(t *testing.T) {
	whole := "/A=canary-2@2 /B=canary-3@1"
	t.Run("cut", func(t *testing.T) {
		dir := small(t)
		cutLog(t, dir)
		wantAccepted(t, dir, "the log ends before", whole)
		cutLog(t, dir)
		wantAccepted(t, dir, "the log ends before", whole)
	})
	t.Run("gone", func(t *testing.T) {
		dir := small(t)
		if err := os.RemoveAll(filepath.Join(dir, "audit")); err != nil {
			t.Fatal(err)
		}
		wantAccepted(t, dir, "audit.log is missing", whole)
	})
	t.Run("vault of an earlier time", func(t *testing.T) {
		dir := small(t)
		db := files(t, dir)["vault/vault.db"]
		h := mustReopen(t, dir)
		set(t, h.vault, here, "B", "newer")
		h.close()
		if err := os.WriteFile(filepath.Join(dir, "vault", "vault.db"), db, 0o600); err != nil {
			t.Fatal(err)
		}
		wantAccepted(t, dir, "older than the audit log", whole)
	})
}

// TestAcceptRefuses what is whole, what is not opened, and a damaged vault; it
// changes nothing then.
func TestAcceptRefuses(t *testing.T) {
	dir := small(t)
	if _, err := Accept(t.Context(), dirsIn(dir), me, right, true); !errors.Is(err, ErrInvalid) {
		t.Errorf("a whole log: %v", err)
	}
	cutLog(t, dir)
	log := files(t, dir)["audit/audit.log"]
	if _, err := Accept(t.Context(), dirsIn(dir), me, quick("wrong"), true); !errors.Is(err, ErrDenied) {
		t.Errorf("wrong passphrase: %v", err)
	}
	db := filepath.Join(dir, "vault", "vault.db")
	b, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(db, int64(len(b)/2)); err != nil {
		t.Fatal(err)
	}
	if _, err := Accept(t.Context(), dirsIn(dir), me, right, true); !errors.Is(err, ErrTampered) {
		t.Errorf("a damaged vault: %v", err)
	}
	if !bytes.Equal(files(t, dir)["audit/audit.log"], log) {
		t.Error("the log was changed")
	}
}

// TestAcceptInterrupted: wherever between its moves an Accept ended, the next
// one finishes it, and the reason is not lost.
func TestAcceptInterrupted(t *testing.T) {
	for _, oldInPlace := range []bool{true, false} {
		dir := small(t)
		cutLog(t, dir)
		out, err := Accept(t.Context(), dirsIn(dir), me, right, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := stageBack(dir, "audit"); err != nil {
			t.Fatal(err)
		}
		if oldInPlace {
			if err := os.Rename(out.Kept, filepath.Join(dir, "audit")); err != nil {
				t.Fatal(err)
			}
		}
		wantAcceptedAgain(t, dir)
	}
}

func wantAcceptedAgain(t *testing.T, dir string) {
	t.Helper()
	if out, err := Accept(t.Context(), dirsIn(dir), me, right, true); err != nil || out.Problem == "" {
		t.Fatalf("%+v %v", out, err)
	}
	h := mustReopen(t, dir)
	defer h.close()
	if got := records(t, h.log, 0); !strings.HasPrefix(got, "audit.begin") || !strings.Contains(got, "the log ends before") {
		t.Errorf("the reason is lost: %s", got)
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, "audit.broken-*")); len(kept) != 1 {
		t.Errorf("kept: %v", kept)
	}
}
