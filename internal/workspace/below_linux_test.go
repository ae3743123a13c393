package workspace

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
)

func watchBelow(t *testing.T, w *Workspace) *collector {
	t.Helper()
	c := &collector{}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	must(t, w.Watch(ctx, c.report))
	w.WatchBelow(ctx, c.report)
	return c
}

// Whatever way a control name takes to a place below the root, it is moved
// away, and can be had back.
func TestQuarantineBelow(t *testing.T) {
	root := repository(t)
	put(t, root+"/apps/web/main.js", "x")
	put(t, root+"/hidden/.vscode/tasks.json", "the user's") // was there
	w := prepare(t, root)
	c := watchBelow(t, w)
	put(t, root+"/node_modules/s/d/.vscode/tasks.json", "evil")
	must(t, os.Rename(root+"/node_modules/s", root+"/stage")) // below a directory that is new itself
	c.wait(t, "stage/d/.vscode", 1)
	for name, plant := range map[string]func(p string) error{
		"apps/.envrc":            func(p string) error { return os.WriteFile(p, []byte("evil"), 0o644) },
		"apps/web/.vscode":       func(p string) error { return os.Mkdir(p, 0o755) },
		"apps/web/.IDEA":         func(p string) error { return os.Mkdir(p, 0o755) },
		"apps/web/.v\u017fcode":  func(p string) error { return os.Mkdir(p, 0o755) },
		"apps/.cursor":           func(p string) error { return os.Symlink("/etc", p) },
		"apps/web/.npmrc":        func(p string) error { return os.Link(root+"/main.go", p) },
		"new/deep/er/.mcp.json":  func(p string) error { must(t, os.MkdirAll(filepath.Dir(p), 0o755)); return os.WriteFile(p, nil, 0o644) },
		"apps/.config/mise.toml": func(p string) error { put(t, p, "x"); return nil },
		"moved/.devcontainer.json": func(p string) error {
			put(t, root+"/node_modules/x/.devcontainer.json", "x")
			return os.Rename(root+"/node_modules/x", root+"/moved")
		},
		"apps/web/src/mise.toml": func(p string) error {
			must(t, os.Mkdir(root+"/apps/web/src", 0o755))
			put(t, root+"/t", "x")
			return os.Rename(root+"/t", p)
		},
	} {
		must(t, plant(filepath.Join(root, name)))
		if f := c.wait(t, name, 1); f.Kind != Quarantined || f.Err != nil {
			t.Errorf("%+v", f)
		}
		gone(t, filepath.Join(root, name))
	}
	must(t, os.Rename(root+"/apps", root+"/programs")) // the watch follows
	put(t, root+"/programs/web/.gdbinit", "evil")
	c.wait(t, "programs/web/.gdbinit", 1)
	put(t, root+"/node_modules/y/.npmrc", "of a package")
	put(t, root+"/last/.envrc", "last")
	c.wait(t, "last/.envrc", 1)
	for _, p := range []string{"/hidden/.vscode/tasks.json", "/node_modules/y/.npmrc", "/programs/web/main.js"} {
		if _, err := os.Lstat(root + p); err != nil {
			t.Errorf("moved away: %v", err)
		}
	}
	w.Sweep()
	restored(t, w, root)
}

func restored(t *testing.T, w *Workspace, root string) {
	t.Helper()
	dir, err := safefs.Open(w.opt.SessionDir)
	must(t, err)
	defer dir.Close()
	list, err := Taken(dir)
	i := slices.IndexFunc(list, func(m Moved) bool { return m.Name == "stage/d/.vscode" })
	if err != nil || len(list) != 13 || i < 0 || list[i].Reason == "" {
		t.Fatalf("%d: %+v %v", len(list), list, err)
	}
	must(t, os.RemoveAll(root+"/stage"))
	must(t, Restore(dir, w.root, list[i]))
	if b, err := os.ReadFile(root + "/stage/d/.vscode/tasks.json"); err != nil || string(b) != "evil" {
		t.Errorf("%q %v", b, err)
	}
	if err := Restore(dir, w.root, list[i]); err == nil {
		t.Error("restored twice")
	}
	put(t, root+"/last/.envrc", "the user's")
	i = slices.IndexFunc(list, func(m Moved) bool { return m.Name == "last/.envrc" })
	if err := Restore(dir, w.root, list[i]); err == nil {
		t.Error("replaced what stands there")
	}
}

