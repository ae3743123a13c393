package githome

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

	"github.com/bailey-project/bailey/internal/workspace/gitdir"
)

// rig is a repository of the host and a private directory made of it. The
// inside is played by git with --git-dir: the private one's objects are
// borrowed from the real place instead of a mount.
type rig struct {
	t       *testing.T
	root    string
	private string
	repo    *gitdir.Repo
	start   gitdir.Start
	scratch string
}

func tryGit(dir string, args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-c", "protocol.file.allow=always"}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@x", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@x", "GIT_EDITOR=true"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := tryGit(dir, args...)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("git is not installed")
	}
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func put(t testing.TB, file, data string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(file), 0o755))
	must(t, os.WriteFile(file, []byte(data), 0o644))
}

// newRig makes a repository with two commits on main and a branch topic.
func newRig(t *testing.T, init ...string) *rig {
	t.Helper()
	r := &rig{t: t, root: filepath.Join(t.TempDir(), "root")}
	must(t, os.Mkdir(r.root, 0o755))
	r.out(append([]string{"init", "-q", "-b", "main"}, init...)...)
	put(t, r.root+"/a.txt", "a\n")
	put(t, r.root+"/dir/b.txt", "b\n")
	r.out("add", ".")
	r.out("commit", "-qm", "one")
	r.out("branch", "topic")
	put(t, r.root+"/a.txt", "a2\n")
	r.out("commit", "-qam", "two")
	return r
}

// enter makes the private directory: the session begins.
func (r *rig) enter() *rig {
	r.t.Helper()
	var err error
	r.repo, err = gitdir.Locate(r.root)
	must(r.t, err)
	x, err := r.repo.ReadIndex()
	must(r.t, err)
	base := r.t.TempDir()
	r.private, r.scratch = filepath.Join(base, "git"), filepath.Join(base, "scratch")
	objects, err := r.repo.Objects(func(string) bool { return true })
	must(r.t, err)
	r.start, err = r.repo.Build(context.Background(), gitdir.Plan{Dir: r.private, Objects: objects, Index: x})
	must(r.t, err)
	return r
}

// in runs git as the inside does, out as the user does.
func (r *rig) in(args ...string) string {
	r.t.Helper()
	return git(r.t, r.root, append([]string{"--git-dir=" + r.private, "--work-tree=" + r.root}, args...)...)
}

func (r *rig) out(args ...string) string { r.t.Helper(); return git(r.t, r.root, args...) }

func (r *rig) bring() Report {
	r.t.Helper()
	rep, err := Bring(context.Background(), r.options())
	must(r.t, err)
	if out, err := tryGit(r.root, "fsck", "--strict", "--no-dangling"); err != nil {
		r.t.Errorf("the host's repository is damaged: %s", out)
	}
	if _, err := os.Lstat(r.scratch); err == nil {
		r.t.Error("scratch is left")
	}
	return rep
}

func (r *rig) options() Options {
	return Options{Repo: *r.repo, Start: r.start, Private: r.private, Session: "s1", Scratch: r.scratch,
		Path: os.Getenv("PATH"), Workspace: r.root}
}

