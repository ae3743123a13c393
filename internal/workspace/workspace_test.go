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
)

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

func tryRun(dir string, args ...string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "LC_ALL=C",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@x", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@x"}
	out, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	out, err := tryRun(dir, append([]string{"git", "-c", "protocol.file.allow=always"}, args...)...)
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("git is not installed")
	}
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func project(t testing.TB) string {
	t.Helper()
	root := filepath.Join(t.TempDir(), "project")
	must(t, os.Mkdir(root, 0o755))
	return root
}

func repository(t testing.TB) string {
	t.Helper()
	root := project(t)
	git(t, root, "init", "-q", "-b", "main")
	put(t, root+"/main.go", "package main\n")
	git(t, root, "add", ".")
	git(t, root, "commit", "-qm", "one")
	return root
}

func prepare(t testing.TB, root string, change ...func(*Options)) *Workspace {
	t.Helper()
	w, err := tryPrepare(t, root, change...)
	must(t, err)
	t.Cleanup(func() { w.Close(false) })
	return w
}

func tryPrepare(t testing.TB, root string, change ...func(*Options)) (*Workspace, error) {
	t.Helper()
	base := t.TempDir()
	o := Options{Root: root, SessionDir: base + "/session", SessionID: "s1", Home: base + "/home", Path: os.Getenv("PATH"), RunDir: base + "/run",
		Substitute: func(name string, value []byte, file string) string { return "stand-in-" + name }}
	must(t, os.Mkdir(o.SessionDir, 0o700))
	must(t, os.Mkdir(o.Home, 0o700))
	for _, c := range change {
		c(&o)
	}
	return Prepare(context.Background(), o)
}

// tick waits until the clock of file times has passed this moment by more than
// a session's start looks back.
func tick(t testing.TB) {
	t.Helper()
	begin := time.Now()
	for i := 0; time.Since(begin) < 10*time.Second; i++ {
		file := fmt.Sprintf("%s/%d", t.TempDir(), i)
		put(t, file, "x")
		info, err := os.Stat(file)
		must(t, err)
		if info.ModTime().After(begin.Add(50 * time.Millisecond)) {
			return
		}
	}
	t.Fatal("the clock of file times stands still")
}

func content(v View, target string) (string, bool) {
	for _, f := range v.Files {
		if f.Target == target {
			return string(f.Content), true
		}
	}
	return "", false
}

func TestSecretFiles(t *testing.T) {
	root := project(t)
	key := "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"
	for name, text := range map[string]string{
		".env":                       "# old: OLD_KEY=canary\nexport STRIPE=canary # canary\nMULTI=\"canary\nB=canary\"\ncanary\nPORT=3000",
		"apps/api/.env.local":        "A=canary\r\n",
		"apps/api/.dev.vars":         "A=canary\n",
		"docker/prod.env":            "A=canary\n",
		".envrc":                     "export A=canary\ncurl -H canary x\n",
		".npmrc":                     "registry=https://r.test/\n//r.test/:_authToken=canary\n//s.test/:_authToken=${NPM_TOKEN}\nemail=a@b\nproxy=http://u:canary@p\n",
		"web/.yarnrc.yml":            "nodeLinker: node-modules\nnpmAuthToken: canary\n",
		".netrc":                     "machine h password canary\n",
		"tls/server.pem":             key,
		"tls/server.key":             key,
		"deep/a/b/id_ed25519":        "canary",
		"infra/x.tfvars":             "a=\"canary\"\n",
		"infra/terraform.tfstate":    "canary",
		"config/master.key":          "canary",
		"config/credentials/dev.key": "canary",
		"gcp-service-account.json":   `{"private_key": "canary"}`,
		".streamlit/secrets.toml":    "a='canary'",
		"utf16.env":                  "\xff\xfeA\x00=\x00canary",
	} {
		put(t, root+"/"+name, text)
	}
	visible := map[string]string{".env.example": "A=\n", "tls/ca.pem": "-----BEGIN CERTIFICATE-----", "id_rsa.pub": "ssh-rsa", "my-key.json": "{}", "credentials.json.md": "x",
		"node_modules/x/.env": "A=b\n", "src/environment.ts": "x", "config/database.key.ts": "x", "web/.npmrc": "registry=https://r.test/\n", ".env.d.ts": "x"}
	for name, text := range visible {
		put(t, root+"/"+name, text)
	}
	put(t, root+"/shared/base", "LINKED=canary\n")
	must(t, os.Symlink("shared/base", root+"/.env.linked"))
	must(t, os.Symlink("/etc/hostname", root+"/.env.outside"))
	must(t, os.Link(root+"/.netrc", root+"/docs-hardlink"))
	must(t, os.Mkdir(root+"/.env.d", 0o755))
	v := prepare(t, root).View()
	for _, f := range v.Files {
		if strings.Contains(string(f.Content), "canary") {
			t.Errorf("%s shows %q", f.Target, f.Content)
		}
	}
	got, _ := content(v, root+"/.env")
	if want := "\nSTRIPE=stand-in-STRIPE\nMULTI=stand-in-MULTI\n\n\nPORT=stand-in-PORT\n"; got != want {
		t.Errorf(".env is %q, want %q", got, want)
	}
	if got, _ := content(v, root+"/.npmrc"); got != "registry=https://r.test/\n//s.test/:_authToken=${NPM_TOKEN}\nemail=a@b\n" {
		t.Errorf(".npmrc is %q", got)
	}
	if got, _ := content(v, root+"/shared/base"); got != "LINKED=stand-in-LINKED\n" {
		t.Errorf("the link's target is %q", got)
	}
	hidden := slices.Clone(v.Hidden)
	slices.Sort(hidden)
	want := []string{".env", ".envrc", ".netrc", ".npmrc", ".streamlit/secrets.toml", "apps/api/.dev.vars", "apps/api/.env.local", "config/credentials/dev.key",
		"config/master.key", "deep/a/b/id_ed25519", "docker/prod.env", "docs-hardlink", "gcp-service-account.json", "infra/terraform.tfstate", "infra/x.tfvars",
		"shared/base", "tls/server.key", "tls/server.pem", "utf16.env", "web/.yarnrc.yml"}
	if !slices.Equal(hidden, want) {
		t.Errorf("hidden:\n%q, want\n%q", hidden, want)
	}
	for name := range visible {
		if slices.Contains(hidden, name) {
			t.Errorf("%s is hidden", name)
		}
	}
}

