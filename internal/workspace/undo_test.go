package workspace

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/workspace/change"
	"github.com/bailey-project/bailey/internal/workspace/undo"
)

// snapshot is every entry of a tree but git's own: type, mode, content.
func snapshot(t testing.TB, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		must(t, err)
		if d.Name() == ".git" {
			return fs.SkipDir
		}
		rel, _ := filepath.Rel(root, p)
		info, err := d.Info()
		must(t, err)
		what := info.Mode().String()
		switch {
		case info.Mode()&fs.ModeSymlink != 0:
			what, err = os.Readlink(p)
			must(t, err)
			what = "-> " + what
		case info.Mode().IsRegular():
			b, err := os.ReadFile(p)
			must(t, err)
			what += " " + info.ModTime().String() + " " + string(b)
		}
		all[rel] = what
		return nil
	}))
	return all
}

func differences(a, b map[string]string) (list []string) {
	for p := range a {
		if a[p] != b[p] {
			list = append(list, fmt.Sprintf("%s: %.80q, now %.80q", p, a[p], b[p]))
		}
	}
	for p := range b {
		if _, ok := a[p]; !ok {
			list = append(list, fmt.Sprintf("%s: new, %.80q", p, b[p]))
		}
	}
	slices.Sort(list)
	return list
}

func keeping(t testing.TB) func(*Options) {
	dir := t.TempDir()
	return func(o *Options) {
		o.Keep = &Keep{Store: dir, Bytes: 1 << 30, Files: 1 << 20, Time: time.Minute}
	}
}

// session runs do between the start and the end of one, and returns its directory.
func session(t testing.TB, root string, do func(), change ...func(*Options)) string {
	t.Helper()
	w, err := tryPrepare(t, root, change...)
	must(t, err)
	do()
	_, err = w.Finish(context.Background())
	must(t, err)
	must(t, w.Settle(context.Background(), false))
	must(t, w.Close(true))
	return w.opt.SessionDir
}

func undoAll(t testing.TB, dir string, paths ...string) undo.Steps {
	t.Helper()
	var left undo.Steps
	must(t, WithUndo(context.Background(), dir, os.Getenv("PATH"), func(u *undo.Session) error {
		p, err := u.Plan(context.Background(), paths)
		must(t, err)
		left, err = u.Run(context.Background(), p)
		for _, a := range p.Files {
			if a.Kind == change.Leave {
				left.Files = append(left.Files, a)
			}
		}
		return err
	}))
	return left
}

// big is a repository with everything that a project has.
func big(t testing.TB) string {
	root := repository(t)
	put(t, root+"/.gitignore", "build/\n*.local\n")
	for i := range 300 {
		put(t, fmt.Sprintf("%s/src/%d/file%d.go", root, i%7, i), fmt.Sprintf("package p // %d\n", i))
	}
	put(t, root+"/run.sh", "#!/bin/sh\n")
	must(t, os.Chmod(root+"/run.sh", 0o755))
	must(t, os.Symlink("main.go", root+"/link"))
	git(t, root, "add", ".")
	git(t, root, "commit", "-qm", "two")
	tick(t) // so that git's index can vouch for the files
	git(t, root, "status")
	put(t, root+"/main.go", "package main // not committed\n")
	put(t, root+"/build/out/app", strings.Repeat("binary\x00", 100_000))
	put(t, root+"/notes.local", "ignored\n")
	put(t, root+"/empty.local", "")
	put(t, root+"/new.go", "package untracked\n")
	must(t, os.Mkdir(root+"/void", 0o750))
	put(t, root+"/locked/in", "x")
	must(t, os.Chmod(root+"/locked", 0o555))
	t.Cleanup(func() { _ = os.Chmod(root+"/locked", 0o755) })
	return root
}

// rampage is an agent on its worst day.
func rampage(t testing.TB, root, private string) {
	t.Helper()
	must(t, os.RemoveAll(root+"/build"))
	must(t, os.Remove(root+"/notes.local"))
	must(t, os.Remove(root+"/empty.local"))
	must(t, os.RemoveAll(root+"/src/1"))
	must(t, os.Symlink("/etc", root+"/src/1"))
	must(t, os.Remove(root+"/src/2/file2.go"))
	must(t, os.Symlink("/etc/passwd", root+"/src/2/file2.go"))
	must(t, os.Remove(root+"/main.go"))
	put(t, root+"/main.go/now/a/directory", "x")
	must(t, os.Remove(root+"/link"))
	put(t, root+"/link", "no link any more")
	put(t, root+"/new.go", "package changed")
	must(t, os.Chmod(root+"/run.sh", 0o600))
	must(t, os.Remove(root+"/void"))
	must(t, os.Chmod(root+"/locked", 0o755))
	must(t, os.Remove(root+"/locked/in"))
	must(t, os.Chmod(root+"/locked", 0o500))
	put(t, root+"/src/3/hidden", "x")
	must(t, os.Chmod(root+"/src/3", 0o111))
	put(t, root+"/closed/in/here", "x")
	must(t, os.Chmod(root+"/closed", 0))
	for i := range 10_000 {
		put(t, fmt.Sprintf("%s/made/%d/%d", root, i%50, i), "")
	}
	put(t, root+"/node_modules/x/index.js", "x")
	// The same size and time as before, to pass for unchanged.
	info, err := os.Stat(root + "/src/4/file4.go")
	must(t, err)
	put(t, root+"/src/4/file4.go", "package q // 4\n")
	must(t, os.Chtimes(root+"/src/4/file4.go", info.ModTime(), info.ModTime()))
	if private != "" {
		rewrite(t, root, private)
	}
}