func (r *rig) expect(what, got, want string) {
	r.t.Helper()
	if got != want {
		r.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// same: the host is as the inside is.
func (r *rig) same() {
	r.t.Helper()
	r.expect("HEAD", r.out("rev-parse", "HEAD"), r.in("rev-parse", "HEAD"))
	r.expect("branch", r.out("branch", "--show-current"), r.in("branch", "--show-current"))
	r.expect("status", r.out("status", "--porcelain"), r.in("status", "--porcelain"))
}

func outcome(rep Report, name string) Outcome {
	for _, c := range rep.Refs {
		if c.Name == name {
			return c.Outcome
		}
	}
	return ""
}

func TestNothingDone(t *testing.T) {
	r := newRig(t).enter()
	r.in("status")
	rep := r.bring()
	if len(rep.Refs)+len(rep.Notes)+len(rep.Config) != 0 || rep.Kept != "" || rep.Index != "" {
		t.Errorf("%+v", rep)
	}
}

func TestCommit(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		r := newRig(t, "--object-format="+format).enter()
		put(t, r.root+"/a.txt", "a3\n")
		put(t, r.root+"/new", "new\n")
		must(t, os.Remove(r.root+"/dir/b.txt"))
		r.in("add", "-A")
		r.in("commit", "-qm", "three")
		r.in("tag", "-a", "-m", "t", "v1")
		rep := r.bring()
		r.same()
		r.expect("status", r.out("status", "--porcelain"), "")
		r.expect("kept", r.out("rev-parse", "refs/bailey/s1/heads/main"), r.in("rev-parse", "main"))
		r.expect("tag", r.out("rev-parse", "v1"), r.in("rev-parse", "v1"))
		if outcome(rep, "refs/heads/main") != Moved || outcome(rep, "refs/tags/v1") != Created || rep.Kept != "" {
			t.Errorf("%+v", rep)
		}
		r.expect("reflog", r.out("reflog", "-1", "--format=%gs"), "bailey: session s1")
	}
}

func TestGcInsideAndManyObjects(t *testing.T) {
	r := newRig(t).enter()
	for i := range 60 {
		put(t, fmt.Sprintf("%s/many/%d", r.root, i), strings.Repeat("x", i))
	}
	r.in("add", "-A")
	r.in("commit", "-qm", "many")
	r.in("gc", "-q")
	r.in("pack-refs", "--all")
	put(t, r.root+"/a.txt", "after gc\n")
	r.in("commit", "-qam", "after")
	r.bring()
	r.same()
}

func TestStagedAndUnstaged(t *testing.T) {
	r := newRig(t)
	put(t, r.root+"/user", "staged by the user\n")
	r.out("add", "user")
	r.enter()
	put(t, r.root+"/a.txt", "staged inside\n")
	r.in("add", "a.txt")
	r.in("rm", "-q", "--cached", "dir/b.txt")
	put(t, r.root+"/half", "x\n")
	r.in("add", "-N", "half")
	want := "M  a.txt\nD  dir/b.txt\nA  user\n?? dir/\n?? half"
	rep := r.bring()
	r.expect("status", r.out("status", "--porcelain"), want)
	r.expect("index", rep.Index, "updated")
	r.expect("content", r.out("show", ":a.txt"), "staged inside")
}

// The user staged something meanwhile: it is kept, the commits come home.
func TestUserStagedMeanwhile(t *testing.T) {
	r := newRig(t).enter()
	put(t, r.root+"/a.txt", "inside\n")
	r.in("commit", "-qam", "three")
	put(t, r.root+"/dir/b.txt", "user\n")
	r.out("add", "dir/b.txt")
	r.bring()
	r.expect("status", r.out("status", "--porcelain"), "M  dir/b.txt")

	r = newRig(t).enter()
	put(t, r.root+"/a.txt", "inside\n")
	r.in("commit", "-qam", "three")
	put(t, r.root+"/a.txt", "user\n")
	r.out("add", "a.txt")
	put(t, r.root+"/a.txt", "inside\n")
	rep := r.bring()
	if !strings.HasPrefix(rep.Index, "left:") {
		t.Errorf("conflicting index: %q", rep.Index)
	}
	r.expect("staged", r.out("show", ":a.txt"), "user")
	r.expect("HEAD", r.out("rev-parse", "HEAD"), r.in("rev-parse", "HEAD"))
}

func TestAmendAndRebase(t *testing.T) {
	r := newRig(t).enter()
	was := r.out("rev-parse", "main")
	put(t, r.root+"/a.txt", "amended\n")
	r.in("commit", "-qa", "--amend", "-m", "amended")
	rep := r.bring()
	r.same()
	r.expect("before", r.out("rev-parse", "refs/bailey/s1/before/heads/main"), was)
	if c := rep.Refs[0]; c.Note != "rewritten" || c.Outcome != Moved {
		t.Errorf("%+v", c)
	}

	r = newRig(t)
	r.out("switch", "-q", "topic")
	put(t, r.root+"/c.txt", "c\n")
	r.out("add", ".")
	r.out("commit", "-qm", "on topic")
	r.enter()
	r.in("rebase", "-q", "main")
	r.bring()
	r.same()
	r.expect("log", r.out("log", "--format=%s"), "on topic\ntwo\none")
}

func TestMergeSwitchAndNewBranch(t *testing.T) {
	r := newRig(t).enter()
	r.in("switch", "-q", "-c", "feature/x", "topic")
	put(t, r.root+"/f", "f\n")
	r.in("add", ".")
	r.in("commit", "-qm", "f")
	r.in("switch", "-q", "main")
	r.in("merge", "-q", "--no-ff", "-m", "merged", "feature/x")
	r.in("switch", "-q", "feature/x")
	rep := r.bring()
	r.same()
	r.expect("merge", r.out("log", "-1", "--format=%s %p", "main"), r.in("log", "-1", "--format=%s %p", "main"))
	if outcome(rep, "refs/heads/feature/x") != Created || rep.Head != "refs/heads/feature/x" {
		t.Errorf("%+v", rep)
	}
}

func TestRenameAndDelete(t *testing.T) {
	r := newRig(t)
	r.out("config", "branch.main.description", "kept by git branch -m")
	r.enter()
	r.in("branch", "-m", "main", "trunk")
	put(t, r.root+"/a.txt", "a3\n")
	r.in("commit", "-qam", "three")
	r.in("branch", "-D", "topic")
	rep := r.bring()
	r.same()
	if _, err := tryGit(r.root, "rev-parse", "--verify", "-q", "refs/heads/main"); err == nil {
		t.Error("main is still there")
	}
	r.expect("topic", r.out("rev-parse", "topic"), r.start.Refs["refs/heads/topic"])
	r.expect("setting", r.out("config", "branch.trunk.description"), "kept by git branch -m")
	if outcome(rep, "refs/heads/trunk") != Renamed || outcome(rep, "refs/heads/topic") != Left || outcome(rep, "refs/heads/main") != "" {
		t.Errorf("%+v", rep.Refs)
	}
	if !strings.Contains(r.out("reflog", "trunk"), "two") {
		t.Errorf("the branch's log is gone: %s", r.out("reflog", "trunk"))
	}
}

func TestStash(t *testing.T) {
	r := newRig(t)
	put(t, r.root+"/a.txt", "user's stash\n")
	r.out("stash", "-q")
	r.enter()
	put(t, r.root+"/a.txt", "stash 1\n")
	r.in("stash", "push", "-q", "-m", "first \x1b[31minside")
	put(t, r.root+"/a.txt", "stash 2\n")
	r.in("stash", "push", "-q", "-m", "second")
	r.bring()
	list := r.out("stash", "list", "--format=%gs")
	r.expect("list", list, "On main: second\nOn main: first [31minside\nWIP on main: "+r.out("rev-parse", "--short", "HEAD")+" two")
	r.out("stash", "pop", "-q")
	b, _ := os.ReadFile(r.root + "/a.txt")
	r.expect("popped", string(b), "stash 2\n")

	r = newRig(t).enter()
	put(t, r.root+"/a.txt", "inside\n")
	r.in("stash", "-q")
	put(t, r.root+"/a.txt", "user\n")
	r.out("stash", "-q")
	r.bring()
	r.expect("list", fmt.Sprint(strings.Count(r.out("stash", "list")+"\n", "\n")), "1")
	r.expect("kept", r.out("rev-parse", "refs/bailey/s1/stash/0"), r.in("rev-parse", "stash@{0}"))
}

func TestPushAndConfig(t *testing.T) {
	r := newRig(t)
	remote := filepath.Join(t.TempDir(), "remote.git")
	git(t, "/", "init", "-q", "--bare", remote)
	r.out("remote", "add", "origin", remote)
	r.out("push", "-q", "-u", "origin", "main")
	r.enter()
	r.in("switch", "-q", "-c", "pushed")
	put(t, r.root+"/a.txt", "a3\n")
	r.in("commit", "-qam", "three")
	r.in("push", "-q", "-u", "origin", "pushed")
	r.in("remote", "add", "fork", "git@h.test:me/x")
	r.in("remote", "set-url", "origin", "https://evil.test/x")
	r.in("update-ref", "refs/remotes/origin/main", "HEAD")
	was := r.out("rev-parse", "origin/main")
	r.in("config", "core.fsmonitor", "touch "+r.root+"/hit")
	rep := r.bring()
	r.expect("status", r.out("status", "--porcelain"), "")
	r.expect("upstream", r.out("rev-parse", "--abbrev-ref", "pushed@{upstream}"), "origin/pushed")
	r.expect("fork", r.out("remote", "get-url", "fork"), "git@h.test:me/x")
	r.expect("origin", r.out("remote", "get-url", "origin"), remote)
	r.expect("origin/main", r.out("rev-parse", "origin/main"), was)
	if out, err := tryGit(r.root, "config", "core.fsmonitor"); err == nil {
		t.Errorf("fsmonitor came home: %s", out)
	}
	if !slices.ContainsFunc(rep.Config, func(c ConfigChange) bool { return c.Name == "remote.origin.url" && !c.Taken }) {
		t.Errorf("%+v", rep.Config)
	}
	if _, err := os.Lstat(r.root + "/.git/config.lock"); err == nil {
		t.Error("config.lock is left")
	}
}

func TestWorktreeInside(t *testing.T) {
	r := newRig(t).enter()
	wt := filepath.Join(t.TempDir(), "wt")
	r.in("worktree", "add", "-q", "-b", "side", wt)
	put(t, wt+"/side", "x")
	git(t, wt, "add", ".")
	git(t, wt, "commit", "-qm", "side")
	git(t, wt, "checkout", "-q", "--detach")
	git(t, wt, "commit", "-q", "--allow-empty", "-m", "detached")
	rep := r.bring()
	r.same()
	r.expect("side", r.out("rev-parse", "side"), r.in("rev-parse", "side"))
	r.expect("detached", r.out("rev-parse", "refs/bailey/s1/worktrees/wt"), git(t, wt, "rev-parse", "HEAD"))
	if _, err := os.Lstat(r.root + "/.git/worktrees"); err == nil {
		t.Error("the admin directory came home")
	}
	if !strings.Contains(strings.Join(rep.Notes, "\n"), "worktrees made inside") {
		t.Errorf("%v", rep.Notes)
	}
}

func TestHostMovedMeanwhile(t *testing.T) {
	r := newRig(t).enter()
	put(t, r.root+"/a.txt", "inside\n")
	r.in("commit", "-qam", "inside")
	r.out("commit", "-q", "--allow-empty", "-m", "by the user")
	mine := r.out("rev-parse", "HEAD")
	rep := r.bring()
	r.expect("main", r.out("rev-parse", "main"), mine)
	r.expect("kept", r.out("rev-parse", "refs/bailey/s1/heads/main"), r.in("rev-parse", "main"))
	if outcome(rep, "refs/heads/main") != Kept || rep.Kept != "" {
		t.Errorf("%+v", rep)
	}
	r.out("checkout", "-q", "--", "a.txt")
	r.expect("merges", r.out("merge", "-q", "-m", "m", "refs/bailey/s1/heads/main"), "")

	r = newRig(t).enter() // the user switched: HEAD stays, the branch follows
	put(t, r.root+"/a.txt", "inside\n")
	r.in("commit", "-qam", "inside")
	r.out("symbolic-ref", "HEAD", "refs/heads/topic")
	r.bring()
	r.expect("branch", r.out("branch", "--show-current"), "topic")
	r.expect("main", r.out("rev-parse", "main"), r.in("rev-parse", "main"))

	r = newRig(t).enter() // a linked worktree has the branch
	r.in("switch", "-q", "topic")
	put(t, r.root+"/a.txt", "inside\n")
	r.in("commit", "-qam", "inside")
	r.out("worktree", "add", "-q", filepath.Join(t.TempDir(), "w"), "topic")
	was := r.out("rev-parse", "topic")
	rep = r.bring()
	r.expect("topic", r.out("rev-parse", "topic"), was)
	r.expect("branch", r.out("branch", "--show-current"), "main")
	if outcome(rep, "refs/heads/topic") != Kept {
		t.Errorf("%+v", rep)
	}
}

func TestTwoSessions(t *testing.T) {
	r := newRig(t).enter()
	two := *r
	two.enter()
	put(t, r.root+"/a.txt", "one\n")
	r.in("commit", "-qam", "by one")
	two.in("commit", "-q", "--allow-empty", "-m", "by two")
	r.bring()
	o := two.options()
	o.Session = "s2"
	rep, err := Bring(context.Background(), o)
	must(t, err)
	r.same()
	r.expect("kept", r.out("rev-parse", "refs/bailey/s2/heads/main"), two.in("rev-parse", "main"))
	if outcome(rep, "refs/heads/main") != Kept {
		t.Errorf("%+v", rep)
	}
}

func TestLinkedWorktreeHome(t *testing.T) {
	r := newRig(t)
	main := r.root
	linked := filepath.Join(t.TempDir(), "linked")
	r.out("worktree", "add", "-q", linked, "topic")
	r.root = linked
	r.enter()
	put(t, linked+"/a.txt", "inside\n")
	r.in("commit", "-qam", "inside")
	r.bring()
	r.same()
	r.expect("topic", git(t, main, "rev-parse", "topic"), r.in("rev-parse", "HEAD"))
	r.expect("main's status", git(t, main, "status", "--porcelain"), "")
}

func TestUnborn(t *testing.T) {
	r := &rig{t: t, root: filepath.Join(t.TempDir(), "root")}
	must(t, os.Mkdir(r.root, 0o755))
	r.out("init", "-q", "-b", "main")
	put(t, r.root+"/a", "a\n")
	put(t, r.root+"/b", "b\n")
	r.enter()
	r.in("add", "a")
	r.in("commit", "-qm", "first")
	r.bring()
	r.same()
	r.expect("status", r.out("status", "--porcelain"), "?? b")
}

// The user's merge is solved inside, or given up.
func TestOperations(t *testing.T) {
	conflict := func() *rig {
		r := newRig(t)
		r.out("switch", "-q", "topic")
		put(t, r.root+"/a.txt", "conflict\n")
		r.out("commit", "-qam", "conflict")
		if _, err := tryGit(r.root, "merge", "main"); err == nil {
			t.Fatal("the merge should conflict")
		}
		return r.enter()
	}
	r := conflict()
	put(t, r.root+"/a.txt", "solved\n")
	r.in("commit", "-qam", "solved")
	r.bring()
	r.same()
	r.expect("status", r.out("status", "--porcelain"), "")
	if _, err := os.Lstat(r.root + "/.git/MERGE_HEAD"); err == nil {
		t.Error("the merge is still in progress")
	}

	r = conflict()
	r.in("merge", "--abort")
	r.bring()
	r.same()
	r.expect("status", r.out("status", "--porcelain"), "")

	r = conflict() // half solved: staged, not committed
	put(t, r.root+"/a.txt", "solved\n")
	r.in("add", "a.txt")
	r.bring()
	r.same()
	r.out("commit", "-qm", "the user commits the merge")

	r = newRig(t).enter() // begun inside and left
	r.in("switch", "-q", "topic")
	put(t, r.root+"/a.txt", "conflict\n")
	r.in("commit", "-qam", "conflict")
	if _, err := tryGit(r.root, "--git-dir="+r.private, "--work-tree="+r.root, "rebase", "main"); err == nil {
		t.Fatal("the rebase should conflict")
	}
	rep := r.bring()
	if rep.Kept == "" || r.out("branch", "--show-current") != "main" {
		t.Errorf("%+v", rep)
	}
	r.expect("topic", r.out("rev-parse", "topic"), r.in("rev-parse", "topic"))
	if _, err := os.Lstat(r.root + "/.git/rebase-merge"); err == nil {
		t.Error("the state of a rebase came home: its todo list names commands")
	}
}

// Histories that are not whole.
func TestShallowAndPartial(t *testing.T) {
	for _, args := range [][]string{{"--depth=1"}, {"--filter=blob:none"}, {"--filter=tree:0"}} {
		origin := newRig(t)
		git(t, origin.root, "config", "uploadpack.allowFilter", "true")
		git(t, origin.root, "config", "uploadpack.allowAnySHA1InWant", "true")
		r := &rig{t: t, root: filepath.Join(t.TempDir(), "clone")}
		git(t, "/", append(append([]string{"clone", "-q"}, args...), "file://"+origin.root, r.root)...)
		r.enter()
		put(t, r.root+"/new", "new\n")
		r.in("add", ".")
		r.in("commit", "-qm", "on top")
		rep, err := Bring(context.Background(), r.options())
		must(t, err)
		if rep.Kept != "" {
			t.Errorf("%v: %+v", args, rep)
		}
		r.same()
		r.out("fsck", "--no-dangling")
	}
}

// Root brings home for the user whose repository it is: nothing of root's
// stays in it.
func TestOwnerIsKept(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("not root: no other user's repository can be made")
	}
	r := newRig(t).enter()
	must(t, os.Chmod(filepath.Dir(r.root), 0o755))
	must(t, os.Chmod(filepath.Dir(filepath.Dir(r.root)), 0o755))
	must(t, exec.Command("chown", "-R", "65534:65534", r.root).Run())
	o := r.options()
	o.Repo.Uid, o.Repo.Gid = 65534, 65534
	put(t, r.root+"/new", "new\n")
	r.in("-c", "safe.directory=*", "add", ".")
	r.in("-c", "safe.directory=*", "commit", "-qm", "x")
	r.in("-c", "safe.directory=*", "config", "branch.topic.rebase", "true")
	must(t, os.Chown(r.root+"/new", 65534, 65534))
	rep, err := Bring(context.Background(), o)
	must(t, err)
	if outcome(rep, "refs/heads/main") != Moved || rep.Index != "updated" || len(rep.Config) != 1 || !rep.Config[0].Taken {
		t.Errorf("%+v", rep)
	}
	out, err := exec.Command("find", r.root, "!", "-user", "65534").Output()
	must(t, err)
	if len(out) > 0 {
		t.Errorf("not the user's: %s", out)
	}
}

func TestPending(t *testing.T) {
	r := newRig(t).enter()
	put(t, r.root+"/a.txt", "a3\n")
	r.in("commit", "-qam", "three")
	r.in("branch", "old", "topic")
	names, err := Pending(context.Background(), *r.repo, r.start, r.private)
	must(t, err)
	if !slices.Equal(names, []string{"refs/heads/main"}) {
		t.Errorf("%v", names)
	}
	r.bring()
	if names, err = Pending(context.Background(), *r.repo, r.start, r.private); err != nil || len(names) != 0 {
		t.Errorf("%v, %v", names, err)
	}
}