func TestSubstituteIsAsked(t *testing.T) {
	root := project(t)
	put(t, root+"/a/.env", "A=x\\ny\nB=\"${A}z\"\n")
	var asked []string
	prepare(t, root, func(o *Options) {
		o.Substitute = func(name string, value []byte, file string) string {
			asked = append(asked, fmt.Sprintf("%s %s %s", name, value, file))
			return "multi\nline 'quoted'"
		}
	})
	if want := []string{`A x\ny a/.env`, `B x\nyz a/.env`}; !slices.Equal(asked, want) {
		t.Errorf("asked %q, want %q", asked, want)
	}
}

// A committed key is in the history that the inside reads anyway, and tests
// need it; a committed .env is hidden all the same, and said.
func TestCommittedSecrets(t *testing.T) {
	root := repository(t)
	put(t, root+"/testdata/key.pem", "PRIVATE KEY")
	put(t, root+"/.env", "A=canary\n")
	git(t, root, "add", "-f", ".")
	git(t, root, "commit", "-qm", "keys")
	put(t, root+"/new.pem", "PRIVATE KEY")
	w := prepare(t, root)
	if v := w.View(); !slices.Equal(v.Hidden, []string{".env", "new.pem"}) || !strings.Contains(strings.Join(v.Notes, "\n"), "git tracks .env:") {
		t.Errorf("hidden %v, notes %v", v.Hidden, v.Notes)
	}
	put(t, root+"/.env", "A=other\n") // as the inside sees it
	must(t, os.MkdirAll(w.opt.RunDir, 0o755))
	must(t, os.Symlink(root+"/.git/objects", w.opt.RunDir+"/objects"))
	if out := git(t, root, "--git-dir="+w.opt.SessionDir+"/git", "--work-tree="+root, "status", "--porcelain"); out != "?? new.pem" {
		t.Errorf("status inside: %q", out)
	}
}

func TestSockets(t *testing.T) {
	root := project(t)
	must(t, os.Mkdir(root+"/run", 0o755))
	l, err := net.Listen("unix", root+"/run/d.sock")
	must(t, err)
	defer l.Close()
	if v := prepare(t, root).View(); !slices.Contains(v.Masks, root+"/run/d.sock") {
		t.Errorf("masks %v", v.Masks)
	}
}