// Making and cloning repositories is ordinary work; what in one would run a
// command on the host is taken from it.
func TestRepositoriesBelow(t *testing.T) {
	root := repository(t)
	put(t, root+"/sub/x", "x")
	w := prepare(t, root)
	c := watchBelow(t, w)
	hit := func(dir string) {
		t.Helper()
		out, _ := tryRun(root+"/"+dir, "git", "status")
		_, _ = tryRun(root+"/"+dir, "git", "commit", "--allow-empty", "-qm", "x")
		if _, err := os.Lstat(root + "/hit"); err == nil {
			t.Errorf("git ran what %s told it: %s", dir, out)
		}
	}
	evil := "touch " + root + "/hit"
	git(t, root, "init", "-q", "made")
	git(t, root, "clone", "-q", "made", "sub/clone")
	git(t, root, "init", "-q", "--bare", "bare")
	git(t, root+"/made", "config", "core.fsmonitor", evil)
	c.wait(t, "made/.git/config", 1)
	hit("made")
	git(t, root+"/bare", "config", "core.worktree", "..")
	c.wait(t, "bare/config", 1)
	must(t, os.WriteFile(root+"/sub/clone/.git/hooks/post-commit", []byte("#!/bin/sh\n"+evil), 0o755))
	c.wait(t, "sub/clone/.git/hooks/post-commit", 1)
	hit("sub/clone")
	put(t, root+"/sub/clone/.git/commondir", "../../../bare\n")
	c.wait(t, "sub/clone/.git/commondir", 1)
	appendTo(t, root+"/sub/clone/.git/config", "[core]\n\tfsmonitor = "+evil+"\n") // in place
	c.wait(t, "sub/clone/.git/config", 1)
	hit("sub/clone")
	// The repository's pieces are made elsewhere and put together by renaming.
	git(t, root, "init", "-q", "node_modules/parts")
	git(t, root+"/node_modules/parts", "config", "core.fsmonitor", evil)
	must(t, os.Rename(root+"/node_modules/parts", root+"/parts"))
	c.wait(t, "parts/.git/config", 1)
	hit("parts")
	put(t, root+"/sub/.git", "gitdir: ../node_modules/evil\n")
	c.wait(t, "sub/.git", 1)
	put(t, root+"/made/w/.git", "gitdir: /tmp/elsewhere\n")
	c.wait(t, "made/w/.git", 1)
	put(t, root+"/sub/tree/.git", "gitdir: "+root+"/.git/worktrees/tree\n") // where git puts it
	put(t, root+"/src/hooks/useThing.ts", "no git hook")
	put(t, root+"/last/.envrc", "last")
	c.wait(t, "last/.envrc", 1)
	w.Sweep()
	for _, p := range []string{"/made/.git/HEAD", "/sub/clone/.git/HEAD", "/bare/HEAD", "/sub/tree/.git", "/src/hooks/useThing.ts"} {
		if _, err := os.Lstat(root + p); err != nil {
			t.Errorf("moved away: %v", err)
		}
	}
}

func appendTo(t *testing.T, file, text string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(text)
	must(t, err)
	must(t, f.Close())
}

