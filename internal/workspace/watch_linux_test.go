package workspace

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// collector gathers what a watch reports.
type collector struct {
	mu   sync.Mutex
	list []Found
}

func (c *collector) report(f Found) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, f)
}

// wait returns the n-th event of a name, from 1.
func (c *collector) wait(t *testing.T, name string, n int) Found {
	t.Helper()
	return c.until(t, name, n, func(Found) bool { return true })
}

// moved waits until name was moved away n times: a name can be that of a secret
// file, too, and be reported as one before.
func (c *collector) moved(t *testing.T, name string, n int) Found {
	t.Helper()
	return c.until(t, name, n, func(f Found) bool { return f.Kind == Quarantined })
}

func (c *collector) until(t *testing.T, name string, n int, counts func(Found) bool) Found {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Microsecond) {
		c.mu.Lock()
		left := n
		for _, f := range c.list {
			if f.Name == name && counts(f) {
				if left--; left == 0 {
					c.mu.Unlock()
					return f
				}
			}
		}
		c.mu.Unlock()
	}
	t.Fatalf("%s was not reported %d times", name, n)
	return Found{}
}

func watch(t *testing.T, w *Workspace) *collector {
	t.Helper()
	c := &collector{}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	must(t, w.Watch(ctx, c.report))
	return c
}

func gone(t *testing.T, file string) {
	t.Helper()
	if _, err := os.Lstat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", file, err)
	}
}

func TestQuarantine(t *testing.T) {
	root := repository(t)
	outside := t.TempDir()
	put(t, outside+"/f", "outside")
	w := prepare(t, root)
	c := watch(t, w)
	for name, plant := range map[string]func(p string) error{
		".envrc":         func(p string) error { return os.WriteFile(p, []byte("evil"), 0o644) },
		".vscode":        func(p string) error { return os.Mkdir(p, 0o755) },
		".cursor":        func(p string) error { return os.Mkdir(p, 0) },
		".idea":          func(p string) error { return os.Symlink(outside, p) },
		".mcp.json":      func(p string) error { return os.Symlink("/etc/passwd", p) },
		".npmrc":         func(p string) error { return os.Link(root+"/main.go", p) },
		"mise.toml":      func(p string) error { return unix.Mkfifo(p, 0o600) },
		".CLAUDE":        func(p string) error { return os.Mkdir(p, 0o755) },
		".pnpmfile.cjs":  func(p string) error { put(t, root+"/tmp1", "x"); return os.Rename(root+"/tmp1", p) },
		".devcontainer":  func(p string) error { put(t, root+"/d/devcontainer.json", "x"); return os.Rename(root+"/d", p) },
		".tool-versions": func(p string) error { f, err := os.Create(p); f.Close(); return err },
	} {
		must(t, plant(filepath.Join(root, name)))
		f := c.wait(t, name, 1)
		if f.Kind != Quarantined || f.Err != nil || f.Reason == "" {
			t.Errorf("%+v", f)
		}
		gone(t, filepath.Join(root, name))
		if _, err := os.Lstat(f.Where); err != nil || !strings.HasPrefix(f.Where, w.opt.SessionDir) {
			t.Errorf("%s lies nowhere: %v", name, err)
		}
	}
	put(t, root+"/.envrc", "again")
	c.wait(t, ".envrc", 2)
	put(t, root+"/Makefile", "all:\n")
	put(t, root+"/sub/.vscode/x", "of a later day")
	if b, err := os.ReadFile(outside + "/f"); err != nil || string(b) != "outside" {
		t.Errorf("a link was followed: %q %v", b, err)
	}
	if _, err := os.Lstat(root + "/Makefile"); err != nil {
		t.Error("an ordinary file was moved away")
	}
	must(t, w.Close(true))
	if left, _ := os.ReadDir(w.opt.SessionDir + "/quarantine"); len(left) != 12 {
		t.Errorf("%d entries are kept", len(left))
	}
}

