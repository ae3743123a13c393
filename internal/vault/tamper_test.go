package vault

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// small makes a closed home with a bit of everything.
func small(t testing.TB) string {
	t.Helper()
	h := newHome(t)
	v, ctx := h.vault, t.Context()
	set(t, v, here, "A", "canary-1")
	set(t, v, here, "A", "canary-2")
	set(t, v, here, "B", "canary-3")
	if _, err := v.CreateFolder(ctx, me, place("shop", "test", "/api")); err != nil {
		t.Fatal(err)
	}
	set(t, v, place("shop", "test", "/api"), "C", "canary-4")
	if err := v.PutOriginal(ctx, me, "shop", Original{Path: ".env", Mode: 0o600, Data: secret.NewValue([]byte("A=canary-5"))}); err != nil {
		t.Fatal(err)
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	return h.dir
}

// dump is everything that a vault answers, or the first error.
func dump(ctx context.Context, h *home) (string, error) {
	var out strings.Builder
	v := h.vault
	if err := v.Verify(ctx); err != nil {
		return "", err
	}
	if _, err := h.log.Verify(ctx); err != nil {
		return "", err
	}
	projects, err := v.Projects(ctx, me)
	if err != nil {
		return "", err
	}
	for _, p := range projects {
		fmt.Fprintln(&out, p)
		for _, e := range p.Environments {
			if err := dumpEnvironment(ctx, v, place(p.Slug, e.Slug, "/"), &out); err != nil {
				return "", err
			}
		}
		originals, err := v.Originals(ctx, me, p.Slug)
		if err != nil {
			return "", err
		}
		for _, o := range originals {
			full, err := v.Original(ctx, me, p.Slug, o.Path)
			if err != nil {
				return "", err
			}
			fmt.Fprintln(&out, full.Path, full.Mode, full.SavedAt, string(full.Data.Reveal()))
		}
	}
	return out.String(), nil
}

func dumpEnvironment(ctx context.Context, v *Vault, p Place, out *strings.Builder) error {
	folders, err := v.Folders(ctx, me, p, true)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, folders)
	secrets, err := v.List(ctx, me, p, ListOptions{Recursive: true})
	if err != nil {
		return err
	}
	for _, s := range secrets {
		fmt.Fprintf(out, "%+v\n", s)
		for n := range s.Version {
			old, err := v.Get(ctx, me, ref(p.Project, p.Environment, s.Path, string(s.Name)), n+1)
			if err != nil {
				return err
			}
			fmt.Fprintln(out, show(old))
		}
	}
	return nil
}

func dumpDir(t testing.TB, dir string) (string, error) {
	t.Helper()
	h, err := reopen(t.Context(), dir)
	if err != nil {
		return "", err
	}
	defer h.close()
	return dump(t.Context(), h)
}

// files reads every file below dir.
func files(t testing.TB, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		out[rel], err = os.ReadFile(p)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// put makes dir hold exactly these files.
func put(t testing.TB, dir string, files map[string][]byte) {
	t.Helper()
	for _, sub := range []string{"vault", "audit"} {
		if err := os.RemoveAll(filepath.Join(dir, sub)); err != nil {
			t.Error(err)
		}
	}
	for name, b := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Error(err)
		}
		if err := os.WriteFile(p, b, 0o600); err != nil {
			t.Error(err)
		}
	}
}

func wantTampered(t *testing.T, err error, parts ...string) {
	t.Helper()
	var known *Error
	if !errors.Is(err, ErrTampered) || !errors.As(err, &known) || known.Hint == "" {
		t.Errorf("not an error about tampering with a hint: %v", err)
		return
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%q does not say %q", err, p)
		}
	}
}