// What stood below the root at the start is read-only inside.
func TestProtectedBelow(t *testing.T) {
	root := repository(t)
	for _, p := range []string{"/web/.vscode/tasks.json", "/web/.vscode/inner/.npmrc", "/api/.mise.toml", "/node_modules/x/.npmrc", "/fixture/config", "/fixture/HEAD"} {
		put(t, root+p, "mine")
	}
	must(t, os.Link(root+"/web/.vscode/tasks.json", root+"/web/plain.json"))
	must(t, os.Link(root+"/api/.mise.toml", root+"/other"))
	must(t, os.MkdirAll(root+"/fixture/objects", 0o755))
	must(t, os.MkdirAll(root+"/fixture/refs", 0o755))
	w := prepare(t, root)
	out := mustInside(t, w, `
		for f in web/.vscode/tasks.json web/.vscode/inner/.npmrc api/.mise.toml fixture/config web/plain.json other; do echo evil 2>/dev/null >$f && echo "WROTE $f"; done
		mv web web2 2>/dev/null && echo MOVED
		mv api/.mise.toml api/x 2>/dev/null && echo MOVED
		echo fine > web/main.js && echo fine > node_modules/x/.npmrc
		true`)
	if out != "" {
		t.Errorf("inside: %s", out)
	}
	if b, _ := os.ReadFile(root + "/node_modules/x/.npmrc"); string(b) != "fine\n" {
		t.Error("a package's file is protected")
	}
}

func TestHostSocketAppears(t *testing.T) {
	root := repository(t)
	w := prepare(t, root)
	put(t, root+"/run/x", "x")
	c := watchBelow(t, w)
	l, err := net.Listen("unix", root+"/run/host.sock")
	must(t, err)
	defer l.Close()
	if f := c.wait(t, "run/host.sock", 1); f.Kind != HostSocket {
		t.Errorf("%+v", f)
	}
	if os.Getuid() != 0 {
		return // another network namespace needs a capability
	}
	script := `import socket; s=socket.socket(socket.AF_UNIX); s.bind("` + root + `/run/inside.sock"); open("` + root + `/run/.envrc","w"); import time; time.sleep(60)`
	cmd := exec.Command("unshare", "-n", "python3", "-c", script)
	must(t, cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	c.wait(t, "run/.envrc", 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.ContainsFunc(c.list, func(f Found) bool { return strings.Contains(f.Name, "inside.sock") }) {
		t.Error("a socket made in another network namespace counts as the host's")
	}
}

// Also in a root without any directory, made there or moved to it.
func TestHostSocketAppearsInRoot(t *testing.T) {
	root := project(t)
	w := prepare(t, root)
	c := watchBelow(t, w)
	elsewhere := t.TempDir() + "/s"
	for name, make := range map[string]func(p string) error{
		"bound.sock": func(p string) error { return listenUntil(t, p) },
		"moved.sock": func(p string) error {
			return errors.Join(listenUntil(t, elsewhere), os.Rename(elsewhere, p))
		},
	} {
		must(t, make(root+"/"+name))
		if f := c.wait(t, name, 1); f.Kind != HostSocket {
			t.Errorf("%+v", f)
		}
	}
}

func listenUntil(t *testing.T, p string) error {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: p})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	t.Cleanup(func() { l.Close() })
	return nil
}

// Directories are renamed to and fro while a name is planted in them: none is
// left when the session ends, and nothing outside was touched.
func TestRacesBelow(t *testing.T) {
	root := project(t)
	outside := t.TempDir()
	put(t, outside+"/.envrc", "outside")
	put(t, root+"/a/x", "x")
	w := prepare(t, root)
	watchBelow(t, w)
	for i := range 500 {
		_ = os.MkdirAll(root+"/a/b/c", 0o755)
		_ = os.WriteFile(root+"/a/b/c/.envrc", nil, 0o600)
		_ = os.Rename(root+"/a/b", fmt.Sprintf("%s/a/d%d", root, i%7))
		_ = os.RemoveAll(fmt.Sprintf("%s/a/d%d", root, (i+3)%7))
		_ = os.Symlink(outside, root+"/a/b")
		_ = os.Remove(root + "/a/b")
	}
	w.Sweep()
	_ = filepath.WalkDir(root, func(p string, d os.DirEntry, err error) error {
		if d.Name() == ".envrc" {
			t.Errorf("%s is left", p)
		}
		return nil
	})
	if b, _ := os.ReadFile(outside + "/.envrc"); string(b) != "outside" {
		t.Error("a link was followed")
	}
}