// rewrite is what rewriting history inside leaves in the private directory.
func rewrite(t testing.TB, root, private string) {
	t.Helper()
	alternates, err := os.ReadFile(private + "/objects/info/alternates")
	must(t, err)
	must(t, os.WriteFile(private+"/objects/info/alternates", []byte(root+"/.git/objects\n"), 0o644))
	git(t, root, "--git-dir="+private, "--work-tree="+root, "commit", "-q", "--amend", "--allow-empty", "-m", "rewritten")
	git(t, root, "--git-dir="+private, "--work-tree="+root, "branch", "made-inside")
	git(t, root, "--git-dir="+private, "--work-tree="+root, "rm", "-q", "--cached", "run.sh")
	must(t, os.WriteFile(private+"/objects/info/alternates", alternates, 0o644))
}

func gitState(t testing.TB, root string) string {
	index, err := os.ReadFile(root + "/.git/index")
	must(t, err)
	config, err := os.ReadFile(root + "/.git/config")
	must(t, err)
	return git(t, root, "for-each-ref", "refs/heads", "refs/tags") + git(t, root, "symbolic-ref", "HEAD") + fmt.Sprintf("%x", index) + string(config)
}

func TestUndo(t *testing.T) {
	root := big(t)
	before, state := snapshot(t, root), gitState(t, root)
	w, err := tryPrepare(t, root, keeping(t))
	must(t, err)
	rampage(t, root, w.opt.SessionDir+"/git")
	_, err = w.Finish(context.Background())
	must(t, err)
	must(t, w.Settle(context.Background(), false))
	must(t, w.Close(true))
	if !strings.Contains(git(t, root, "log", "-1", "--format=%s"), "rewritten") {
		t.Fatal("history was not rewritten: nothing is tried here")
	}
	if left := undoAll(t, w.opt.SessionDir); len(left.Files)+len(left.Git) > 0 {
		t.Errorf("left: %+v", left)
	}
	for _, d := range differences(before, snapshot(t, root)) {
		t.Error(d)
	}
	if gitState(t, root) != state {
		t.Error("the repository is not what it was")
	}
	u, err := undo.Open(context.Background(), w.opt.SessionDir, os.Getenv("PATH"))
	must(t, err)
	defer u.Close()
	if p, err := u.Plan(context.Background(), nil); err != nil || !p.Empty() || len(p.Files) > 0 {
		t.Errorf("there is more to undo: %+v %v", p, err)
	}
}

// dying is a context that ends after so many questions.
type dying struct {
	context.Context
	left int
}