func TestWrongPassphrase(t *testing.T) {
	dir := small(t)
	before := files(t, filepath.Join(dir, "vault"))
	h := &home{dir: dir}
	var err error
	if h, err = reopen(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	h.vault.Lock()
	if err := h.vault.Unlock(t.Context(), me, quick("wrong")); !errors.Is(err, ErrDenied) {
		t.Errorf("got %v", err)
	}
	if !h.vault.Locked() {
		t.Error("unlocked by a wrong passphrase")
	}
	if _, err := h.vault.Get(t.Context(), me, ref("shop", "development", "/", "A"), 0); !errors.Is(err, ErrLocked) {
		t.Errorf("read while locked: %v", err)
	}
	if _, err := h.vault.Set(t.Context(), me, here, Change{Name: "A"}); !errors.Is(err, ErrLocked) {
		t.Errorf("write while locked: %v", err)
	}
	if err := h.vault.Unlock(t.Context(), me, right); err != nil {
		t.Errorf("right passphrase after a wrong one: %v", err)
	}
	h.close()
	for name, b := range files(t, filepath.Join(dir, "vault")) {
		if name != store.FileName && !bytes.Equal(b, before[name]) {
			t.Errorf("%s changed", name)
		}
	}
}

// TestSealedKeyFlips: a damaged file is told from a wrong passphrase.
func TestSealedKeyFlips(t *testing.T) {
	dir := small(t)
	path := filepath.Join(dir, "vault", "passphrase.age")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	try := func(b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := reopen(t.Context(), dir)
		wantTampered(t, err, "passphrase.age is damaged")
	}
	for i := range whole {
		b := bytes.Clone(whole)
		b[i] ^= 1 << (i % 8)
		try(b)
	}
	try(whole[:len(whole)/2])
	try(nil)
	os.Remove(path)
	_, err = reopen(t.Context(), dir)
	wantTampered(t, err, "passphrase.age is gone")
}

func TestTruncated(t *testing.T) {
	dir := small(t)
	path := filepath.Join(dir, "vault", store.FileName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(whole); n += 512 {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := dumpDir(t, dir)
		wantTampered(t, err, "vault.db")
		if now, _ := os.ReadFile(path); !bytes.Equal(now, whole[:n]) {
			t.Fatalf("the database of %d bytes was changed", n)
		}
	}
	os.Remove(path)
	_, err = reopen(t.Context(), dir)
	wantTampered(t, err, "vault.db is gone")
	if _, err := os.Stat(path); err == nil {
		t.Error("vault.db was made anew")
	}
	if !Exists(filepath.Join(dir, "vault")) {
		t.Error("what is left of a vault is taken for nothing")
	}
}

func TestAuditCut(t *testing.T) {
	dir := small(t)
	path := filepath.Join(dir, "audit", "audit.log")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
	if err := os.WriteFile(path, bytes.Join(lines[:len(lines)-1], nil), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = reopen(t.Context(), dir)
	wantTampered(t, err, fmt.Sprintf("record %d is missing", len(lines)))
	os.RemoveAll(filepath.Join(dir, "audit"))
	_, err = reopen(t.Context(), dir)
	wantTampered(t, err, "audit.log is missing")
}

var everyByte = flag.Bool("every-byte", false, "TestEveryFlip leaves out no byte (minutes)")

// TestEveryFlip flips a bit of every byte of the database, and of the two
// files of the audit log: an error, or exactly the same answers. Without
// -every-byte it takes one of 23, beginning at another one each day.
func TestEveryFlip(t *testing.T) {
	dir := small(t)
	want, err := dumpDir(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	whole := files(t, dir)
	step, first := 23, time.Now().YearDay()%23
	if *everyByte {
		step, first = 1, 0
	}
	var noticed, same atomic.Int64
	var wg sync.WaitGroup
	for _, name := range []string{"vault/" + store.FileName, "audit/audit.log", "audit/audit.head"} {
		const workers = 4
		for w := range workers {
			dir := t.TempDir()
			wg.Go(func() {
				for i := first + w*step; i < len(whole[name]) && !t.Failed(); i += workers * step {
					got, err := flip(t, dir, whole, name, i)
					switch {
					case err == nil && got == want:
						same.Add(1)
					case err == nil:
						t.Errorf("%s: byte %d went unnoticed:\n%s\n%s", name, i, got, want)
					case !errors.Is(err, ErrTampered) && !errors.Is(err, audit.ErrTampered) && !strings.Contains(err.Error(), "has format"):
						t.Errorf("%s: byte %d: %v", name, i, err)
					default:
						noticed.Add(1)
					}
				}
			})
		}
	}
	wg.Wait()
	t.Logf("%d flips gave an error, %d gave the same answers (unused bytes of pages)", noticed.Load(), same.Load())
	if noticed.Load() < same.Load()/4 {
		t.Error("too few flips were noticed for the test to mean much")
	}
}

// flip opens a copy of a home in which one bit is different.
func flip(t *testing.T, dir string, whole map[string][]byte, name string, i int) (string, error) {
	b := bytes.Clone(whole[name])
	b[i] ^= 1 << (i % 8)
	changed := maps.Clone(whole)
	changed[name] = b
	put(t, dir, changed)
	return dumpDir(t, dir)
}

type edit func(tx *store.Tx, scope store.ID) error

// TestRows edits the database behind the vault's back.
func TestRows(t *testing.T) {
	first := func(tx *store.Tx, scope store.ID, kind ledger.Kind) store.Row {
		rows, _ := tx.Rows(scope)
		for _, r := range rows {
			if r.Kind == byte(kind) {
				return r
			}
		}
		return store.Row{}
	}
	versioned := func(tx *store.Tx, scope store.ID) (now, old store.Row) {
		rows, _ := tx.Rows(scope)
		for _, r := range rows {
			if h, _ := tx.History(scope, r.ID); r.Kind == byte(ledger.Secret) && len(h) > 0 {
				h[0].Kind = r.Kind
				return r, h[0]
			}
		}
		return
	}
	in := "environment development of shop"
	tests := []struct {
		name string
		edit edit
		want []string
	}{
		{"old row restored", func(tx *store.Tx, s store.ID) error {
			_, old := versioned(tx, s)
			return tx.Put(s, old)
		}, []string{"secret /A in " + in + " is at version 1, but version 2 was written last"}},
		{"old row as the new version", func(tx *store.Tx, s store.ID) error {
			now, old := versioned(tx, s)
			old.Version = now.Version
			return tx.Put(s, old)
		}, []string{"secret /A in " + in + " is changed"}},
		{"row removed", func(tx *store.Tx, s store.ID) error {
			now, _ := versioned(tx, s)
			return tx.Remove(s, now.Kind, now.ID)
		}, []string{"secret /A in " + in + " is missing"}},
		{"row without history removed", func(tx *store.Tx, s store.ID) error {
			rows, _ := tx.Rows(s)
			now, _ := versioned(tx, s)
			for _, r := range rows {
				if r.Kind == byte(ledger.Secret) && r.ID != now.ID {
					return tx.Remove(s, r.Kind, r.ID)
				}
			}
			return errors.New("not found")
		}, []string{"secret ", "in " + in + " is missing"}},
		{"root folder removed", func(tx *store.Tx, s store.ID) error {
			r := first(tx, s, ledger.Folder)
			return tx.Remove(s, r.Kind, r.ID)
		}, []string{"folder ", "is missing"}},
		{"row added", func(tx *store.Tx, s store.ID) error {
			r := first(tx, s, ledger.Secret)
			r.ID[0] ^= 1
			return tx.Put(s, r)
		}, []string{"was not written by this vault"}},
		{"two rows exchanged", func(tx *store.Tx, s store.ID) error {
			rows, _ := tx.Rows(s)
			a, b := rows[len(rows)-1], rows[len(rows)-2]
			a.Sealed, b.Sealed = b.Sealed, a.Sealed
			return errors.Join(tx.Put(s, a), tx.Put(s, b))
		}, []string{"secret ", "is changed"}},
		{"byte of a record", func(tx *store.Tx, s store.ID) error {
			now, _ := versioned(tx, s)
			now.Sealed[20] ^= 1
			return tx.Put(s, now)
		}, []string{"secret /A in " + in + " is changed"}},
		{"byte of an old version", func(tx *store.Tx, s store.ID) error {
			_, old := versioned(tx, s)
			old.Sealed[20] ^= 1
			old.ID[15] ^= 1 // beside it, then in its place
			return errors.Join(tx.PutHistory(s, old))
		}, []string{"rows that this vault did not write"}},
		{"index damaged as well", func(tx *store.Tx, s store.ID) error {
			now, _ := versioned(tx, s)
			now.Sealed[20] ^= 1
			return errors.Join(tx.Put(s, now), tx.PutAttachment(s, s, []byte("x")))
		}, []string{in + " is not as it was at change"}},
		{"anchor gone", func(tx *store.Tx, s store.ID) error { return tx.SetMeta("anchor", nil) }, []string{"anchor"}},
		{"description changed", func(tx *store.Tx, s store.ID) error {
			b, _ := tx.Meta("vault")
			return tx.SetMeta("vault", bytes.Replace(b, []byte(`"created":1`), []byte(`"created":2`), 1))
		}, []string{"description"}},
		{"another vault's id", func(tx *store.Tx, s store.ID) error {
			b, _ := tx.Meta("vault")
			return tx.SetMeta("vault", bytes.Replace(b, []byte(`-4`), []byte(`-5`), 1))
		}, []string{"vault"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := small(t)
			scope := scopeOf(t, dir, "development")
			behind(t, dir, func(tx *store.Tx) error { return tt.edit(tx, scope) })
			_, err := dumpDir(t, dir)
			wantTampered(t, err, tt.want...)
		})
	}
}

func scopeOf(t *testing.T, dir, slug string) store.ID {
	t.Helper()
	h := mustReopen(t, dir)
	defer h.close()
	p, err := h.vault.Project(t.Context(), me, "shop")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range p.Environments {
		if e.Slug == slug {
			id, _ := ledger.ParseID(e.ID)
			return id
		}
	}
	t.Fatal("no environment " + slug)
	return store.ID{}
}

// behind changes the database as someone without the key would.
func behind(t *testing.T, dir string, fn func(*store.Tx) error) {
	t.Helper()
	db, err := store.Open(t.Context(), filepath.Join(dir, "vault"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// TestOldEnvironment puts one environment back with its manifest, whole and
// consistent in itself.
func TestOldEnvironment(t *testing.T) {
	dir := small(t)
	scope := scopeOf(t, dir, "development")
	var rows []store.Row
	var index []byte
	var manifest store.Row
	var vault store.ID
	behind(t, dir, func(tx *store.Tx) (err error) {
		b, _ := tx.Meta("vault")
		id, _, _ := strings.Cut(strings.SplitN(string(b), `"id":"`, 2)[1], `"`)
		vault, _ = ledger.ParseID(ledger.ID(id))
		tops, err := tx.Rows(vault)
		for _, r := range tops {
			if r.ID == scope && r.Kind == 3 {
				manifest = r
			}
		}
		rows, _ = tx.Rows(scope)
		index, _ = tx.Attachment(scope, scope)
		return err
	})
	h := mustReopen(t, dir)
	set(t, h.vault, here, "B", "newer")
	h.close()
	behind(t, dir, func(tx *store.Tx) error {
		err := errors.Join(tx.Put(vault, manifest), tx.PutAttachment(scope, scope, index))
		for _, r := range rows {
			err = errors.Join(err, tx.Put(scope, r))
		}
		return err
	})
	_, err := dumpDir(t, dir)
	wantTampered(t, err, "manifest ", "in the vault is at version")
}

// TestOldDatabase puts the whole database back: the audit log knows better.
func TestOldDatabase(t *testing.T) {
	dir := small(t)
	old := files(t, filepath.Join(dir, "vault"))
	h := mustReopen(t, dir)
	set(t, h.vault, here, "B", "newer")
	h.close()
	for name, b := range old {
		if err := os.WriteFile(filepath.Join(dir, "vault", name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := reopen(t.Context(), dir)
	wantTampered(t, err, "vault.db is older than the audit log", "(secret.set)")
}

// TestOldAuditLog puts both files of the audit log back: the vault knows better.
func TestOldAuditLog(t *testing.T) {
	dir := small(t)
	old := files(t, filepath.Join(dir, "audit"))
	h := mustReopen(t, dir)
	if _, err := h.vault.Get(t.Context(), me, ref("shop", "development", "/", "B"), 0); err != nil {
		t.Fatal(err)
	}
	h.close()
	for name, b := range old {
		if err := os.WriteFile(filepath.Join(dir, "audit", name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := reopen(t.Context(), dir)
	wantTampered(t, err, "record")
}

// TestWriteAheadLog damages what SQLite has not merged yet, as a crash leaves it.
func TestWriteAheadLog(t *testing.T) {
	h := newHome(t)
	for i := range 5 {
		set(t, h.vault, here, fmt.Sprint("K", i), fmt.Sprint("canary", i))
	}
	want := list(t, h.vault, here)
	whole := files(t, h.dir) // as after kill -9: nothing is closed
	h.close()
	const wal = "vault/" + store.FileName + "-wal"
	if len(whole[wal]) == 0 {
		t.Fatal("there is no write-ahead log")
	}
	dir := t.TempDir()
	try := func(what string, edit func(map[string][]byte)) {
		t.Helper()
		m := map[string][]byte{}
		for name, b := range whole {
			m[name] = bytes.Clone(b)
		}
		edit(m)
		put(t, dir, m)
		got, err := func() (string, error) {
			h, err := reopen(t.Context(), dir)
			if err != nil {
				return "", err
			}
			defer h.close()
			out, err := h.vault.List(t.Context(), me, here, ListOptions{Recursive: true})
			return show(out...), err
		}()
		if err != nil && !errors.Is(err, ErrTampered) || err == nil && got != want {
			t.Errorf("%s: %q %v", what, got, err)
		}
	}
	try("as it is", func(map[string][]byte) {})
	try("gone", func(m map[string][]byte) { delete(m, wal) })
	try("empty", func(m map[string][]byte) { m[wal] = nil })
	for i := 0; i < len(whole[wal]); i += 1009 {
		try(fmt.Sprintf("cut to %d bytes", i), func(m map[string][]byte) { m[wal] = m[wal][:i] })
		try(fmt.Sprintf("byte %d flipped", i), func(m map[string][]byte) { m[wal][i] ^= 4 })
	}
	put(t, dir, whole)
	if got := list(t, mustReopen(t, dir).vault, here); got != want {
		t.Errorf("control: %q", got)
	}
}