// What appears between Prepare and Watch, and after the watch, is found too.
func TestBeforeAndAfterTheWatch(t *testing.T) {
	root := project(t)
	w := prepare(t, root)
	put(t, root+"/.envrc", "x")
	c := &collector{}
	ctx, cancel := context.WithCancel(context.Background())
	must(t, w.Watch(ctx, c.report))
	if len(c.list) != 1 || c.list[0].Name != ".envrc" {
		t.Errorf("%+v", c.list)
	}
	cancel()
	must(t, os.Mkdir(root+"/.git", 0o755))
	found := w.Sweep()
	if len(found)+len(c.list) < 2 {
		t.Errorf("%+v", found)
	}
	gone(t, root+"/.git")
}

func TestSecretFileAppears(t *testing.T) {
	root := project(t)
	put(t, root+"/.env", "A=canary\n")
	put(t, root+"/api/.env", "A=canary\n")
	put(t, root+"/.vscode/x", "x")
	w := prepare(t, root)
	c := watch(t, w)
	put(t, root+"/tmp", "A=new canary\nB=c\n")
	must(t, os.Rename(root+"/tmp", root+"/.env")) // an editor's save
	if f := c.wait(t, ".env", 1); f.Kind != SecretFile {
		t.Errorf("%+v", f)
	}
	f, ok, err := w.Refresh(".env")
	if err != nil || !ok || f.Target != root+"/.env" || string(f.Content) != "A=stand-in-A\nB=stand-in-B\n" {
		t.Errorf("%+v %v %v", f, ok, err)
	}
	put(t, root+"/api/.env.local", "A=canary\n")
	c.wait(t, "api/.env.local", 1)
	put(t, root+"/id_rsa", "canary")
	c.wait(t, "id_rsa", 1)
	if f, ok, err := w.Refresh("id_rsa"); err != nil || ok || len(f.Content) != 0 {
		t.Errorf("%+v %v %v", f, ok, err)
	}
	if _, _, err := w.Refresh("tmp.txt"); err == nil {
		t.Error("a file that is no secret has a view")
	}
	must(t, os.Rename(root+"/.vscode", root+"/.old"))
	must(t, os.Mkdir(root+"/.vscode", 0o755))
	if f := c.wait(t, ".vscode", 1); f.Kind != Replaced {
		t.Errorf("%+v", f)
	}
}

// A link in the root cannot carry a mount: it may stay what it is, no more.
func TestLinkedControlName(t *testing.T) {
	root := project(t)
	put(t, root+"/shared/x", "x")
	must(t, os.Symlink("shared", root+"/.vscode"))
	w := prepare(t, root)
	c := watch(t, w)
	must(t, os.Remove(root+"/.vscode"))
	must(t, os.Symlink("shared", root+"/.vscode"))
	must(t, os.Remove(root+"/.vscode"))
	must(t, os.Symlink("evil", root+"/.vscode"))
	c.wait(t, ".vscode", 1)
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if to, err := os.Readlink(root + "/.vscode"); err != nil || to == "shared" {
			return
		}
	}
	t.Error("the other link stays")
}

// The entry that is moved is the one that appeared, whatever is swapped in:
// nothing outside the root is ever moved or written.
func TestSwapDuringQuarantine(t *testing.T) {
	root := project(t)
	outside := t.TempDir()
	put(t, outside+"/f", "outside")
	w := prepare(t, root)
	c := watch(t, w)
	for i := range 300 {
		switch i % 3 {
		case 0:
			_ = os.Mkdir(root+"/.vscode", 0o755)
		case 1:
			_ = os.Symlink(outside, root+"/.vscode")
		default:
			_ = os.WriteFile(root+"/.vscode", nil, 0o600)
		}
		_ = os.WriteFile(root+"/.vscode/tasks.json", []byte("x"), 0o600)
		_ = os.Rename(root+"/.vscode", root+"/.idea")
	}
	put(t, root+"/.envrc", "last")
	c.wait(t, ".envrc", 1)
	w.Sweep()
	gone(t, root+"/.vscode")
	gone(t, root+"/.idea")
	if list, _ := os.ReadDir(outside); len(list) > 2 || len(list) == 0 {
		t.Errorf("outside: %v", list) // tasks.json through the link is the planter's own doing
	}
	if b, _ := os.ReadFile(outside + "/f"); string(b) != "outside" {
		t.Errorf("outside/f: %q", b)
	}
}

