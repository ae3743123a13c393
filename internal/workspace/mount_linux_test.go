package workspace

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// inside runs a shell script where the view is mounted, as a sandbox would
// mount it: in a mount namespace of its own, with the session's directory and
// the real objects out of reach.
func inside(t *testing.T, w *Workspace, script string) (string, error) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not root: mounting needs it")
	}
	v := w.View()
	views := t.TempDir()
	empty := filepath.Join(views, "empty")
	put(t, empty, "")
	var m strings.Builder
	host := t.TempDir() // sources are paths of the host, not of what is mounted already
	fmt.Fprintf(&m, "set -e\nmount --rbind --make-rprivate / '%s'\n", host)
	must(t, os.MkdirAll(w.opt.RunDir, 0o755))
	bind := func(source, target, mode string) {
		fmt.Fprintf(&m, "mount --bind '%s%s' '%s'; [ -z '%s' ] || mount -o remount,bind,%s '%s'\n", host, source, target, mode, mode, target)
	}
	for _, b := range v.Binds {
		mode := ""
		if b.ReadOnly {
			mode = "ro"
		}
		if strings.HasPrefix(b.Target, w.opt.RunDir) {
			must(t, os.MkdirAll(b.Target, 0o755))
		}
		bind(b.Source, b.Target, mode)
	}
	for i, f := range v.Files {
		source := fmt.Sprintf("%s/%d", views, i)
		must(t, os.WriteFile(source, f.Content, 0o644))
		bind(source, f.Target, "ro")
	}
	for _, target := range v.Masks {
		bind(empty, target, "ro")
	}
	fmt.Fprintf(&m, "umount -l '%s'\n", host)
	fmt.Fprintf(&m, "cd '%s'\nexport HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@x GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@x GIT_EDITOR=true\n", w.opt.Root)
	m.WriteString("git() { command git -c protocol.file.allow=always \"$@\"; }\n")
	m.WriteString(script)
	cmd := exec.Command("unshare", "-m", "sh", "-c", m.String())
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustInside(t *testing.T, w *Workspace, script string) string {
	t.Helper()
	out, err := inside(t, w, script)
	if err != nil {
		t.Fatalf("inside: %v\n%s", err, out)
	}
	return out
}

// All of everyday git, in the mounts that a sandbox has, and on the host after.
func TestGitInside(t *testing.T) {
	root := repository(t)
	put(t, root+"/.env", "A=canary\n")
	put(t, root+"/.gitignore", ".env\n")
	git(t, root, "add", ".gitignore")
	git(t, root, "commit", "-qm", "ignore")
	remote := filepath.Join(t.TempDir(), "remote.git")
	git(t, root, "init", "-q", "--bare", remote)
	git(t, root, "remote", "add", "origin", remote)
	git(t, root, "push", "-q", "-u", "origin", "main")
	sub := repository(t)
	git(t, root, "submodule", "--quiet", "add", sub, "sub")
	git(t, root, "commit", "-qm", "sub")
	w := prepare(t, root)
	side := filepath.Join(t.TempDir(), "side")
	out := mustInside(t, w, `
		git status --porcelain; git fsck --no-dangling; git submodule status
		echo x > x; git add x; git commit -qm x; git commit -q --amend -m "x amended"
		git switch -q -c topic; echo t > t; git add t; git commit -qm t; git push -q -u origin topic
		git switch -q main; echo m > m; git add m; git commit -qm m
		git switch -q topic; git rebase -q main; git switch -q main; git merge -q --no-ff -m merged topic
		echo s > main.go; git stash -q; git branch -m topic subject; git tag v1
		git worktree add -q `+side+` -b side; git remote add fork git@h.test:me/x; git config core.fsmonitor "touch hit"; git -c core.fsmonitor= gc -q
		(cd sub; echo y > y; git add y; git commit -qm y); git -c core.fsmonitor= add sub; git -c core.fsmonitor= commit -qm "sub moved"
		git -c core.fsmonitor= rev-parse main subject side v1 stash; git -C sub rev-parse HEAD
	`)
	if strings.Contains(out, "canary") {
		t.Errorf("inside: %s", out)
	}
	lines := strings.Fields(out)
	lines = lines[len(lines)-6:]
	w.Sweep()
	rep, err := w.Finish(context.Background())
	must(t, err)
	for i, name := range []string{"main", "subject", "side", "v1", "stash"} {
		if got := git(t, root, "rev-parse", name); got != lines[i] {
			t.Errorf("%s is %s, inside it is %s", name, got, lines[i])
		}
	}
	if got := git(t, root+"/sub", "rev-parse", "HEAD"); got != lines[5] {
		t.Errorf("the submodule is at %s, inside at %s", got, lines[5])
	}
	if got := git(t, root, "status", "--porcelain"); got != "" {
		t.Errorf("status %q; %v", got, rep.Notes)
	}
	git(t, root, "fsck", "--strict", "--no-dangling")
	if _, err := os.Lstat(root + "/hit"); err == nil {
		t.Error("fsmonitor was run")
	}
	if rep.Kept != "" {
		t.Errorf("%+v", rep)
	}
}

