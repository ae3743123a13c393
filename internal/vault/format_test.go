package vault

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// format1 copies a vault that a program of format 1 wrote: shop and blog,
// versions, a deletion, a rename, a removed folder, an original.
func format1(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/format1")); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"vault", "audit"} {
		if err := os.Chmod(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func formatOf(t *testing.T, h *home) (p ledger.Public) {
	t.Helper()
	err := h.vault.db.View(t.Context(), func(tx *store.Tx) (err error) { p, err = ledger.ReadPublic(tx); return err })
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A vault of format 1 is read as it is and becomes one of this format with the
// first change, with nothing lost.
func TestMigrationFromFormat1(t *testing.T) {
	h := mustReopen(t, format1(t))
	v, ctx := h.vault, t.Context()
	before, err := dump(ctx, h)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := list(t, v, here), "/A=two@2 /B=bee@2 /TO=renamed@2 /api/worker/W=${A}@1"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if formatOf(t, h).Format != 1 {
		t.Error("reading changed the format")
	}
	set(t, v, place("blog", "test", "/"), "NEW", "new")
	if p := formatOf(t, h); p.Format != ledger.Format {
		t.Errorf("after a change it has format %d", p.Format)
	}
	h.close()
	h = mustReopen(t, h.dir)
	v = h.vault
	if _, err := v.Restore(ctx, me, ref("shop", "development", "/", "OLD"), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Set(ctx, me, here, Change{Name: "A", Rename: "FROM"}); err != nil { // a name that another had
		t.Fatal(err)
	}
	after, err := dump(ctx, h)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(before) {
		if strings.Contains(line, "=") && strings.HasPrefix(line, "/B") && !strings.Contains(after, line) {
			t.Errorf("lost: %s", line)
		}
	}
	if w, err := v.Get(ctx, me, ref("shop", "development", "/api/worker", "W"), 0); err != nil || w.References || string(w.Value.Reveal()) != "${A}" {
		t.Errorf("a value of format 1 became a reference: %+v, %v", w, err)
	}
}

// A program that knows only format 1 refuses what it would not understand.
func TestNewerFormatIsRefused(t *testing.T) {
	h := newHome(t)
	if p := formatOf(t, h); p.Format != ledger.Format {
		t.Fatalf("a new vault has format %d", p.Format)
	}
	behind(t, h.dir, func(tx *store.Tx) error {
		b, err := tx.Meta("vault")
		if err != nil {
			return err
		}
		return tx.SetMeta("vault", []byte(strings.Replace(string(b), `"format":2`, `"format":3`, 1)))
	})
	h.close()
	if _, err := reopen(t.Context(), h.dir); err == nil || !strings.Contains(err.Error(), "has format 3") {
		t.Errorf("%v", err)
	}
}