// A tree that can't be watched whole is looked through at the end.
func TestUnwatchedBelow(t *testing.T) {
	root := project(t)
	deep := root + strings.Repeat("/d", 70)
	must(t, os.MkdirAll(deep, 0o755))
	w := prepare(t, root)
	c := watchBelow(t, w)
	if f := c.wait(t, ".", 1); f.Kind != Unwatched || f.Err == nil {
		t.Errorf("%+v", f)
	}
	put(t, root+"/d/.envrc", "x")
	c.wait(t, "d/.envrc", 1)
	w.Sweep()
}

// BenchmarkBelow is the whole cost of watching 2,000 directories once.
func BenchmarkBelow(b *testing.B) {
	root := project(b)
	for i := range 2000 {
		must(b, os.MkdirAll(fmt.Sprintf("%s/%d/%d", root, i/50, i), 0o755))
	}
	for b.Loop() {
		w := prepare(b, root)
		ctx, cancel := context.WithCancel(context.Background())
		planted := make(chan struct{}, 1)
		must(b, w.Watch(ctx, func(Found) {}))
		start := time.Now()
		w.WatchBelow(ctx, func(Found) { planted <- struct{}{} })
		b.ReportMetric(float64(time.Since(start).Microseconds()), "µs-of-the-start")
		must(b, os.Mkdir(root+"/7/.vscode", 0o755))
		<-planted
		w.Sweep()
		cancel()
	}
}

// A program that ends before it is watched leaves nothing either.
func TestShortLifeBelow(t *testing.T) {
	root := repository(t)
	put(t, root+"/a/x", "x")
	w := prepare(t, root)
	c := watchBelow(t, w)
	put(t, root+"/a/.envrc", "x")
	git(t, root, "init", "-q", "a/made")
	git(t, root+"/a/made", "config", "core.fsmonitor", "false")
	found := w.Sweep()
	gone(t, root+"/a/.envrc")
	gone(t, root+"/a/made/.git/config")
	if len(found)+len(c.list) != 2 {
		t.Errorf("%+v %+v", found, c.list)
	}
}

// What the user's git checks out beside a running session stays, because its
// index vouches for it; what was planted meanwhile does not, nor what is changed
// after that.
func TestHostCheckoutStays(t *testing.T) {
	root := repository(t)
	put(t, root+"/web/x", "x")
	git(t, root, "checkout", "-qb", "other")
	put(t, root+"/web/.tool-versions", "the user's")
	put(t, root+"/web/.vscode/tasks.json", "the user's")
	put(t, root+"/.vscode/tasks.json", "the user's")
	for n := range 300 {
		put(t, fmt.Sprintf("%s/.idea/%d", root, n), "many")
	}
	put(t, root+"/.envrc", "direnv")
	put(t, root+"/.npmrc", "x=y")
	git(t, root, "add", "-f", ".")
	git(t, root, "commit", "-qm", "settings")
	git(t, root, "checkout", "-q", "main")
	put(t, root+"/web/x", "x")
	w := prepare(t, root)
	c := watchBelow(t, w)
	put(t, root+"/web/.envrc", "planted")
	c.wait(t, "web/.envrc", 1)
	for range 5 { // never failing, whatever the watch does meanwhile
		git(t, root, "checkout", "-qf", "other")
		git(t, root, "checkout", "-qf", "main")
	}
	git(t, root, "checkout", "-qf", "other")
	stays := func(f Found) bool { return f.Kind == CheckedOut }
	names := []string{"web/.tool-versions", "web/.vscode", ".vscode", ".idea", ".envrc", ".npmrc"}
	for _, name := range names {
		c.until(t, name, 1, stays)
		w.Replaced(name, 0, c.report) // as its mount was laid anew
	}
	// What holds one open from before it became read-only may write to it.
	put(t, root+"/.vscode/tasks.json", "evil")
	put(t, root+"/.idea/more", "planted")
	put(t, root+"/.npmrc", "x=evil")
	for _, name := range []string{".vscode", ".idea", ".npmrc"} {
		c.moved(t, name, 1)
	}
	w.Sweep()
	gone(t, root+"/.idea/more")
	for name, evil := range map[string]string{".vscode/tasks.json": "evil", ".npmrc": "x=evil"} {
		if b, _ := os.ReadFile(root + "/" + name); string(b) == evil {
			t.Errorf("%s holds what was planted", name)
		}
	}
	gone(t, root+"/web/.envrc")
	for _, name := range []string{".envrc", "web/.tool-versions", "web/.vscode/tasks.json"} {
		if _, err := os.Lstat(root + "/" + name); err != nil {
			t.Error(err)
		}
	}
}

