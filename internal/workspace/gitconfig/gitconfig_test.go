package gitconfig

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func git(t testing.TB, args ...string) string {
	t.Helper()
	path, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not installed")
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"GIT_CONFIG_NOSYSTEM=1", "HOME=/nonexistent", "LC_ALL=C"}
	out, err := cmd.Output()
	if err != nil {
		return "error"
	}
	return string(out)
}

// listing is what `git config --list -z` prints.
func listing(all []Setting) string {
	var b strings.Builder
	for _, s := range all {
		b.WriteString(s.Name() + "\n" + s.Value + "\x00")
	}
	return b.String()
}

const sample = "\ufeff# c\n[core]\n\tbare = false ; c\n\trepositoryformatversion=0\nfilemode\n" +
	"[remote \"or\\\"i\\\\gin\"] url = a # b\r\n fetch = \"+refs/heads/*:x # y\"\r\n" +
	"[Old.Sub]\nKey-1 = a\\\n  b \\\"q\\\" \\t\"  x  \" tail   \n[a]b=\"\"\n[a] c = \"x\"y\"z\"\n[user]\nname = \u00fc\n"

func TestParseAsGit(t *testing.T) {
	for _, src := range []string{sample, "", "[a]\nb=\n", "[a]b = c\\\\", "[x \"y]z\"]k=v"} {
		file := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(file, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
		want := git(t, "config", "--file", file, "--list", "-z")
		all, err := Parse([]byte(src))
		if err != nil {
			t.Errorf("%q: %v", src, err)
		}
		got := strings.ReplaceAll(listing(all), "core.filemode\ntrue\x00", "core.filemode\x00")
		if got != want {
			t.Errorf("%q:\n got %q\nwant %q", src, got, want)
		}
	}
	for _, bad := range []string{"[a", "a=b", "[a]\nb = \"x\n", "[a \"b\n\"]", "[a]\nb=\\z", "[a]\n1=x", "[]\n"} {
		if all, err := Parse([]byte(bad)); err == nil {
			t.Errorf("%q: accepted as %v", bad, all)
		}
	}
}

func FuzzFormat(f *testing.F) {
	f.Add("or\"i\\gin", "a \"b\" # c\n\\d\t")
	f.Fuzz(func(t *testing.T, sub, value string) {
		if strings.ContainsAny(sub, "\n\x00\r") || strings.ContainsAny(value, "\x00\r") || len(sub) > 100 {
			return
		}
		in := []Setting{{"core", "", "bare", "x"}, {"remote", sub, "url", value}, {"remote", sub, "fetch", value}}
		got, err := Parse(Format(in))
		if err != nil || !slices.Equal(got, in) {
			t.Errorf("%q became %q, %v", in, got, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Fuzz(func(t *testing.T, b []byte) {
		all, err := Parse(b)
		if err != nil || bytes.IndexByte(b, '\r') >= 0 { // a CR before LF has no form of its own
			return
		}
		again, err := Parse(Format(all))
		if err != nil || !slices.Equal(all, again) {
			t.Errorf("%q: %q then %q", b, all, again)
		}
	})
}

// Each line of the laboratory's list that runs something, and each that holds
// a credential, stays outside.
func TestInsideNamesNoCommand(t *testing.T) {
	hostile := `[core]
	fsmonitor = touch hit
	sshCommand = touch hit
	hooksPath = /home/u/hooks
	pager = touch hit
	editor = touch hit
	askPass = touch hit
	worktree = /
	gitProxy = x
	attributesFile = /x
	excludesFile = /x
[include]
	path = ../inc
[includeIf "gitdir:/"]
	path = ../inc
[filter "x"]
	clean = touch hit
	process = touch hit
[filter "lfs"]
	clean = "git-lfs clean -- %f; touch hit"
[diff]
	external = touch hit
[diff "x"]
	textconv = touch hit
[merge "x"]
	driver = touch hit
[credential]
	helper = !touch hit
[http]
	extraHeader = "Authorization: canary"
[http "https://h"]
	extraHeader = canary
[url "https://u:canary@h/"]
	insteadOf = https://h/
[remote "o"]
	uploadpack = touch hit
	receivepack = touch hit
	vcs = x
[alias]
	x = !touch hit
	y = -c http.extraHeader=canary fetch
[gpg]
	program = touch hit
[user]
	signingKey = canary
[submodule "s"]
	update = !touch hit
[protocol "ext"]
	allow = always
[extensions]
	worktreeConfig = true
[sendemail]
	smtpPass = canary
[uploadpack]
	packObjectsHook = touch hit
[core]
	hooksPath = a/../../x
`
	all, err := Parse([]byte(hostile))
	if err != nil {
		t.Fatal(err)
	}
	if got := Inside(all); len(got) != 0 {
		t.Errorf("passed: %q", listing(got))
	}
}

func TestInsideKeeps(t *testing.T) {
	all, err := Parse([]byte(`[core]
	bare = false
	hooksPath = .husky/_
[remote "o"]
	url = https://user:canary@h.test/x?private_token=canary
	url = ssh://git@h.test:22/x
	url = git@h.test:x
	pushurl = https://canary@h.test/y
	fetch = +refs/heads/*:refs/remotes/o/*
[branch "m"]
	remote = o
	merge = refs/heads/m
[alias]
	co = checkout
[filter "lfs"]
	clean = git-lfs clean -- %f
`))
	if err != nil {
		t.Fatal(err)
	}
	got := Inside(all)
	if len(got) != len(all) || strings.Contains(listing(got), "canary") {
		t.Errorf("%q", listing(got))
	}
	for _, want := range []string{"https://h.test/x\x00", "ssh://git@h.test:22/x", "git@h.test:x", "https://h.test/y"} {
		if !strings.Contains(listing(got), want) {
			t.Errorf("%q is not in %q", want, listing(got))
		}
	}
}

func TestSafeURL(t *testing.T) {
	for _, ok := range []string{"https://h.test/a/b.git", "ssh://git@h.test:2222/x", "git@h.test:a/b", "h:x"} {
		if !SafeURL(ok) {
			t.Errorf("%s is refused", ok)
		}
	}
	for _, bad := range []string{"", "ext::sh -c touch% x", "fd::7", "file:///x", "/x", "../x", "-x", "http://h/x", "git://h/x",
		"https://u:p@h/x", "https://t@h/x", "ssh://-oProxyCommand=x/y", "ssh://h/x y", "-oProxyCommand=x:y", "a@-x:y", "h:-x",
		"https://h/x?token=y", "ext::https://h/", "https://h\\@x/", "h\n:x", "transport::address", "https://%2d/", "ssh://-x@h/y"} {
		if SafeURL(bad) {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestMerge(t *testing.T) {
	base := "[remote \"origin\"]\nurl=https://h.test/x\nfetch=+refs/heads/*:refs/remotes/origin/*\n[branch \"main\"]\nremote=origin\nmerge=refs/heads/main\n"
	given, _ := Parse([]byte(base))
	left, _ := Parse([]byte(base + `[branch "topic"]
remote = origin
merge = refs/heads/topic
rebase = true
pushRemote = x
[branch "main"]
remote = evil
[remote "origin"]
url = https://evil.test/x
fetch = +refs/heads/*:refs/heads/*
[remote "fork"]
url = git@h.test:me/x
fetch = +refs/heads/*:refs/remotes/fork/*
fetch = +refs/heads/*:refs/remotes/origin/*
uploadpack = touch hit
[remote "e"]
url = ext::sh -c x
[core]
fsmonitor = touch hit
[submodule "s"]
url = https://h.test/s
update = !touch hit
[branch "-d"]
rebase = true
[branch "q"]
merge = refs/heads/../x
rebase = exec
`))
	var taken, leftOut []string
	for _, c := range Merge(given, left, given) {
		if c.Taken {
			taken = append(taken, c.Name()+"="+c.Value)
		} else {
			leftOut = append(leftOut, c.Name()+"="+c.Value)
		}
	}
	want := []string{"branch.topic.remote=origin", "branch.topic.merge=refs/heads/topic", "branch.topic.rebase=true",
		"remote.fork.url=git@h.test:me/x", "remote.fork.fetch=+refs/heads/*:refs/remotes/fork/*", "submodule.s.url=https://h.test/s", "branch.-d.rebase=true"}
	if !slices.Equal(taken, want) {
		t.Errorf("taken %q\n want %q", taken, want)
	}
	for _, w := range []string{"branch.main.remote=evil", "remote.origin.url=https://evil.test/x", "remote.e.url=ext::sh -c x",
		"remote.fork.fetch=+refs/heads/*:refs/remotes/origin/*", "branch.q.merge=refs/heads/../x", "branch.q.rebase=exec"} {
		if !slices.Contains(leftOut, w) {
			t.Errorf("%s is not named among those left: %q", w, leftOut)
		}
	}
}

// TestMergeLeavesNoHalfRemote: "push -u" to a directory brings back no branch
// and no refspec of a remote that has no address on the host.
func TestMergeLeavesNoHalfRemote(t *testing.T) {
	given, _ := Parse([]byte("[remote \"origin\"]\nurl=https://h.test/x\n"))
	left, _ := Parse([]byte(`[remote "origin"]
url=https://h.test/x
[remote "backup"]
url = /srv/backup.git
fetch = +refs/heads/*:refs/remotes/backup/*
[branch "main"]
remote = backup
merge = refs/heads/main
[branch "path"]
remote = /srv/backup.git
merge = refs/heads/path
[branch "good"]
merge = refs/heads/good
remote = origin
[branch "local"]
remote = .
merge = refs/heads/main
`))
	var taken []string
	for _, c := range Merge(given, left, given) {
		if c.Taken {
			taken = append(taken, c.Name())
		} else if c.Note == "" {
			t.Errorf("%s is left without a word", c.Name())
		}
	}
	want := []string{"branch.good.merge", "branch.good.remote", "branch.local.remote", "branch.local.merge"}
	if !slices.Equal(taken, want) {
		t.Errorf("taken %q\n want %q", taken, want)
	}
}

func TestUser(t *testing.T) {
	home := t.TempDir()
	put := func(name, text string) {
		t.Helper()
		file := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(".config/git/config", "[user]\nname = X\n")
	put(".gitconfig", "[user]\nemail = home@x\n[credential]\nhelper = store\n[include]\npath = .gitconfig.d/more\n"+
		"[includeIf \"gitdir:~/work/\"]\npath = ~/work.inc\n[includeIf \"gitdir:other/\"]\npath = ~/other.inc\n[include]\npath = .gitconfig\n")
	put(".gitconfig.d/more", "[init]\ndefaultBranch = trunk\n[core]\nexcludesFile = ~/ig\n")
	put("work.inc", "[user]\nemail = work@x\n")
	put("other.inc", "[user]\nemail = other@x\n")
	put("ig", "*.swp\n")
	settings, ignore := User(home, home+"/work/a/b/.git")
	got := listing(settings)
	if !strings.HasPrefix(got, "user.name\nX\x00user.email\nhome@x\x00init.defaultbranch\ntrunk\x00user.email\nwork@x\x00") {
		t.Errorf("settings %q", got)
	}
	if strings.Contains(got, "other@x") || strings.Contains(got, "store") || string(ignore) != "*.swp\n" {
		t.Errorf("settings %q, ignore %q", got, ignore)
	}
}