func (d *dying) Err() error {
	if d.left--; d.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestUndoStoppedAndRunAgain(t *testing.T) {
	root := big(t)
	before := snapshot(t, root)
	dir := session(t, root, func() { rampage(t, root, "") }, keeping(t))
	stops := 0
	for n := 3; ; n += n / 2 {
		u, err := undo.Open(context.Background(), dir, os.Getenv("PATH"))
		must(t, err)
		p, err := u.Plan(context.Background(), nil)
		must(t, err)
		_, err = change.Run(&dying{context.Background(), n}, u.Tree(), p.Files)
		u.Close()
		// What a kill in the middle of a write leaves.
		put(t, root+"/src/.bailey-ABCDEFGHIJKLMNOPQRSTUVWXYZ.tmp", "half")
		if err == nil {
			break
		}
		stops++
	}
	undoAll(t, dir)
	for _, d := range differences(before, snapshot(t, root)) {
		t.Error(d)
	}
	if stops < 5 {
		t.Errorf("stopped only %d times", stops)
	}
}

func TestUndoKeepsTheUsersWork(t *testing.T) {
	root := big(t)
	dir := session(t, root, func() {
		put(t, root+"/new.go", "agent")
		put(t, root+"/run.sh", "agent")
		put(t, root+"/made/by/agent", "agent")
		must(t, os.Remove(root+"/notes.local"))
		put(t, root+"/.env.production", "KEY=user") // the user's, beside the agent
	}, keeping(t))
	put(t, root+"/new.go", "user, later")
	put(t, root+"/made/by/user", "user")
	put(t, root+"/notes.local", "user")
	put(t, root+"/src/0/file0.go", "user")
	must(t, os.Remove(root+"/src/0/file7.go"))
	left := undoAll(t, dir)
	for p, want := range map[string]string{"new.go": "user, later", "made/by/user": "user", "notes.local": "user",
		"src/0/file0.go": "user", "run.sh": "#!/bin/sh\n", ".env.production": "KEY=user"} {
		if b, err := os.ReadFile(root + "/" + p); err != nil || string(b) != want {
			t.Errorf("%s: %q %v, want %q", p, b, err, want)
		}
	}
	for _, p := range []string{"made/by/agent", "src/0/file7.go"} {
		if _, err := os.Lstat(root + "/" + p); err == nil {
			t.Errorf("%s is there", p)
		}
	}
	var named []string
	for _, a := range left.Files {
		named = append(named, a.Path)
	}
	slices.Sort(named)
	if want := []string{".env.production", "made", "made/by", "new.go", "notes.local"}; !slices.Equal(named, want) {
		t.Errorf("left %v, want %v", named, want)
	}
}

func TestUndoOfSomePaths(t *testing.T) {
	root := big(t)
	dir := session(t, root, func() {
		put(t, root+"/new.go", "agent")
		put(t, root+"/src/0/file0.go", "agent")
		put(t, root+"/src/made", "agent")
	}, keeping(t))
	undoAll(t, dir, "src")
	if b, _ := os.ReadFile(root + "/src/0/file0.go"); !bytes.Contains(b, []byte("package")) {
		t.Error("the named file was not put back")
	}
	if b, _ := os.ReadFile(root + "/new.go"); string(b) != "agent" {
		t.Error("another file was put back")
	}
	if _, err := os.Lstat(root + "/src/made"); err == nil {
		t.Error("the new file stays")
	}
}

// Of a session that was killed nothing that appeared is deleted.
func TestUndoOfAKilledSession(t *testing.T) {
	root := big(t)
	before := snapshot(t, root)
	w, err := tryPrepare(t, root, keeping(t))
	must(t, err)
	rampage(t, root, "")
	must(t, w.Close(false)) // as the kernel does
	undoAll(t, w.opt.SessionDir)
	for _, d := range differences(before, snapshot(t, root)) {
		t.Error(d)
	}
	for _, p := range []string{"made/3/3", "main.go/now/a/directory", "node_modules/x/index.js", "src/1"} {
		if _, err := os.Lstat(filepath.Join(w.opt.SessionDir, undo.AsideDir, p)); err != nil {
			t.Errorf("%s was not kept: %v", p, err)
		}
	}
}

// A start that keeps nothing new costs no copies; a second one finds what the
// first kept.
func TestKeepingAgainCostsNothing(t *testing.T) {
	root := big(t)
	keep := keeping(t)
	var o Options
	keep(&o)
	size := func() (n int64) {
		must(t, filepath.WalkDir(o.Keep.Store, func(p string, d fs.DirEntry, err error) error {
			if info, err := d.Info(); err == nil && d.Type().IsRegular() && d.Name() != "known" {
				n += info.Size()
			}
			return err
		}))
		return n
	}
	session(t, root, func() { put(t, root+"/x", "1") }, keep)
	first := size()
	if first < 700_000 || first > 710_000 {
		t.Errorf("%d bytes were kept: more or less than what git does not hold", first)
	}
	session(t, root, func() { put(t, root+"/x", "22") }, keep, func(o *Options) { o.SessionID = "s2" })
	if second := size() - first; second != 1 {
		t.Errorf("the second session kept %d bytes, want the one that is new", second)
	}
	if b := session(t, root, func() {}, keep, func(o *Options) { o.SessionID = "s3" }); exists(b + "/undo") {
		t.Error("a session that changed nothing left something")
	}
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}

// No copy of a secret lies in the store.
func TestNothingSecretIsKept(t *testing.T) {
	root := big(t)
	put(t, root+"/.env", "KEY=canary-value-1234\n")
	must(t, os.Link(root+"/.env", root+"/innocent"))
	keep := keeping(t)
	dir := session(t, root, func() { put(t, root+"/x", "1") }, keep)
	var o Options
	keep(&o)
	for _, d := range []string{o.Keep.Store, dir} {
		must(t, filepath.WalkDir(d, func(p string, e fs.DirEntry, err error) error {
			if b, err := os.ReadFile(p); err == nil && bytes.Contains(b, []byte("canary-value")) {
				t.Errorf("%s holds the secret", p)
			}
			return err
		}))
	}
	must(t, os.Remove(root+"/.env")) // by the user
	undoAll(t, dir)
	if exists(root+"/.env") || !exists(root+"/innocent") {
		t.Error("undo touched a secret file")
	}
}

// restore∘capture is the identity, whatever happens in between.
func TestUndoIsTheInverse(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 6))
		root := project(t)
		if seed%2 == 0 {
			git(t, root, "init", "-q")
		}
		mutate(t, r, root, 40)
		if seed%2 == 0 {
			git(t, root, "add", "-A")
			git(t, root, "commit", "-q", "--allow-empty", "-m", "x")
			mutate(t, r, root, 10)
		}
		before := snapshot(t, root)
		dir := session(t, root, func() { mutate(t, r, root, 80) }, keeping(t))
		if !exists(dir + "/undo") {
			continue
		}
		left := undoAll(t, dir)
		for _, d := range differences(before, snapshot(t, root)) {
			t.Errorf("seed %d: %s (left %+v)", seed, d, left)
		}
	}
}

