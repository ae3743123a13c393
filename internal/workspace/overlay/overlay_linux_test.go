package overlay

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/change"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, name, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, os.WriteFile(name, []byte(content), 0o644))
}

// whiteoutAt is how the kernel removes a name; anybody may make one.
func whiteoutAt(t testing.TB, name string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(name), 0o755))
	must(t, unix.Mknod(name, unix.S_IFCHR, 0))
}

// opaqueAt hides what the host has below a directory.
func opaqueAt(t testing.TB, name string) {
	t.Helper()
	must(t, os.MkdirAll(name, 0o755))
	must(t, unix.Setxattr(name, opaque, []byte("y"), 0))
}

// trees are a host's tree, as begin makes it, and an empty upper directory.
func trees(t *testing.T, begin func(host string)) (host, upper string, r Reader) {
	t.Helper()
	host, upper = t.TempDir(), t.TempDir()
	must(t, os.Chmod(upper, 0o755))
	begin(host)
	h, err := safefs.Open(host)
	must(t, err)
	u, err := safefs.Open(upper)
	must(t, err)
	t.Cleanup(func() { h.Close(); u.Close() })
	base, err := capture.Again(context.Background(), h, capture.New())
	must(t, err)
	r = Reader{Host: h, Upper: u, Base: base, Began: time.Now(),
		Control: func(rel string) string {
			if strings.EqualFold(filepath.Base(rel), ".envrc") {
				return "direnv"
			}
			return ""
		},
		Secret: func(rel string) bool { return filepath.Base(rel) == ".env" }}
	return host, upper, r
}

func applyAll(t *testing.T, r Reader, w Wish) (changes []Change, plan []change.Action) {
	t.Helper()
	changes, err := r.Changes(context.Background())
	must(t, err)
	plan = r.Plan(changes, w)
	_, err = change.Run(context.Background(), r.Tree(nil, nil), plan)
	must(t, err)
	return changes, plan
}

func listing(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	must(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		must(t, err)
		info, err := d.Info()
		must(t, err)
		content := ""
		if info.Mode().IsRegular() {
			c, err := os.ReadFile(p)
			must(t, err)
			content = string(c)
		} else if info.Mode()&fs.ModeSymlink != 0 {
			content, _ = os.Readlink(p)
		}
		if p != root {
			fmt.Fprintf(&b, "%s %v %s\n", strings.TrimPrefix(p, root+"/"), info.Mode(), content)
		}
		return nil
	}))
	return b.String()
}

func TestApplyingEverythingMakesTheTree(t *testing.T) {
	host, upper, r := trees(t, func(host string) {
		for _, name := range []string{"same", "changed", "gone", "dir/a", "dir/b", "old/x/y", "old/.env", "tofile/in", "todir", "mode"} {
			put(t, host+"/"+name, "host")
		}
		must(t, os.Symlink("same", host+"/link"))
	})
	put(t, upper+"/same", "host")
	put(t, upper+"/changed", "inside")
	whiteoutAt(t, upper+"/gone")
	opaqueAt(t, upper+"/dir")
	put(t, upper+"/dir/c", "inside")
	put(t, upper+"/tofile", "inside")
	put(t, upper+"/todir/new", "inside")
	opaqueAt(t, upper+"/todir")
	put(t, upper+"/mode", "host")
	must(t, os.Chmod(upper+"/mode", 0o755))
	must(t, os.Remove(host+"/link"))
	must(t, os.Symlink("same", host+"/link"))
	applyAll(t, r, Wish{})
	want := `changed -rw-r--r-- inside
dir drwxr-xr-x 
dir/c -rw-r--r-- inside
link Lrwxrwxrwx same
mode -rwxr-xr-x host
old drwxr-xr-x 
old/.env -rw-r--r-- host
old/x drwxr-xr-x 
old/x/y -rw-r--r-- host
same -rw-r--r-- host
todir drwxr-xr-x 
todir/new -rw-r--r-- inside
tofile -rw-r--r-- inside
`
	if got := listing(t, host); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	if changes, err := r.Changes(context.Background()); err != nil || len(changes) > 0 {
		t.Errorf("there is more: %+v %v", changes, err)
	}
}