// What an agent plants inside changes nothing that the host's git reads.
func TestPlantingInside(t *testing.T) {
	root := repository(t)
	put(t, root+"/.envrc", "export A=canary\n")
	put(t, root+"/.vscode/settings.json", "{}")
	put(t, root+"/scripts/hooks/pre-commit", "#!/bin/sh\n")
	must(t, os.Chmod(root+"/scripts/hooks/pre-commit", 0o755))
	git(t, root, "config", "core.hooksPath", "scripts/hooks")
	sub := repository(t)
	git(t, root, "submodule", "--quiet", "add", sub, "sub")
	git(t, root, "commit", "-qm", "sub")
	w := prepare(t, root)
	hit := "touch " + root + "/hit"
	out := mustInside(t, w, `
		set +e
		echo ../evil > .git/commondir; rm -f .git/commondir
		mkdir -p .git/hooks; printf '#!/bin/sh\n`+hit+`\n' > .git/hooks/post-index-change; chmod +x .git/hooks/*
		git config core.fsmonitor '`+hit+`'; git config core.hooksPath .git/hooks
		mv .git .g 2>&1; mv .vscode v 2>&1; rm -rf .vscode 2>&1; mv scripts s2 2>&1; echo evil > scripts/hooks/pre-commit
		echo x > .envrc; mv .envrc e 2>&1; echo '{}' > .vscode/tasks.json
		mv sub s3 2>&1; echo 'gitdir: ../evil' > sub/.git; rm -f sub/.git
		git init -q evil; git -C evil config core.fsmonitor '`+hit+`'; git -C evil commit -q --allow-empty -m x
		git -c core.fsmonitor= -c core.hooksPath=/x add evil; git -c core.fsmonitor= -c core.hooksPath=/x commit -qm gitlink
		cat .envrc; ls .git/objects
		true
	`)
	if strings.Contains(out, "canary") {
		t.Errorf("inside: %s", out)
	}
	w.Sweep()
	rep, err := w.Finish(context.Background())
	must(t, err)
	_ = os.Remove(root + "/hit") // run inside, where it may
	for _, args := range [][]string{{"status"}, {"diff"}, {"add", "."}, {"commit", "-q", "--allow-empty", "-m", "x"}} {
		_, _ = tryRun(root, append([]string{"git"}, args...)...)
	}
	if _, err := os.Lstat(root + "/hit"); err == nil {
		t.Errorf("a planted command was executed on the host: %v", rep.Notes)
	}
	for name, want := range map[string]string{".envrc": "export A=canary\n", ".vscode/settings.json": "{}", "scripts/hooks/pre-commit": "#!/bin/sh\n"} {
		if b, err := os.ReadFile(root + "/" + name); err != nil || string(b) != want {
			t.Errorf("%s is %q, %v", name, b, err)
		}
	}
	if b, err := os.ReadFile(root + "/sub/.git"); err != nil || string(b) != "gitdir: ../.git/modules/sub\n" {
		t.Errorf("sub/.git is %q, %v", b, err)
	}
	if _, err := os.Lstat(root + "/.vscode/tasks.json"); err == nil {
		t.Error(".vscode was written")
	}
}

// A linked worktree of a repository elsewhere.
func TestLinkedWorktreeInside(t *testing.T) {
	main := repository(t)
	root := filepath.Join(t.TempDir(), "linked")
	git(t, main, "worktree", "add", "-q", "-b", "side", root)
	w := prepare(t, root)
	out := mustInside(t, w, "git status --porcelain; echo x > x; git add x; git commit -qm x; git rev-parse HEAD")
	_, err := w.Finish(context.Background())
	must(t, err)
	if got := git(t, main, "rev-parse", "side"); got != strings.TrimSpace(out) {
		t.Errorf("side is %s, inside %q", got, out)
	}
	if got := git(t, root, "status", "--porcelain"); got != "" {
		t.Errorf("status %q", got)
	}
}

// Objects borrowed from a repository elsewhere: that one is not the project's,
// so git is hidden, with a line that says why.
func TestAlternatesElsewhereAreNotShown(t *testing.T) {
	lender := repository(t)
	root := filepath.Join(t.TempDir(), "clone")
	git(t, lender, "clone", "-q", "--shared", lender, root)
	w := prepare(t, root)
	for _, b := range w.View().Binds {
		if strings.HasPrefix(b.Source, lender) {
			t.Errorf("%s is shown at %s", b.Source, b.Target)
		}
	}
	if notes := strings.Join(w.View().Notes, "\n"); !strings.Contains(notes, "git is hidden") || !strings.Contains(notes, lender) {
		t.Errorf("notes: %s", notes)
	}
}