// mutate does n random things in a tree of few names, so that they meet.
func mutate(t testing.TB, r *rand.Rand, root string, n int) {
	t.Helper()
	name := func() string {
		parts := make([]string, 1+r.IntN(3))
		for i := range parts {
			parts[i] = string('a' + rune(r.IntN(4)))
		}
		return root + "/" + strings.Join(parts, "/")
	}
	for range n {
		p, q := name(), name()
		switch r.IntN(9) {
		case 0, 1, 2:
			if os.MkdirAll(filepath.Dir(p), 0o755) == nil {
				_ = os.WriteFile(p, bytes.Repeat([]byte{byte('a' + r.IntN(3))}, r.IntN(4)*100), 0o644)
			}
		case 3:
			_ = os.MkdirAll(p, 0o755)
		case 4:
			_ = os.RemoveAll(p)
		case 5:
			_ = os.Symlink(q, p)
		case 6:
			_ = os.Rename(p, q)
		case 7:
			if info, err := os.Lstat(p); err == nil && info.Mode()&fs.ModeSymlink == 0 {
				_ = os.Chmod(p, fs.FileMode(0o500+r.IntN(8)*8+r.IntN(8))|0o700)
			}
		case 8:
			_ = os.Link(p, q)
		}
	}
}

// BenchmarkKeep is what undo adds to a session in a project of 20,000 files.
func BenchmarkKeep(b *testing.B) {
	root := repository(b)
	for i := range 20000 {
		put(b, fmt.Sprintf("%s/src/%d/file%d.go", root, i%300, i), "x")
	}
	git(b, root, "add", ".")
	git(b, root, "commit", "-qm", "all")
	tick(b)
	git(b, root, "status")
	for _, how := range []string{"without", "with"} {
		b.Run(how, func(b *testing.B) {
			for b.Loop() {
				if how == "with" {
					session(b, root, func() {}, keeping(b))
				} else {
					session(b, root, func() {})
				}
			}
		})
	}
}

// What sessions that can still be undone need is never collected, and nothing
// else stays.
func TestCollect(t *testing.T) {
	stores, sessions := t.TempDir(), t.TempDir()
	in := func(id string) func(*Options) {
		return func(o *Options) {
			must(t, os.Remove(o.SessionDir))
			o.SessionID, o.SessionDir = id, sessions+"/"+id
			must(t, os.Mkdir(o.SessionDir, 0o700))
			o.Keep = &Keep{Store: stores + "/p", Bytes: 1 << 30, Files: 1 << 20, Time: time.Minute}
		}
	}
	root := project(t)
	put(t, root+"/f", "first")
	session(t, root, func() { put(t, root+"/f", "agent") }, in("a"))
	put(t, root+"/f", "second")
	w, err := tryPrepare(t, root, in("b")) // alive
	must(t, err)
	put(t, root+"/f", "third")
	session(t, root, func() { put(t, root+"/f", "agent") }, in("c"))
	must(t, os.RemoveAll(sessions+"/c"))
	must(t, Collect(stores, sessions))
	list, err := os.ReadDir(stores + "/p")
	must(t, err)
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	if !slices.Equal(names, []string{"a", "b"}) {
		t.Errorf("the store has %v", names)
	}
	must(t, w.Close(false))
	put(t, root+"/f", "agent")
	undoAll(t, sessions+"/b")
	if b, _ := os.ReadFile(root + "/f"); string(b) != "second" {
		t.Errorf("%q was put back", b)
	}
}