func TestNothingHarmfulLeaves(t *testing.T) {
	host, upper, r := trees(t, func(host string) {
		put(t, host+"/.env", "SECRET")
		put(t, host+"/keys/.env", "SECRET")
		put(t, host+"/keys/code", "x")
		put(t, host+"/.git/config", "host")
	})
	put(t, upper+"/.env", "planted")
	whiteoutAt(t, upper+"/keys")
	put(t, upper+"/.git/config", "planted")
	put(t, upper+"/sub/.git/config", "planted")
	put(t, upper+"/sub/.ENVRC", "planted")
	put(t, upper+"/sub/.env", "planted")
	put(t, upper+"/setid", "x")
	must(t, os.Chmod(upper+"/setid", 0o755|fs.ModeSetuid|fs.ModeSetgid))
	must(t, unix.Mkfifo(upper+"/fifo", 0o644))
	must(t, unix.Mknod(upper+"/socket", unix.S_IFSOCK|0o644, 0))
	must(t, os.Symlink("/etc/passwd", upper+"/absolute"))
	must(t, os.Symlink("../../x", upper+"/sub/up"))
	must(t, os.Symlink("../setid", upper+"/sub/within"))
	must(t, os.WriteFile(upper+"/holes", nil, 0o644))
	must(t, os.Truncate(upper+"/holes", 4<<40))
	applyAll(t, r, Wish{})
	want := `.env -rw-r--r-- SECRET
.git drwxr-xr-x 
.git/config -rw-r--r-- host
keys drwxr-xr-x 
keys/.env -rw-r--r-- SECRET
setid -rwxr-xr-x x
sub drwxr-xr-x 
sub/within Lrwxrwxrwx ../setid
`
	if got := listing(t, host); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	// Named, what is held comes; what never comes does not.
	for _, dir := range []string{".git", "sub/.git", ".env", "fifo", "socket"} {
		applyAll(t, r, Wish{Paths: []string{dir}, Force: true})
	}
	applyAll(t, r, Wish{Paths: []string{"sub/.ENVRC", "absolute"}})
	want = strings.Replace(want, "keys d", "absolute Lrwxrwxrwx /etc/passwd\nkeys d", 1)
	want = strings.Replace(want, "sub/within", "sub/.ENVRC -rw-r--r-- planted\nsub/within", 1)
	if got := listing(t, host); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestConflictsAreNamed(t *testing.T) {
	host, upper, r := trees(t, func(host string) {
		for _, name := range []string{"edited", "removed", "deleted-inside", "agreed", "dir/f"} {
			put(t, host+"/"+name, "base")
		}
	})
	put(t, upper+"/edited", "inside")
	put(t, upper+"/removed", "inside")
	whiteoutAt(t, upper+"/deleted-inside")
	put(t, upper+"/agreed", "both")
	put(t, upper+"/created", "inside")
	whiteoutAt(t, upper+"/dir")
	for name, text := range map[string]string{"edited": "host!", "deleted-inside": "host!", "agreed": "both", "created": "host!", "dir/new": "host!"} {
		put(t, host+"/"+name, text)
	}
	must(t, os.Remove(host+"/removed"))
	changes, _ := applyAll(t, r, Wish{})
	got := map[string]string{}
	for _, c := range changes {
		if c.Conflict != "" {
			got[c.Path] = c.Conflict
		}
	}
	for name, want := range map[string]string{"edited": "changed", "removed": "removed", "deleted-inside": "changed", "created": "made", "dir/new": "made"} {
		if !strings.Contains(got[name], want) {
			t.Errorf("%s: %q, want a conflict that says %q", name, got[name], want)
		}
	}
	if len(got) != 5 {
		t.Errorf("conflicts: %v", got)
	}
	for name, want := range map[string]string{"edited": "host!", "deleted-inside": "host!", "created": "host!", "dir/new": "host!"} {
		if b, err := os.ReadFile(host + "/" + name); err != nil || string(b) != want {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
	applyAll(t, r, Wish{Force: true})
	if b, _ := os.ReadFile(host + "/edited"); string(b) != "inside" {
		t.Errorf("force did not take it: %q", b)
	}
}

// An overlay that is too deep to be looked through is refused whole.
func TestTooDeep(t *testing.T) {
	_, upper, r := trees(t, func(string) {})
	deep := upper
	for range maxDepth + 1 {
		deep += "/d"
	}
	put(t, deep+"/f", "x")
	if _, err := r.Changes(context.Background()); err != ErrTooMuch {
		t.Errorf("got %v", err)
	}
}