// Across file systems the name goes at once, the content after it.
func TestQuarantineAcrossFileSystems(t *testing.T) {
	shm, err := os.MkdirTemp("/dev/shm", "bailey-test-")
	if err != nil {
		t.Skip("/dev/shm is not writable: no second file system")
	}
	t.Cleanup(func() { os.RemoveAll(shm) })
	root := project(t)
	w := prepare(t, root, func(o *Options) { o.SessionDir = shm + "/s"; must(t, os.Mkdir(o.SessionDir, 0o700)) })
	c := watch(t, w)
	must(t, os.Mkdir(root+"/d", 0o755))
	put(t, root+"/d/sub/tasks.json", "evil")
	must(t, os.Symlink("/etc", root+"/d/link"))
	must(t, unix.Mkfifo(root+"/d/fifo", 0o600))
	must(t, os.Rename(root+"/d", root+"/.vscode"))
	f := c.wait(t, ".vscode", 1)
	if b, err := os.ReadFile(f.Where + "/sub/tasks.json"); err != nil || string(b) != "evil" {
		t.Errorf("%+v: %q %v", f, b, err)
	}
	if list, _ := os.ReadDir(root); len(list) != 0 {
		t.Errorf("left in the project: %v", list)
	}
}

func TestRecover(t *testing.T) {
	root := repository(t)
	sessions := t.TempDir()
	dead := func(id string) *Workspace {
		return prepare(t, root, func(o *Options) {
			o.SessionDir, o.SessionID = sessions+"/"+id, id
			must(t, os.Mkdir(o.SessionDir, 0o700))
		})
	}
	w := dead("dead")
	alive := dead("alive")
	must(t, os.MkdirAll(w.opt.RunDir, 0o755))
	must(t, os.Symlink(root+"/.git/objects", w.opt.RunDir+"/objects"))
	git(t, root, "--git-dir="+w.opt.SessionDir+"/git", "--work-tree="+root, "commit", "-q", "--allow-empty", "-m", "unfinished")
	put(t, root+"/"+".bailey-aside-"+"dead-7/tasks.json", "x") // killed in a move
	put(t, root+"/"+".bailey-aside-"+"alive-7/tasks.json", "x")
	put(t, root+"/.envrc", "the user's, made later")
	put(t, root+"/web/.vscode/tasks.json", "planted")
	must(t, w.lock.Close()) // what the kernel does on kill -9
	left, err := Recover(context.Background(), sessions)
	must(t, err)
	if len(left) != 1 || left[0].SessionID != "dead" || len(left[0].Quarantined) != 1 || strings.Join(left[0].Unfinished, " ") != "refs/heads/main" {
		t.Fatalf("%+v", left)
	}
	gone(t, root+"/"+".bailey-aside-"+"dead-7")
	if !strings.Contains(strings.Join(left[0].Notes, "\n"), "web/.vscode appeared or changed") {
		t.Errorf("%q", left[0].Notes)
	}
	if _, err := os.Lstat(root + "/" + ".bailey-aside-" + "alive-7"); err != nil {
		t.Error("a live session's move was finished by another")
	}
	if _, err := os.Lstat(root + "/.envrc"); err != nil {
		t.Error("the user's file was moved away")
	}
	if _, err := Reopen(alive.opt.SessionDir, ""); !errors.Is(err, errAlive) {
		t.Errorf("reopened a live session: %v", err)
	}
	again, err := Reopen(sessions+"/dead", os.Getenv("PATH"))
	must(t, err)
	rep, err := again.Finish(context.Background())
	must(t, err)
	if got := git(t, root, "log", "-1", "--format=%s"); got != "unfinished" {
		t.Errorf("host is at %s; %+v", got, rep)
	}
	must(t, again.Close(true))
	if left, err := Recover(context.Background(), sessions); err != nil || len(left) != 0 {
		t.Errorf("%+v %v", left, err)
	}
}

// The time from a name's appearance to its absence.
func BenchmarkQuarantine(b *testing.B) {
	root := filepath.Join(b.TempDir(), "p")
	must(b, os.Mkdir(root, 0o755))
	w := prepare(b, root)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	must(b, w.Watch(ctx, func(Found) {}))
	for b.Loop() {
		must(b, os.Mkdir(root+"/.vscode", 0o755))
		for {
			if _, err := os.Lstat(root + "/.vscode"); err != nil {
				break
			}
		}
	}
}