func TestControlNames(t *testing.T) {
	root := repository(t)
	put(t, root+"/.claude/settings.json", "{}")
	put(t, root+"/.husky/pre-commit", "echo")
	put(t, root+"/scripts/hooks/pre-commit", "echo")
	put(t, root+"/other/idea/x", "echo")
	must(t, os.Symlink("other/idea", root+"/.idea"))
	git(t, root, "config", "core.hooksPath", "scripts/hooks")
	put(t, root+"/settings/git.inc", "[user]\nname=x\n")
	git(t, root, "config", "include.path", "../settings/git.inc")
	put(t, root+"/tools/clean.sh", "cat")
	w := prepare(t, root, func(o *Options) { put(t, o.Home+"/.gitconfig", "[filter \"x\"]\nclean = sh './tools/clean.sh' %f\n") })
	v := w.View()
	at := func(p string) int {
		return slices.IndexFunc(v.Binds, func(b Bind) bool { return b.Target == root+"/"+p })
	}
	for p, ro := range map[string]bool{".claude": true, ".husky": false, "scripts": false, "scripts/hooks": true, "other": false, "other/idea": true,
		"settings": false, "settings/git.inc": true, "tools/clean.sh": true} {
		if i := at(p); i < 0 || v.Binds[i].ReadOnly != ro {
			t.Errorf("%s is not bound as it should: %v", p, v.Binds)
		}
	}
	if at("scripts") > at("scripts/hooks") || at("other") > at("other/idea") {
		t.Errorf("a pin would cover what it pins: %v", v.Binds)
	}
	if b, err := os.ReadFile(v.Binds[at(".husky")].Source + "/pre-commit"); err != nil || string(b) != "echo" || strings.HasPrefix(v.Binds[at(".husky")].Source, root) {
		t.Errorf("private copy: %q %v", b, err)
	}
	names := map[string]bool{}
	for _, n := range v.Watch {
		names[n.Name] = true
		if n.Reason == "" {
			t.Errorf("%s has no reason", n.Name)
		}
	}
	for name, want := range map[string]bool{".envrc": true, ".vscode": true, ".mcp.json": true, ".claude": false, ".git": false, "HEAD": false, "Makefile": false, ".idea": false} {
		if names[name] != want {
			t.Errorf("watch for %s: %v, want %v", name, names[name], want)
		}
	}
	for _, n := range prepare(t, project(t)).View().Watch {
		delete(names, n.Name)
		if n.Name == ".git" || n.Name == "HEAD" {
			names["git"] = true
		}
	}
	if !names["git"] {
		t.Error("without a repository .git and HEAD are not watched for")
	}
}

