package gitdir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/safefs"
)

// git runs the real git in dir with an environment of its own.
func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := tryGit(dir, args...)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("git is not installed")
	}
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func tryGit(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@x", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@x", "GIT_EDITOR=true"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func put(t testing.TB, file, data string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(t, os.WriteFile(file, []byte(data), 0o644))
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// repo makes a repository with a few commits, branches and tags.
func repo(t testing.TB, init ...string) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "root")
	must(t, os.Mkdir(root, 0o755))
	git(t, root, append([]string{"init", "-q", "-b", "main"}, init...)...)
	put(t, root+"/a.txt", "a\n")
	put(t, root+"/dir/sub/b.txt", "b\n")
	put(t, root+"/dir/sub/b2", "b\n")
	must(t, os.Symlink("a.txt", root+"/link"))
	git(t, root, "add", ".")
	git(t, root, "commit", "-qm", "one")
	git(t, root, "branch", "topic/x")
	git(t, root, "tag", "-a", "-m", "tag", "v1")
	git(t, root, "tag", "light")
	git(t, root, "pack-refs", "--all")
	put(t, root+"/a.txt", "a2\n")
	git(t, root, "commit", "-qam", "two")
	git(t, root, "tag", "-a", "-m", "tag", "v2")
	git(t, root, "update-ref", "refs/remotes/origin/main", "HEAD~1")
	git(t, root, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
	return root
}

// build makes a private directory that borrows from the real objects.
func build(t testing.TB, root string, masked map[string]bool) (dir string, start Start) {
	t.Helper()
	p, err := Locate(root)
	must(t, err)
	x, err := p.ReadIndex()
	must(t, err)
	dir = filepath.Join(t.TempDir(), "git")
	start, err = p.Build(context.Background(), Plan{Dir: dir, Objects: objects(t, p), Masked: masked, Index: x})
	must(t, err)
	return dir, start
}

func objects(t testing.TB, p *Repo) []string {
	t.Helper()
	list, err := p.Objects(func(string) bool { return true })
	must(t, err)
	return list
}

// Whoever wrote the repository chose what it borrows from: a directory that is
// not the project's must not be shown inside.
func TestObjectsElsewhereAreRefused(t *testing.T) {
	outside := t.TempDir()
	for name, plant := range map[string]func(git string) error{
		"alternates": func(git string) error {
			return os.WriteFile(git+"/objects/info/alternates", []byte(outside+"\n"), 0o644)
		},
		"link in alternates": func(git string) error {
			if err := os.Symlink(outside, git+"/lent"); err != nil {
				return err
			}
			return os.WriteFile(git+"/objects/info/alternates", []byte("../lent\n"), 0o644)
		},
		"objects as a link": func(git string) error {
			if err := os.RemoveAll(git + "/objects"); err != nil {
				return err
			}
			return os.Symlink(outside, git+"/objects")
		},
		"quoted": func(git string) error {
			return os.WriteFile(git+"/objects/info/alternates", []byte(`"`+outside+`"`+"\n"), 0o644)
		},
	} {
		root := repo(t)
		p, err := Locate(root)
		must(t, err)
		must(t, plant(root+"/.git"))
		list, err := p.Objects(func(dir string) bool { return strings.HasPrefix(dir, root) })
		if !errors.Is(err, ErrBorrows) {
			t.Errorf("%s: %v %v", name, list, err)
		}
	}
}

func TestBuildLooksTheSame(t *testing.T) {
	for _, init := range [][]string{nil, {"--object-format=sha256"}} {
		root := repo(t, init...)
		put(t, root+"/staged", "x")
		git(t, root, "add", "staged")
		put(t, root+"/a.txt", "changed\n")
		git(t, root, "stash", "-q")
		put(t, root+"/dir/sub/b.txt", "changed\n")
		put(t, root+"/new", "x\n")
		git(t, root, "add", "new")
		dir, start := build(t, root, nil)
		for _, args := range [][]string{
			{"status", "--porcelain=2", "--branch"}, {"log", "--all", "--oneline", "--decorate"}, {"for-each-ref"}, {"stash", "list"},
			{"reflog"}, {"diff"}, {"diff", "--cached"}, {"fsck"}, {"show", "v1", "v2"}, {"rev-parse", "--show-object-format"},
		} {
			want := git(t, root, args...)
			got := git(t, root, append([]string{"--git-dir=" + dir, "--work-tree=" + root}, args...)...)
			if got != want {
				t.Errorf("git %v inside:\n%s\noutside:\n%s", args, got, want)
			}
		}
		if len(start.Stash) != 1 || start.Head.Branch != "refs/heads/main" || len(start.Refs) != 7 {
			t.Errorf("start is %+v", start)
		}
	}
}

func TestBuildHoldsNoCommandOrCredential(t *testing.T) {
	root := repo(t)
	git(t, root, "remote", "add", "o", "https://user:canary@h.test/x")
	git(t, root, "config", "core.fsmonitor", "canary")
	git(t, root, "config", "http.extraHeader", "canary")
	put(t, root+"/.git/hooks/pre-commit", "#!/bin/sh\necho canary\n")
	put(t, root+"/.git/credentials", "canary")
	dir, _ := build(t, root, nil)
	must(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if strings.Contains(string(b), "canary") {
			t.Errorf("%s holds the canary", p)
		}
		return err
	}))
	if got := git(t, root, "--git-dir="+dir, "remote", "-v"); !strings.Contains(got, "https://h.test/x") {
		t.Errorf("remotes: %s", got)
	}
}