// While git is at work nothing is taken away from under it, but not for ever.
func TestWaitsForGit(t *testing.T) {
	root := repository(t)
	w := prepare(t, root)
	c := watchBelow(t, w)
	put(t, root+"/.git/index.lock", "")
	must(t, os.Mkdir(root+"/.vscode", 0o755))
	put(t, root+"/.envrc", "planted")
	time.Sleep(200 * time.Millisecond) // nothing happens
	c.mu.Lock()
	for _, f := range c.list {
		if f.Kind == Quarantined {
			t.Errorf("%+v", f)
		}
	}
	c.mu.Unlock()
	must(t, os.Remove(root+"/.git/index.lock"))
	c.moved(t, ".vscode", 1)
	c.moved(t, ".envrc", 1)
	// A lock that was left behind does not count.
	put(t, root+"/.git/index.lock", "")
	old := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(root+"/.git/index.lock", old, old))
	must(t, os.Mkdir(root+"/.vscode", 0o755))
	c.moved(t, ".vscode", 2)
}

// A protected entry that the host removes leaves its name bare: what a program
// inside puts there is moved away, or at least said, also at the last moment.
func TestReplacedWhileBare(t *testing.T) {
	root := repository(t)
	for _, name := range []string{".vscode/tasks.json", ".idea/x", ".envrc", ".npmrc", ".tool-versions"} {
		put(t, root+"/"+name, "the user's")
	}
	git(t, root, "add", "-f", ".tool-versions")
	git(t, root, "commit", "-qm", "tools")
	w := prepare(t, root)
	c := watchBelow(t, w)
	time.Sleep(100 * time.Millisecond) // the watch below begins
	again := func(name, content string) {
		must(t, os.RemoveAll(root+"/"+name))
		if name == ".vscode" || name == ".idea" {
			put(t, root+"/"+name+"/tasks.json", content)
			return
		}
		put(t, root+"/"+name, content)
	}
	again(".vscode", "evil")
	w.Replaced(".vscode", 0, c.report)
	c.moved(t, ".vscode", 1)
	again(".envrc", "an editor's save, or not")
	w.Replaced(".envrc", 0, c.report)
	c.until(t, ".envrc", 1, func(f Found) bool { return f.Kind == Doubtful })
	again(".npmrc", "planted")
	w.Replaced(".npmrc", 2*time.Second, c.report)
	c.moved(t, ".npmrc", 1)
	again(".npmrc", "planted again, at once")
	w.Replaced(".npmrc", 0, c.report)
	c.moved(t, ".npmrc", 2)
	again(".tool-versions", "the user's")
	w.Replaced(".tool-versions", 2*time.Second, c.report)
	again(".idea", "planted at the last moment")
	found := w.Sweep()
	if len(found) != 1 || found[0].Name != ".idea" || found[0].Kind != Quarantined {
		t.Errorf("at the end: %+v", found)
	}
	for _, name := range []string{".vscode", ".npmrc", ".idea"} {
		gone(t, root+"/"+name)
	}
}
