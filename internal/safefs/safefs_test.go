package safefs

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func open(t testing.TB) (*Root, string) {
	t.Helper()
	dir := t.TempDir()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r, dir
}

func write(t testing.TB, name, data string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Every way of naming something outside, for every call that takes a name.
func TestNothingOutside(t *testing.T) {
	r, dir := open(t)
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, secret, "canary")
	write(t, filepath.Join(dir, "in"), "in")
	must(t, os.Symlink(secret, filepath.Join(dir, "link")))
	must(t, os.Symlink(filepath.Dir(secret), filepath.Join(dir, "linkdir")))
	must(t, os.Symlink("in", filepath.Join(dir, "inner")))
	write(t, filepath.Join(dir, "sub/f"), "in")
	must(t, os.Symlink("sub", filepath.Join(dir, "innerdir")))
	for _, name := range []string{"../secret", "a/../../x", secret, "link", "linkdir/secret", "inner", "innerdir/f", "", "/", "..", "in\x00"} {
		if b, err := r.ReadFile(name, 100); err == nil {
			t.Errorf("ReadFile(%q) = %q", name, b)
		}
		if strings.HasSuffix(name, "link") || name == "inner" {
			continue // these may be replaced, removed or described: the link itself is meant
		}
		calls := map[string]error{
			"WriteFile": r.WriteFile(name, []byte("x"), 0o600),
			"Create":    r.CreateExclusive(name, []byte("x"), 0o600),
			"Mkdir":     r.Mkdir(name, 0o700),
			"MkdirAll":  r.MkdirAll(name+"/d", 0o700),
			"Remove":    r.Remove(name),
			"Rename":    r.Rename("in", name),
			"RenameOut": r.Rename(name, "x"),
			"MoveTo":    r.MoveTo("in", r, name),
		}
		for call, err := range calls {
			if err == nil {
				t.Errorf("%s(%q) succeeded", call, name)
			}
		}
		if _, err := r.Lstat(name); err == nil {
			t.Errorf("Lstat(%q) succeeded", name)
		}
		if _, err := r.Sub(name); err == nil {
			t.Errorf("Sub(%q) succeeded", name)
		}
	}
	if _, err := r.ReadFile("link", 100); !errors.Is(err, ErrOutside) {
		t.Errorf("reading a link: %v, want ErrOutside", err)
	}
	if b, _ := os.ReadFile(secret); string(b) != "canary" {
		t.Errorf("the file outside changed to %q", b)
	}
}

func TestWriteFileReplacesLinkNotTarget(t *testing.T) {
	r, dir := open(t)
	outside := filepath.Join(t.TempDir(), "victim")
	write(t, outside, "old")
	must(t, os.Symlink(outside, filepath.Join(dir, "a")))
	must(t, r.WriteFile("a", []byte("new"), 0o640))
	if b, _ := os.ReadFile(outside); string(b) != "old" {
		t.Errorf("written through the link: %q", b)
	}
	info, err := os.Lstat(filepath.Join(dir, "a"))
	must(t, err)
	if info.Mode() != 0o640 {
		t.Errorf("mode %v, want 0640 regular", info.Mode())
	}
	if left, _ := r.ReadDir(".", 0); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// A swap of a directory for a link while reading must never show the outside.
func TestSwapRace(t *testing.T) {
	r, dir := open(t)
	out := t.TempDir()
	write(t, filepath.Join(out, "f"), "canary")
	write(t, filepath.Join(dir, "d/f"), "fine")
	must(t, os.Symlink(out, filepath.Join(dir, "l")))
	stop := make(chan struct{})
	var swapper sync.WaitGroup
	swapper.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			_ = os.Rename(filepath.Join(dir, "d"), filepath.Join(dir, "t"))
			_ = os.Rename(filepath.Join(dir, "l"), filepath.Join(dir, "d"))
			_ = os.Rename(filepath.Join(dir, "d"), filepath.Join(dir, "l"))
			_ = os.Rename(filepath.Join(dir, "t"), filepath.Join(dir, "d"))
		}
	})
	seen := 0
	for range 20000 {
		if b, err := r.ReadFile("d/f", 10); err == nil {
			seen++
			if string(b) != "fine" {
				t.Fatalf("read %q", b)
			}
		}
		_ = r.WriteFile("d/w", []byte("x"), 0o600)
	}
	close(stop)
	swapper.Wait()
	if seen == 0 {
		t.Error("the race never let a read through: it proves nothing")
	}
	if list, _ := os.ReadDir(out); len(list) != 1 {
		t.Errorf("written outside: %v", list)
	}
}