func TestFindRoot(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	put(t, home+"/.git/HEAD", "x") // dotfiles
	put(t, home+"/code/a/.git/HEAD", "x")
	must(t, os.MkdirAll(home+"/code/a/sub/dir", 0o755))
	must(t, os.MkdirAll(home+"/plain/x", 0o755))
	must(t, os.MkdirAll(home+"/.ssh/x", 0o755))
	must(t, os.MkdirAll(home+"/.config/nvim", 0o755))
	must(t, os.Symlink(home+"/code/a/sub", home+"/link"))
	for dir, want := range map[string]string{
		"code/a": "code/a", "code/a/sub/dir": "code/a", "plain/x": "plain/x", "link/dir": "code/a", "code": "code", ".config/nvim": ".config/nvim",
		"": "!", ".ssh": "!", ".ssh/x": "!", ".config": "!", "..": "!", "../..": "!",
	} {
		got, err := FindRoot(filepath.Join(home, dir), home)
		switch {
		case want == "!" && !errors.Is(err, ErrTooWide):
			t.Errorf("%q: %q, %v", dir, got, err)
		case want != "!" && (err != nil || got != filepath.Join(home, want)):
			t.Errorf("%q: %q, %v, want %q", dir, got, err, want)
		}
	}
	for _, dir := range []string{"/", "/etc", "/usr/bin", "/tmp", "/proc/self"} {
		if _, err := FindRoot(dir, home); !errors.Is(err, ErrTooWide) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	root := project(t)
	for name, c := range map[string]func(*Options){
		"session inside":  func(o *Options) { o.SessionDir = root + "/s"; _ = os.Mkdir(o.SessionDir, 0o700) },
		"session is root": func(o *Options) { o.SessionDir = root },
		"relative":        func(o *Options) { o.Root = "project" },
		"home":            func(o *Options) { o.Root = o.Home },
		"system":          func(o *Options) { o.Root = "/etc" },
		"name":            func(o *Options) { o.SessionID = "../x" },
		"no name":         func(o *Options) { o.SessionID = "" },
	} {
		if w, err := tryPrepare(t, root, c); err == nil {
			w.Close(true)
			t.Errorf("%s is accepted", name)
		}
	}
}

// Nothing of a session is left in the project or the session's directory.
func TestNoTrace(t *testing.T) {
	root := repository(t)
	put(t, root+"/.env", "A=b\n")
	put(t, root+"/.husky/x", "x")
	list := func() string { out, _ := tryRun(root, "find", ".", "-printf", "%p %C@ %y\n"); return out }
	was := list()
	w := prepare(t, root)
	_, err := w.Finish(context.Background())
	must(t, err)
	w.Sweep()
	must(t, w.Close(true))
	if now := list(); now != was {
		t.Errorf("the project was\n%s\nis\n%s", was, now)
	}
	left, err := os.ReadDir(w.opt.SessionDir)
	must(t, err)
	if len(left) != 0 {
		t.Errorf("the session's directory holds %v", left)
	}
}

func TestDiff(t *testing.T) {
	root := repository(t)
	for _, f := range []string{"a/keep", "a/change", "a/gone", "b/Makefile", "c/Makefile", "node_modules/x/y", "package.json"} {
		put(t, root+"/"+f, f)
	}
	tick(t)
	w := prepare(t, root)
	old := time.Now().Add(-24 * time.Hour)
	put(t, root+"/a/change", "changed")
	must(t, os.Chtimes(root+"/a/change", old, old)) // a forged time
	must(t, os.Remove(root+"/a/gone"))
	put(t, root+"/new/.github/workflows/x.yml", "x")
	put(t, root+"/node_modules/x/z", "x")
	put(t, root+"/sub/.git/HEAD", "x")
	put(t, root+"/package.json", "{}")
	must(t, os.Rename(root+"/b", root+"/t")) // two directories change places
	must(t, os.Rename(root+"/c", root+"/b"))
	must(t, os.Rename(root+"/t", root+"/c"))
	c, err := w.Diff(context.Background())
	must(t, err)
	var got []string
	for _, f := range c.Files {
		got = append(got, fmt.Sprintf("%s %s %s", f.Kind, f.Path, f.Executes))
	}
	want := []string{"modified a/change ", "removed a/gone ", "modified b/Makefile make", "modified c/Makefile make", "added new/.github/workflows/x.yml CI",
		"modified node_modules/ (1 files) Node", "modified package.json npm scripts", "added sub/.git/ git"}
	if !slices.Equal(got, want) || c.Partial {
		t.Errorf("%v\n%s\nwant\n%s", c.Partial, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestGitIdentityComesAlong(t *testing.T) {
	root := repository(t)
	w := prepare(t, root, func(o *Options) {
		put(t, o.Home+"/.gitconfig", "[user]\nname = N\n[credential]\nhelper = store\n[core]\nexcludesFile = ~/ig\n")
		put(t, o.Home+"/ig", "*.swp\n")
	})
	v := w.View()
	if len(v.Home) != 2 || string(v.Home[0].Content) != "[user]\n\tname = \"N\"\n" || v.Home[1].Target != ".config/git/ignore" || string(v.Home[1].Content) != "*.swp\n" {
		t.Errorf("%q", v.Home)
	}
}

// What git cannot be shown as is hidden whole, and said.
func TestGitHidden(t *testing.T) {
	root := repository(t)
	git(t, root, "config", "extensions.refStorage", "reftable")
	v := prepare(t, root).View()
	i := slices.IndexFunc(v.Binds, func(b Bind) bool { return b.Target == root+"/.git" })
	if i < 0 || !v.Binds[i].ReadOnly || strings.HasPrefix(v.Binds[i].Source, root) || !strings.Contains(strings.Join(v.Notes, "\n"), "git is hidden") {
		t.Errorf("%+v", v)
	}
}

func BenchmarkPrepare2000(b *testing.B) {
	root := repository(b)
	for i := range 2000 {
		put(b, fmt.Sprintf("%s/src/%d/file%d.go", root, i%70, i), "x")
	}
	put(b, root+"/.env", strings.Repeat("A=b\n", 40))
	git(b, root, "add", "src")
	git(b, root, "commit", "-qm", "many")
	base := b.TempDir()
	n := 0
	for b.Loop() {
		n++
		dir := fmt.Sprintf("%s/%d", base, n)
		must(b, os.Mkdir(dir, 0o700))
		w, err := Prepare(context.Background(), Options{Root: root, SessionDir: dir, SessionID: "s", Home: "/nonexistent"})
		must(b, err)
		b.StopTimer()
		must(b, w.Close(true))
		b.StartTimer()
	}
}

func BenchmarkDiff20000(b *testing.B) {
	root := project(b)
	for i := range 20000 {
		put(b, fmt.Sprintf("%s/src/%d/file%d.go", root, i%300, i), "")
	}
	w := prepare(b, root)
	b.Run("scan", func(b *testing.B) {
		for b.Loop() {
			_, err := scan(context.Background(), w.root, false)
			must(b, err)
		}
	})
	b.Run("diff", func(b *testing.B) {
		for b.Loop() {
			_, err := w.Diff(context.Background())
			must(b, err)
		}
	})
}