func TestBuildOperations(t *testing.T) {
	root := repo(t)
	git(t, root, "switch", "-q", "-c", "other", "HEAD~1")
	put(t, root+"/a.txt", "conflict\n")
	git(t, root, "commit", "-qam", "other")
	if _, err := tryGit(root, "merge", "main"); err == nil {
		t.Fatal("the merge should conflict")
	}
	dir, start := build(t, root, nil)
	if Operation(start.States) != "merge" {
		t.Errorf("operation %q", Operation(start.States))
	}
	put(t, root+"/a.txt", "solved\n")
	git(t, root, "--git-dir="+dir, "--work-tree="+root, "commit", "-qam", "merged")
	if got := git(t, root, "--git-dir="+dir, "log", "-1", "--format=%s %p"); strings.Count(got, " ") != 2 {
		t.Errorf("no merge was made: %q", got)
	}
	git(t, root, "merge", "--abort")
	if _, err := tryGit(root, "rebase", "main"); err == nil {
		t.Fatal("the rebase should conflict")
	}
	dir, start = build(t, root, nil)
	if Operation(start.States) != "rebase" || start.Head.Object == "" {
		t.Errorf("operation %q, head %+v", Operation(start.States), start.Head)
	}
	git(t, root, "--git-dir="+dir, "--work-tree="+root, "rebase", "--abort")
}

func TestUnbornAndAlternates(t *testing.T) {
	root := filepath.Join(t.TempDir(), "r")
	must(t, os.Mkdir(root, 0o755))
	git(t, root, "init", "-q", "-b", "trunk")
	dir, start := build(t, root, nil)
	if start.Head.Branch != "refs/heads/trunk" || start.Index != "" {
		t.Errorf("start %+v", start)
	}
	git(t, root, "--git-dir="+dir, "--work-tree="+root, "commit", "-q", "--allow-empty", "-m", "first")

	lender := repo(t)
	clone := filepath.Join(t.TempDir(), "clone")
	git(t, lender, "clone", "-q", "--shared", lender, clone)
	p, err := Locate(clone)
	must(t, err)
	if got := objects(t, p); !slices.Equal(got, []string{clone + "/.git/objects", lender + "/.git/objects"}) {
		t.Errorf("objects %v", got)
	}
	dir, _ = build(t, clone, nil)
	git(t, clone, "--git-dir="+dir, "fsck", "--strict")
}