func TestReadFileLimit(t *testing.T) {
	r, dir := open(t)
	write(t, filepath.Join(dir, "f"), "12345")
	if b, err := r.ReadFile("f", 5); err != nil || string(b) != "12345" {
		t.Errorf("at the limit: %q, %v", b, err)
	}
	if _, err := r.ReadFile("f", 4); !errors.Is(err, ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := r.ReadFile(".", 4); !errors.Is(err, ErrNotRegular) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := r.ReadFile("none", 4); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
}

func TestMoveToNeverReplaces(t *testing.T) {
	r, dir := open(t)
	q, qdir := open(t)
	write(t, filepath.Join(dir, "a"), "new")
	write(t, filepath.Join(qdir, "a"), "old")
	if err := r.MoveTo("a", q, "a"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto an existing name: %v", err)
	}
	must(t, r.MoveTo("a", q, "b"))
	if b, _ := os.ReadFile(filepath.Join(qdir, "b")); string(b) != "new" {
		t.Errorf("moved %q", b)
	}
}

func TestRemoveAll(t *testing.T) {
	r, dir := open(t)
	out := t.TempDir()
	write(t, filepath.Join(out, "keep"), "x")
	write(t, filepath.Join(dir, "d/e/f"), "x")
	must(t, os.Symlink(out, filepath.Join(dir, "d/e/l")))
	must(t, os.Chmod(filepath.Join(dir, "d/e"), 0))
	must(t, r.RemoveAll("d"))
	must(t, r.RemoveAll("d"))
	if _, err := os.Lstat(filepath.Join(dir, "d")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("still there: %v", err)
	}
	if _, err := os.Lstat(filepath.Join(out, "keep")); err != nil {
		t.Errorf("followed a link: %v", err)
	}
}

func TestWalk(t *testing.T) {
	r, dir := open(t)
	for _, f := range []string{"a/b/c/f", "a/g", "skip/x", "z"} {
		write(t, filepath.Join(dir, f), "")
	}
	must(t, os.Symlink("/", filepath.Join(dir, "a/root")))
	walk := func(lim Limits) (string, bool) {
		var got []string
		ok, err := r.Walk(context.Background(), ".", lim, func(p string, e Entry) error {
			if p == "skip" {
				return fs.SkipDir
			}
			if e.Ino == 0 {
				t.Errorf("%s has no inode number", p)
			}
			got = append(got, p)
			return nil
		})
		must(t, err)
		return strings.Join(got, " "), ok
	}
	got, ok := walk(Limits{})
	if !ok || len(strings.Fields(got)) != 7 || !strings.HasSuffix(got, "a/b/c/f") {
		t.Errorf("walk: %q complete %v", got, ok)
	}
	if got, ok = walk(Limits{Depth: 2}); ok || strings.Contains(got, "a/b/c") {
		t.Errorf("depth 2: %q complete %v", got, ok)
	}
	if got, ok = walk(Limits{Entries: 3}); ok || len(strings.Fields(got)) > 3 {
		t.Errorf("3 entries: %q complete %v", got, ok)
	}
}

func TestResolve(t *testing.T) {
	r, dir := open(t)
	write(t, filepath.Join(dir, "conf/dev.env"), "")
	must(t, os.Symlink("conf/dev.env", filepath.Join(dir, "rel")))
	must(t, os.Symlink(filepath.Join(dir, "conf/dev.env"), filepath.Join(dir, "abs")))
	must(t, os.Symlink("/etc/passwd", filepath.Join(dir, "out")))
	for _, name := range []string{"rel", "abs", "conf/dev.env"} {
		if got, err := r.Resolve(name); err != nil || got != "conf/dev.env" {
			t.Errorf("Resolve(%s) = %q, %v", name, got, err)
		}
	}
	if _, err := r.Resolve("out"); !errors.Is(err, ErrOutside) {
		t.Errorf("Resolve(out): %v", err)
	}
}
