package vault

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault/envelope"
)

// other is a seal of another kind.
type other struct{ quick }

func (other) Kind() string { return "other" }

// filled is a vault with everything in it that a record can be.
func filled(t *testing.T) *home {
	t.Helper()
	h := newHome(t)
	ctx := t.Context()
	for _, val := range []string{"one", "two", "three"} {
		set(t, h.vault, here, "KEY", val)
	}
	set(t, h.vault, here, "GONE", "x")
	if _, err := h.vault.Delete(ctx, me, here, "GONE"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.vault.CreateFolder(ctx, me, place("shop", "staging", "/api/worker")); err != nil {
		t.Fatal(err)
	}
	set(t, h.vault, place("shop", "staging", "/api/worker"), "DEEP", "y")
	if err := h.vault.PutOriginal(ctx, me, "shop", Original{Path: ".env", Mode: 0o640, Data: secret.NewValue([]byte("KEY=one\n"))}); err != nil {
		t.Fatal(err)
	}
	if err := h.vault.Reseal(ctx, me, other{right}); err != nil {
		t.Fatal(err)
	}
	return h
}

// content is all that a vault answers with.
func content(t *testing.T, v *Vault) string {
	t.Helper()
	ctx := t.Context()
	history, err := v.History(ctx, me, ref("shop", "development", "/", "KEY"))
	if err != nil {
		t.Fatal(err)
	}
	old, err := v.Get(ctx, me, ref("shop", "development", "/", "KEY"), 1)
	if err != nil {
		t.Fatal(err)
	}
	o, err := v.Original(ctx, me, "shop", ".env")
	if err != nil {
		t.Fatal(err)
	}
	key, err := v.PlaceholderKey(ctx, "shop")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(key.Reveal())
	return strings.Join([]string{list(t, v, here), list(t, v, place("shop", "staging", "/api/worker")), show(history...), show(old),
		string(o.Data.Reveal()), o.Mode.String(), string(sum[:])}, "\n")
}

const newer = quick("another horse")

func TestRotate(t *testing.T) {
	h := filled(t)
	ctx := t.Context()
	before := content(t, h.vault)
	rows := allSealed(t, h.vault)
	oldFile, err := os.ReadFile(filepath.Join(h.dir, "vault", "passphrase.age"))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.vault.Rotate(ctx, me, newer); err != nil {
		t.Fatal(err)
	}
	for _, b := range allSealed(t, h.vault) {
		for _, old := range rows {
			if bytes.Equal(b, old) {
				t.Fatal("a row is as it was before")
			}
		}
	}
	check := func(v *Vault) {
		t.Helper()
		if got := content(t, v); got != before {
			t.Errorf("%q, want %q", got, before)
		}
		if err := v.Verify(ctx); err != nil {
			t.Error(err)
		}
	}
	check(h.vault)
	set(t, h.vault, here, "AFTER", "z") // it goes on without being opened again
	if _, err := h.vault.Delete(ctx, me, here, "AFTER"); err != nil {
		t.Fatal(err)
	}
	if err := h.vault.Rotate(ctx, me, newer); err != nil {
		t.Fatal(err)
	}
	check(h.vault)
	if _, err := h.log.Verify(ctx); err != nil {
		t.Error(err)
	}
	h.close()

	for _, wrong := range []Opener{right, other{right}} {
		if err := opened(t, h.dir, wrong); err == nil {
			t.Errorf("what opened it before as %s still does", wrong.Kind())
		}
	}
	if files, _ := filepath.Glob(filepath.Join(h.dir, "vault", "*.age*")); len(files) != 1 {
		t.Errorf("%v, want one sealed root key", files)
	}
	if err := opened(t, h.dir, newer); err != nil {
		t.Error(err)
	}
	// A thief with an old file and what opened it has no use of the new database.
	if err := os.WriteFile(filepath.Join(h.dir, "vault", "passphrase.age"), oldFile, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := opened(t, h.dir, right); !errors.Is(err, ErrTampered) {
		t.Errorf("the old file gave %v", err)
	}
	root, err := right.Open(oldFile)
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(filepath.Join(t.TempDir(), "audit"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if v, err := openWith(ctx, filepath.Join(h.dir, "vault"), log, root); err == nil {
		v.Close()
		t.Error("the old root key opens the new database")
	}
}

func opened(t *testing.T, dir string, o Opener) error {
	t.Helper()
	log, err := audit.Open(filepath.Join(dir, "audit"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	v, err := Open(t.Context(), filepath.Join(dir, "vault"), log)
	if err != nil {
		return err
	}
	defer v.Close()
	return v.Unlock(t.Context(), me, o)
}

// allSealed are the sealed bytes of every row.
func allSealed(t *testing.T, v *Vault) (out [][]byte) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(v.dir, "vault.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT sealed FROM record UNION ALL SELECT sealed FROM history UNION ALL SELECT sealed FROM attachment")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	if len(out) < 10 {
		t.Fatalf("only %d rows", len(out))
	}
	return out
}

// A process that has the vault open while another changes its keys is told
// that it is locked, and goes on once it is opened again.
func TestRotateBesideAnother(t *testing.T) {
	h := filled(t)
	before := content(t, h.vault)
	for _, use := range []func(v *Vault) error{
		func(v *Vault) error { _, err := v.List(t.Context(), me, here, ListOptions{}); return err },
		func(v *Vault) error {
			_, err := v.Set(t.Context(), me, here, Change{Name: "NEW", Value: value("x")})
			return err
		},
		func(v *Vault) error { return v.Rotate(t.Context(), me, right) },
	} {
		beside := mustReopen(t, h.dir)
		if err := h.vault.Rotate(t.Context(), me, right); err != nil {
			t.Fatal(err)
		}
		if err := use(beside.vault); !errors.Is(err, ErrLocked) {
			t.Errorf("with the old keys: %v", err)
		}
		if !beside.vault.Locked() {
			t.Error("it is not locked")
		}
		if err := beside.vault.Unlock(t.Context(), me, right); err != nil {
			t.Fatal(err)
		}
		if got := content(t, beside.vault); got != before {
			t.Errorf("%q, want %q", got, before)
		}
		beside.close()
	}
	if err := h.vault.Verify(t.Context()); err != nil {
		t.Error(err)
	}
}

// What a crash leaves at each point is a vault that opens with the old seals,
// or with the new ones.
func TestRotateInterrupted(t *testing.T) {
	h := filled(t)
	ctx := t.Context()
	before := content(t, h.vault)
	root := bytes.Repeat([]byte{7}, envelope.KeySize)
	hashes, err := h.vault.sealNext(root, []Sealer{newer})
	if err != nil {
		t.Fatal(err)
	}
	h.close()
	h = mustReopen(t, h.dir) // prepared, not changed: the old one opens
	if got := content(t, h.vault); got != before {
		t.Errorf("%q, want %q", got, before)
	}
	h.vault.mu.Lock()
	err = h.vault.rotateHeld(ctx, me, root, hashes)
	h.vault.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	h.close() // changed, and no file is in its place
	if err := opened(t, h.dir, newer); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(h.dir, "vault", "*.age*")); len(files) != 1 {
		t.Errorf("%v, want one sealed root key", files)
	}
}

func TestRotateRefused(t *testing.T) {
	h := filled(t)
	ctx := t.Context()
	before := content(t, h.vault)
	if err := h.vault.Rotate(ctx, me); !errors.Is(err, ErrInvalid) {
		t.Errorf("without a seal: %v", err)
	}
	if err := h.vault.Rotate(ctx, me, newer, newer); !errors.Is(err, ErrInvalid) {
		t.Errorf("two of a kind: %v", err)
	}
	if err := h.vault.Rotate(ctx, me, sealsNot{}); err == nil {
		t.Error("with a seal that does not seal")
	}
	if got := content(t, h.vault); got != before {
		t.Errorf("%q, want %q", got, before)
	}
	h.close()
	if err := opened(t, h.dir, right); err != nil {
		t.Error(err)
	}
}

type sealsNot struct{ quick }

func (sealsNot) Seal([]byte) ([]byte, error) { return nil, errors.New("no") }

func TestRemoveSeal(t *testing.T) {
	h := filled(t)
	ctx := t.Context()
	if err := h.vault.RemoveSeal(ctx, me, "nobody"); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	if err := h.vault.RemoveSeal(ctx, me, "../vault"); !errors.Is(err, ErrMissing) {
		t.Error(err)
	}
	if err := h.vault.RemoveSeal(ctx, me, "other"); err != nil {
		t.Fatal(err)
	}
	if err := h.vault.RemoveSeal(ctx, me, "passphrase"); !errors.Is(err, ErrInvalid) {
		t.Errorf("the last one: %v", err)
	}
	h.close()
	if err := opened(t, h.dir, other{right}); err == nil {
		t.Error("it still opens")
	}
	if err := opened(t, h.dir, right); err != nil {
		t.Error(err)
	}
}