func TestLinkedWorktreeAndSubmodule(t *testing.T) {
	root := repo(t)
	linked := filepath.Join(t.TempDir(), "linked")
	git(t, root, "worktree", "add", "-q", linked, "topic/x")
	p, err := Locate(linked)
	must(t, err)
	if !p.Linked || p.CommonDir != root+"/.git" || p.GitDir != root+"/.git/worktrees/linked" {
		t.Errorf("%+v", p)
	}
	dir, start := build(t, linked, nil)
	if start.Head.Branch != "refs/heads/topic/x" {
		t.Errorf("head %+v", start.Head)
	}
	if got := git(t, linked, "--git-dir="+dir, "--work-tree="+linked, "status", "--porcelain"); got != "" {
		t.Errorf("status %q", got)
	}

	super := repo(t)
	git(t, super, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", root, "sub")
	p, err = Locate(super + "/sub")
	must(t, err)
	if !p.Linked || p.GitDir != super+"/.git/modules/sub" {
		t.Errorf("%+v", p)
	}
}

// A .git that came with a hostile archive must not lead anywhere.
func TestLocateRefuses(t *testing.T) {
	victim := repo(t)
	git(t, victim, "worktree", "add", "-q", filepath.Join(t.TempDir(), "w"), "topic/x")
	fresh := func() string {
		d := filepath.Join(t.TempDir(), "h")
		must(t, os.Mkdir(d, 0o755))
		return d
	}
	for name, plant := range map[string]func(root string){
		"pointer to a repository": func(r string) { put(t, r+"/.git", "gitdir: "+victim+"/.git\n") },
		"pointer to a worktree":   func(r string) { put(t, r+"/.git", "gitdir: "+victim+"/.git/worktrees/w\n") },
		"own worktree directory": func(r string) {
			put(t, r+"/.git", "gitdir: e/worktrees/h\n")
			put(t, r+"/e/worktrees/h/gitdir", r+"/.git\n")
			put(t, r+"/e/worktrees/h/commondir", victim+"/.git\n")
		},
		"link":       func(r string) { must(t, os.Symlink(victim+"/.git", r+"/.git")) },
		"commondir":  func(r string) { git(t, r, "init", "-q"); put(t, r+"/.git/commondir", victim+"/.git\n") },
		"reftable":   func(r string) { git(t, r, "init", "-q"); git(t, r, "config", "extensions.refStorage", "reftable") },
		"format":     func(r string) { git(t, r, "init", "-q"); git(t, r, "config", "extensions.objectFormat", "md5") },
		"fifo":       func(r string) { must(t, exec.Command("mkfifo", r+"/.git").Run()) },
		"no objects": func(r string) { put(t, r+"/.git/HEAD", "ref: refs/heads/x\n") },
		"objects elsewhere": func(r string) {
			git(t, r, "init", "-q")
			must(t, os.RemoveAll(r+"/.git/objects"))
			must(t, os.Symlink(victim+"/.git/objects", r+"/.git/objects"))
		},
	} {
		r := fresh()
		plant(r)
		p, err := Locate(r)
		if err == nil || errors.Is(err, ErrNone) {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
	if _, err := Locate(fresh()); !errors.Is(err, ErrNone) {
		t.Errorf("no repository: %v", err)
	}
}

func TestIndexAsGit(t *testing.T) {
	for _, version := range []string{"2", "3", "4"} {
		for _, format := range []string{"sha1", "sha256"} {
			root := repo(t, "--object-format="+format)
			for i := range 300 {
				put(t, fmt.Sprintf("%s/many/%d/file%d", root, i%7, i*i), "x")
			}
			git(t, root, "add", ".")
			if version == "3" {
				put(t, root+"/later", "x")
				git(t, root, "add", "-N", "later")
			}
			git(t, root, "update-index", "--index-version", version)
			p, err := Locate(root)
			must(t, err)
			x, err := p.ReadIndex()
			must(t, err)
			var got strings.Builder
			must(t, x.Each(func(e IndexEntry) { fmt.Fprintf(&got, "%o %x %d\t%s\n", e.Mode, e.Object, e.Stage, e.Path) }))
			if want := git(t, root, "ls-files", "-s"); got.String() != want {
				t.Errorf("version %s %s:\n%s\nwant\n%s", version, format, got.String(), want)
			}
		}
	}
}

func TestMaskedFilesAreNotChanges(t *testing.T) {
	for _, version := range []string{"2", "4"} {
		root := repo(t)
		git(t, root, "update-index", "--index-version", version)
		dir, _ := build(t, root, map[string]bool{"a.txt": true, "dir/sub/b2": true})
		put(t, root+"/a.txt", "other bytes")
		put(t, root+"/dir/sub/b.txt", "a real change")
		got := git(t, root, "--git-dir="+dir, "--work-tree="+root, "status", "--porcelain")
		if got != " M dir/sub/b.txt\n" {
			t.Errorf("version %s: status %q", version, got)
		}
		git(t, root, "--git-dir="+dir, "--work-tree="+root, "fsck", "--cache")
	}
}

func TestRefsAsGit(t *testing.T) {
	root := repo(t)
	r, err := safefs.Open(root + "/.git")
	must(t, err)
	defer r.Close()
	put(t, root+"/.git/refs/heads/broken", "zzz\n")
	put(t, root+"/.git/refs/heads/a..b", "zzz\n")
	refs, bad, err := ReadRefs(context.Background(), r, 40)
	must(t, err)
	if bad != 2 {
		t.Errorf("%d bad", bad)
	}
	must(t, os.Remove(root+"/.git/refs/heads/broken"))
	must(t, os.Remove(root+"/.git/refs/heads/a..b"))
	for line := range strings.Lines(git(t, root, "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags")) {
		o, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if refs.Direct[name] != o {
			t.Errorf("%s is %s, want %s", name, refs.Direct[name], o)
		}
	}
	if refs.Symbolic["refs/remotes/origin/HEAD"] != "refs/remotes/origin/main" {
		t.Errorf("symbolic %v", refs.Symbolic)
	}
}

// What we accept git accepts too; what is dangerous we refuse.
func TestValidRef(t *testing.T) {
	good := []string{"refs/heads/main", "refs/heads/a/b-c_d.e", "refs/tags/v1.0", "refs/heads/grün", "refs/heads/@"}
	for _, n := range good {
		if !ValidRef(n) {
			t.Errorf("%q is refused", n)
		}
		git(t, ".", "check-ref-format", n)
	}
	for _, n := range []string{"", "HEAD", "refs/", "refs/heads/../../x", "refs/heads/a..b", "refs/heads/.a", "refs/heads/a.lock", "refs/heads/a.lock/b",
		"refs/heads/a b", "refs/heads/a~1", "refs/heads/a^", "refs/heads/a:b", "refs/heads/a?", "refs/heads/a*", "refs/heads/a[", "refs/heads/a\\b",
		"refs/heads/a\x1b[2J", "refs/heads/a\x7f", "refs/heads//a", "refs/heads/a/", "refs/heads/a.", "refs/heads/a@{1}", "refs/heads/-d",
		"refs/heads/a\n", "refs/heads/\u202ex", "refs/heads/\xff", "refs/heads/\u200b", "refs/heads/" + strings.Repeat("x", 2000)} {
		if ValidRef(n) {
			t.Errorf("%q is accepted", n)
		}
	}
}

func FuzzValidRef(f *testing.F) {
	f.Add("refs/heads/main")
	f.Add("refs/heads/a@{b")
	f.Fuzz(func(t *testing.T, name string) {
		if !ValidRef(name) {
			return
		}
		if strings.ContainsAny(name, "\x00\n") || filepath.Clean(name) != name || !filepath.IsLocal(name) {
			t.Errorf("%q is no clean local path", name)
		}
	})
}

func FuzzIndex(f *testing.F) {
	root := repo(f)
	for _, v := range []string{"2", "4"} {
		git(f, root, "update-index", "--index-version", v)
		b, err := os.ReadFile(root + "/.git/index")
		must(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := NewIndex(b, 40)
		if err != nil {
			return
		}
		paths := map[string]bool{}
		if x.Each(func(e IndexEntry) { paths[string(e.Path)] = true }) != nil {
			return
		}
		marked, err := x.AssumeUnchanged(paths)
		if err != nil || len(marked) != len(b) {
			t.Errorf("%d bytes became %d, %v", len(b), len(marked), err)
		}
	})
}

func FuzzPacked(f *testing.F) {
	f.Add([]byte("# pack-refs with: peeled \n" + strings.Repeat("a", 40) + " refs/heads/x\n^" + strings.Repeat("b", 40) + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		one := Refs{map[string]string{}, nil, map[string]string{}}
		if _, err := parsePacked(b, 40, one); err != nil {
			return
		}
		two := Refs{map[string]string{}, nil, map[string]string{}}
		bad, err := parsePacked(formatPacked(one), 40, two)
		if bad != 0 || err != nil || fmt.Sprint(one) != fmt.Sprint(two) {
			t.Errorf("%v became %v", one, two)
		}
	})
}

func TestReadRefsIsBounded(t *testing.T) {
	dir := t.TempDir()
	var packed strings.Builder
	for i := range maxRefs + 2 {
		fmt.Fprintf(&packed, "%040x refs/heads/%d\n", i+1, i)
	}
	put(t, dir+"/packed-refs", packed.String())
	must(t, os.Mkdir(dir+"/refs", 0o755))
	r, err := safefs.Open(dir)
	must(t, err)
	defer r.Close()
	if _, _, err := ReadRefs(context.Background(), r, 40); err == nil {
		t.Error("too many references were read")
	}
}

func BenchmarkBuild(b *testing.B) {
	root := repo(b)
	for i := range 2000 {
		put(b, fmt.Sprintf("%s/many/%d/file%d", root, i%70, i), "x")
	}
	git(b, root, "add", ".")
	p, err := Locate(root)
	must(b, err)
	base := b.TempDir()
	n := 0
	for b.Loop() {
		n++
		x, err := p.ReadIndex()
		must(b, err)
		_, err = p.Build(context.Background(), Plan{Dir: fmt.Sprintf("%s/%d", base, n), Objects: objects(b, p), Index: x})
		must(b, err)
	}
}
