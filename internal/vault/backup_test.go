package vault

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func backup(t *testing.T, h *home) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := h.vault.Backup(t.Context(), me, filepath.Join(h.dir, "audit"), &out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBackup(t *testing.T) {
	h := filled(t)
	before := content(t, h.vault)
	archive := backup(t, h)
	set(t, h.vault, here, "LATER", "x") // the vault goes on
	if left, _ := filepath.Glob(filepath.Join(h.dir, ".backup-*")); len(left) > 0 {
		t.Errorf("%v is left behind", left)
	}
	for _, canary := range []string{"three", "KEY=one"} {
		if bytes.Contains(archive, []byte(canary)) {
			t.Errorf("%s stands in the archive", canary)
		}
	}
	dir := t.TempDir()
	if err := Restore(t.Context(), dirsIn(dir), bytes.NewReader(archive)); err != nil {
		t.Fatal(err)
	}
	again := mustReopen(t, dir)
	if got := content(t, again.vault); got != before {
		t.Errorf("%q, want %q", got, before)
	}
	set(t, again.vault, here, "AFTER", "y")
	if err := again.vault.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := again.log.Verify(t.Context()); err != nil {
		t.Error(err)
	}
	if err := Restore(t.Context(), dirsIn(dir), bytes.NewReader(archive)); !errors.Is(err, ErrExists) {
		t.Errorf("over a vault: %v", err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 3 { // vault, audit, the lock
		t.Errorf("%v", entries)
	}
}

// An archive is somebody's file: it writes nowhere else, and a damaged one
// leaves nothing.
func TestRestoreRefused(t *testing.T) {
	h := filled(t)
	archive := backup(t, h)
	entry := func(name string, flag byte, content string) []byte {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		_ = w.WriteHeader(&tar.Header{Name: name, Typeflag: flag, Linkname: "/etc/passwd", Size: int64(len(content)), Mode: 0o600})
		_, _ = w.Write([]byte(content))
		_ = w.Close()
		return out.Bytes()
	}
	bad := map[string][]byte{
		"empty": nil, "text": []byte("hello"), "cut": archive[:len(archive)/2], "only a name": entry("vault/vault.db", tar.TypeReg, ""),
		"up": entry("vault/../../x", tar.TypeReg, "x"), "absolute": entry("/tmp/x", tar.TypeReg, "x"), "link": entry("vault/vault.db", tar.TypeSymlink, ""),
		"other": entry("vault/x.sh", tar.TypeReg, "x"), "no database": entry("vault/vault.db", tar.TypeReg, "no database"),
	}
	for i := range 20 { // any changed byte of a file in it
		b := bytes.Clone(archive)
		b[len(b)*(2*i+1)/40] ^= 1
		bad[fmt.Sprint("flipped ", i)] = b
	}
	for name, b := range bad {
		dir := t.TempDir()
		err := Restore(t.Context(), dirsIn(dir), bytes.NewReader(b))
		if err != nil {
			if entries, _ := os.ReadDir(dir); len(entries) != 1 { // the lock
				t.Errorf("%s: %v is left behind", name, entries)
			}
			continue
		}
		// What shows only with the key shows when it is opened.
		again, err := reopen(t.Context(), dir)
		if err == nil {
			_, lerr := again.log.Verify(t.Context())
			err = errors.Join(lerr, again.vault.Verify(t.Context()))
			if err == nil && content(t, again.vault) != content(t, h.vault) {
				t.Errorf("%s: restored as something else", name)
			}
			again.close()
		}
	}
}
