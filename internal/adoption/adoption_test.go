package adoption

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bailey-project/bailey/internal/adoption/survey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/daemon"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server"
)

const passphrase = "correct horse battery"

// TestMain is also the child that init dies in: "die HOME ROOT STEP".
func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == "die" {
		dieAt(os.Args[2], os.Args[3], os.Args[4])
		return
	}
	os.Exit(m.Run())
}

// newVault is a client of a new vault in a home of its own.
func newVault(t *testing.T) *api.Client {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(home.Variable, dir)
	t.Setenv("HOME", filepath.Join(dir, "user"))
	return openVault(t, true)
}

func openVault(t *testing.T, create bool) *api.Client {
	t.Helper()
	file := filepath.Join(home.Dir(), "..", filepath.Base(home.Dir())+".passphrase")
	if err := os.WriteFile(file, []byte(passphrase), 0o600); err != nil {
		t.Fatal(err)
	}
	s := server.New(server.Options{VaultDir: home.Vault(), AuditDir: home.Audit(), Cost: 1, Logf: t.Logf})
	t.Cleanup(func() { _ = s.Close() })
	c := api.New(&daemon.Local{Server: s, File: file}, api.LocalBase)
	if create {
		if _, err := c.CreateVault(t.Context(), secret.NewValue([]byte(passphrase))); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// tree writes files below a new root.
func tree(t *testing.T, files map[string]string) *safefs.Root {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
	}
	return open(t, dir)
}

func open(t *testing.T, dir string) *safefs.Root {
	t.Helper()
	root, err := safefs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return root
}

// snapshot is every file below dir with its mode.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		info, _ := d.Info()
		rel, _ := filepath.Rel(dir, p)
		out[rel] = info.Mode().String() + " " + string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func plan(t *testing.T, root *safefs.Root) *Plan {
	t.Helper()
	m, err := manifest.Load(root.Path())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	s, err := survey.Look(t.Context(), root, m)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(root, s, m, "shop")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func adopt(t *testing.T, root *safefs.Root, c *api.Client) *Plan {
	t.Helper()
	p := plan(t, root)
	a := &Adopter{Plan: p, Root: root, Client: c, Confirm: true}
	if err := a.Import(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, changed, err := a.Remove(t.Context()); err != nil || len(changed) > 0 {
		t.Fatal(changed, err)
	}
	return p
}

func eject(t *testing.T, root *safefs.Root, c *api.Client) *Exit {
	t.Helper()
	e := &Ejector{Project: "shop", Root: root, Client: c}
	x, err := e.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Apply(x); err != nil {
		t.Fatal(err)
	}
	return x
}

// values reads a survey.Slot from the vault.
func values(t *testing.T, c *api.Client, environment, folder string) map[string]string {
	t.Helper()
	list, err := c.Secrets(t.Context(), api.Ref{Project: "shop", Environment: environment, Path: folder}, false)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for i := range list {
		out[string(list[i].Key)] = string(list[i].Value().Reveal())
	}
	return out
}

func awkward(t *testing.T) (file string, want map[string]string) {
	t.Helper()
	b, err := os.ReadFile("../dotenv/testdata/awkward.env")
	if err != nil {
		t.Fatal(err)
	}
	j, err := os.ReadFile("../dotenv/testdata/awkward.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(j, &want); err != nil {
		t.Fatal(err)
	}
	return string(b), want
}

func TestThereAndBack(t *testing.T) {
	c := newVault(t)
	env, want := awkward(t)
	root := tree(t, map[string]string{
		".env": env, "apps/api/.env": "A=api\n", "apps/web/.env.local": "A=web", ".env.production": "STRIPE_SECRET_KEY=sk_live_x\r\n",
		".gitignore": "node_modules\n", "package.json": `{"scripts":{"test":"node --test"}}`, ".env.bak": "OLD=1\n",
	})
	before := snapshot(t, root.Path())
	p := adopt(t, root, c)
	for _, gone := range []string{".env", "apps/api/.env", "apps/web/.env.local", ".env.production"} {
		if _, err := root.Lstat(gone); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", gone, err)
		}
	}
	got := values(t, c, "development", "/")
	for name, v := range p.Add.Public {
		got[name] = v
	}
	for name, v := range want {
		if got[name] != v {
			t.Errorf("%s = %q, want %q", name, got[name], v)
		}
	}
	if v := values(t, c, "development", "/api")["A"] + values(t, c, "development", "/web")["A"]; v != "apiweb" {
		t.Errorf("two packages, one name: %q", v)
	}
	if v := values(t, c, "production", "/")["STRIPE_SECRET_KEY"]; v != "sk_live_x" {
		t.Errorf("production: %q", v)
	}
	noValues(t, root.Path(), home.Dir(), got)
	eject(t, root, c)
	if after := snapshot(t, root.Path()); !equal(before, after) {
		t.Errorf("not byte-identical:\n%s", difference(before, after))
	}
	if _, ok := manifest.Bound(root.Path()); ok {
		t.Error("the repository is still bound")
	}
}

// noValues searches for secrets in the project and in Bailey's own home.
func noValues(t *testing.T, project, own string, secrets map[string]string) {
	t.Helper()
	for _, dir := range []string{project, own} {
		for name, content := range snapshot(t, dir) {
			for n, v := range secrets {
				if len(v) >= 8 && !survey.Public(n, secret.NewValue([]byte(v))) && strings.Contains(content, v) {
					t.Errorf("%s stands in %s/%s", n, dir, name)
				}
			}
		}
	}
}

func equal(a, b map[string]string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

func difference(a, b map[string]string) string {
	var out strings.Builder
	for name := range a {
		if a[name] != b[name] {
			fmt.Fprintf(&out, "%s: %q → %q\n", name, a[name], b[name])
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			fmt.Fprintf(&out, "%s: new\n", name)
		}
	}
	return out.String()
}

func TestTwiceChangesNothing(t *testing.T) {
	c := newVault(t)
	root := tree(t, map[string]string{".env": "TOKEN=abcdefgh\nPORT=1\n", "api/.env": "TOKEN=other\n"})
	adopt(t, root, c)
	before := snapshot(t, root.Path())
	if p := plan(t, root); !p.Nothing() {
		t.Errorf("a second plan: %d files, %+v", len(p.Survey.Files), p.Writes)
	}
	adopt(t, root, c)
	if after := snapshot(t, root.Path()); !equal(before, after) {
		t.Error(difference(before, after))
	}
	h, err := c.History(t.Context(), api.Ref{Project: "shop", Environment: "development", Path: "/", Name: "TOKEN"})
	if err != nil || len(h) != 1 {
		t.Errorf("%d versions, %v", len(h), err)
	}
}

func TestNewFileAfterwardsIsMergedIn(t *testing.T) {
	c := newVault(t)
	root := tree(t, map[string]string{".env": "# ours\nA=one # first\nB='two'\n"})
	adopt(t, root, c)
	if err := root.WriteFile(".env", []byte("A=changed\nNEW=three\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	adopt(t, root, c)
	if got := values(t, c, "development", "/"); got["A"] != "changed" || got["B"] != "two" || got["NEW"] != "three" {
		t.Errorf("%q", got)
	}
	eject(t, root, c)
	b, err := root.ReadFile(".env", survey.MaxFile)
	if err != nil || string(b) != "# ours\nA=changed # first\nB='two'\nNEW=three\n" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestFamilyPrecedence(t *testing.T) {
	c := newVault(t)
	files := map[string]string{
		".env": "S=base\nONLY=base-only\n", ".env.development": "S=dev\n", ".env.local": "S=local\n", ".env.development.local": "S=devlocal\n",
	}
	root := tree(t, files)
	adopt(t, root, c)
	if got := values(t, c, "development", "/"); got["S"] != "devlocal" || got["ONLY"] != "base-only" {
		t.Errorf("%q", got)
	}
	put(t, c, "S", "newest")
	put(t, c, "FRESH", "only in the vault")
	x := eject(t, root, c)
	want := map[string]string{
		".env": "S=base\nONLY=base-only\nFRESH='only in the vault'\n", ".env.development": "S=dev\n",
		".env.local": "S=local\n", ".env.development.local": "S=newest\n",
	}
	for name, w := range want {
		b, _ := root.ReadFile(name, survey.MaxFile)
		if string(b) != w && strings.ReplaceAll(string(b), `"`, "'") != w {
			t.Errorf("%s: %q, want %q", name, b, w)
		}
	}
	var newer, added []string
	for _, f := range x.Files {
		newer, added = append(newer, f.Newer...), append(added, f.Added...)
	}
	if !slices.Equal(newer, []string{"S"}) || !slices.Equal(added, []string{"FRESH"}) {
		t.Errorf("newer %q, added %q", newer, added)
	}
}

func put(t *testing.T, c *api.Client, name secret.Name, v string) {
	t.Helper()
	ref := api.Ref{Project: "shop", Environment: "development", Path: "/"}
	if _, err := c.Put(t.Context(), ref, []api.Item{api.NewItem(name, secret.NewValue([]byte(v)))}); err != nil {
		t.Fatal(err)
	}
}

func TestEjectKeepsWhatPeopleChanged(t *testing.T) {
	c := newVault(t)
	root := tree(t, map[string]string{".env": "A=one\n", ".gitignore": "dist"})
	adopt(t, root, c)
	write(t, root, ".env", "A=by hand\n")
	write(t, root, ".env.example", "A=\nMINE=\n")
	x := eject(t, root, c)
	for name, want := range map[string]string{".env": "A=by hand\n", ".env.ejected": "A=one\n", ".env.example": "A=\nMINE=\n", ".gitignore": "dist\n"} {
		if b, _ := root.ReadFile(name, survey.MaxFile); string(b) != want {
			t.Errorf("%s: %q, want %q", name, b, want)
		}
	}
	if !slices.Equal(x.Changed, []string{".env.example"}) || !slices.Equal(x.Removes, []string{"bailey.yaml"}) {
		t.Errorf("changed %q, removes %q", x.Changed, x.Removes)
	}
}

func write(t *testing.T, root *safefs.Root, name, content string) {
	t.Helper()
	if err := root.WriteFile(name, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestEjectWithoutReceipt(t *testing.T) {
	c := newVault(t)
	root := tree(t, map[string]string{".env": "A=one\n", "apps/api/.env.test": "A=two\n"})
	adopt(t, root, c)
	if err := os.Remove(receiptPath(root.Path())); err != nil {
		t.Fatal(err)
	}
	put(t, c, "A", "three")
	eject(t, root, c)
	for name, want := range map[string]string{".env": "A=three\n", "apps/api/.env.test": "A=two\n"} {
		if b, _ := root.ReadFile(name, survey.MaxFile); string(b) != want {
			t.Errorf("%s: %q, want %q", name, b, want)
		}
	}
}

func TestFileChangedMeanwhileStays(t *testing.T) {
	c := newVault(t)
	root := tree(t, map[string]string{".env": "A=one\n"})
	a := &Adopter{Plan: plan(t, root), Root: root, Client: c}
	if err := a.Import(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, root, ".env", "A=one\nB=added while init ran\n")
	removed, changed, err := a.Remove(t.Context())
	if err != nil || len(removed) != 0 || !slices.Equal(changed, []string{".env"}) {
		t.Errorf("removed %q, changed %q, %v", removed, changed, err)
	}
}

// steps is every step that init takes over this tree.
func interrupted() map[string]string {
	return map[string]string{
		".env": "# c\nTOKEN='tok en value'\nPORT=3000\n", ".env.production": "TOKEN=prod-token-value\n",
		"apps/api/.env": "TOKEN=api-token-value\n", ".gitignore": "node_modules\n",
	}
}

func stepsOf(t *testing.T) []string {
	t.Helper()
	c := newVault(t)
	root := tree(t, interrupted())
	var steps []string
	a := &Adopter{Plan: plan(t, root), Root: root, Client: c, Confirm: true, step: func(s string) error {
		steps = append(steps, s)
		return nil
	}}
	if err := a.Import(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	return steps
}

// TestInterruptedAnywhere kills init at each step in a child process, checks
// that nothing is lost, and lets a second run finish.
func TestInterruptedAnywhere(t *testing.T) {
	steps := stepsOf(t)
	if len(steps) < 14 {
		t.Fatalf("only %d steps: %q", len(steps), steps)
	}
	for _, step := range steps {
		t.Run(step, func(t *testing.T) { dieAndGoOn(t, step) })
	}
}

func dieAndGoOn(t *testing.T, step string) {
	c := newVault(t)
	root := tree(t, interrupted())
	before := snapshot(t, root.Path())
	child := exec.Command(os.Args[0], "die", home.Dir(), root.Path(), step)
	out, err := child.CombinedOutput()
	if err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the child did not die: %v\n%s", err, out)
	}
	for name := range interrupted() {
		if _, err := root.Lstat(name); err == nil {
			continue
		}
		_, content, err := c.Original(t.Context(), "shop", name)
		if err != nil || string(content) != interrupted()[name] {
			t.Errorf("%s is neither on the disk nor in the vault: %v", name, err)
		}
	}
	adopt(t, root, c)
	if v := values(t, c, "development", "/")["TOKEN"] + values(t, c, "production", "/")["TOKEN"] + values(t, c, "development", "/api")["TOKEN"]; v != "tok en valueprod-token-valueapi-token-value" {
		t.Errorf("values after the second run: %q", v)
	}
	m, err := manifest.Load(root.Path())
	if err != nil || !manifest.Confirmed(root.Path(), m.Hash()) {
		t.Errorf("bailey.yaml after the second run: %v", err)
	}
	eject(t, root, c)
	if after := snapshot(t, root.Path()); !equal(before, after) {
		t.Errorf("after eject:\n%s", difference(before, after))
	}
}

// dieAt runs init in this process and kills it at step.
func dieAt(dir, path, step string) {
	_ = os.Setenv(home.Variable, dir)
	fail := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	root, err := safefs.Open(path)
	fail(err)
	s := server.New(server.Options{VaultDir: home.Vault(), AuditDir: home.Audit(), Cost: 1})
	c := api.New(&daemon.Local{Server: s, File: filepath.Join(dir, "..", filepath.Base(dir)+".passphrase")}, api.LocalBase)
	found, err := survey.Look(context.Background(), root, nil)
	fail(err)
	p, err := NewPlan(root, found, nil, "shop")
	fail(err)
	a := &Adopter{Plan: p, Root: root, Client: c, Confirm: true, step: func(s string) error {
		if s == step {
			self, _ := os.FindProcess(os.Getpid())
			_ = self.Kill()
			select {}
		}
		return nil
	}}
	fail(a.Import(context.Background()))
	_, _, err = a.Remove(context.Background())
	fail(err)
}

func TestDeclare(t *testing.T) {
	c := newVault(t)
	root := tree(t, map[string]string{".env": "A=one\n"})
	adopt(t, root, c)
	lines, err := Declare(root.Path(), []secret.Name{"A", "OPENAI_API_KEY", "JWT_SECRET"})
	if err != nil || len(lines) != 2 || !strings.Contains(lines[1], "api.openai.com") {
		t.Errorf("%q, %v", lines, err)
	}
	after, err := manifest.Load(root.Path())
	if err != nil || after.Secrets["JWT_SECRET"].Agent != manifest.AgentFake || !manifest.Confirmed(root.Path(), after.Hash()) {
		t.Errorf("%+v, %v", after, err)
	}
	if x := eject(t, root, c); !slices.Contains(x.Removes, manifest.Name) {
		t.Error("a bailey.yaml that only Bailey changed stays behind")
	}
	if _, err := root.Lstat(manifest.Name); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestDeclareAtOnce: commands that set secrets at the same time lose no name,
// and what was confirmed stays so.
func TestDeclareAtOnce(t *testing.T) {
	c := newVault(t)
	root := tree(t, map[string]string{".env": "A=one\n"})
	adopt(t, root, c)
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if _, err := Declare(root.Path(), []secret.Name{secret.Name(fmt.Sprintf("NAME_%d", i))}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	after, err := manifest.Load(root.Path())
	if err != nil || len(after.Secrets) != 21 || !manifest.Confirmed(root.Path(), after.Hash()) {
		t.Errorf("%d names, %v", len(after.Secrets), err)
	}
	if x := eject(t, root, c); !slices.Contains(x.Removes, manifest.Name) {
		t.Error("a bailey.yaml that only Bailey changed stays behind")
	}
}

func TestDeclareDoesNotConfirm(t *testing.T) {
	t.Setenv(home.Variable, t.TempDir())
	root := tree(t, map[string]string{manifest.Name: "project: shop\nagent: {network: [evil.test]}\n"})
	if _, err := Declare(root.Path(), []secret.Name{"A"}); err != nil {
		t.Fatal(err)
	}
	after, _ := manifest.Load(root.Path())
	if manifest.Confirmed(root.Path(), after.Hash()) {
		t.Error("a secret set confirmed what nobody had read")
	}
}

func TestTrackedFilesStay(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git")
	}
	c := newVault(t)
	root := tree(t, map[string]string{".env": "A=one-long-value\n", ".env.local": "B=two-long-value\n"})
	for _, args := range [][]string{{"init", "-q"}, {"add", ".env"}} {
		cmd := exec.Command("git", args...)
		cmd.Dir = root.Path()
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v", out, err)
		}
	}
	adopt(t, root, c)
	if _, err := root.Lstat(".env"); err != nil {
		t.Error("a tracked file was removed")
	}
	if _, err := root.Lstat(".env.local"); err == nil {
		t.Error("an untracked file stayed")
	}
	if got := values(t, c, "development", "/"); got["A"] != "one-long-value" {
		t.Errorf("%q", got)
	}
}

func TestLeaks(t *testing.T) {
	c := newVault(t)
	_ = c
	root := tree(t, map[string]string{".env": "TOKEN=canary-value-0123456789\nSHORT=abc\nKEY=\"-----BEGIN KEY-----\\nMIIBVgIBADANBgkq\\n\"\nPORT=3000\n"})
	h := t.TempDir()
	for name, content := range map[string]string{
		".claude/projects/x/1.jsonl": `{"t":"TOKEN=canary-value-0123456789"}`, ".bash_history": "export TOKEN=canary-value-0123456789\n",
		".codex/log": `"MIIBVgIBADANBgkq\\n" 3000 abc`,
	} {
		p := filepath.Join(h, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, complete := plan(t, root).Leaks(t.Context(), h)
	if !complete || len(found) != 2 || found[0].Name != "KEY" || !slices.Equal(found[1].Places, []string{".claude", ".bash_history"}) {
		t.Errorf("%+v, %v", found, complete)
	}
}

func TestMerged(t *testing.T) {
	for _, c := range []struct{ old, now, want string }{
		{"A=1\n", "A=1\n", "A=1\n"},
		{"# c\nA=1\nB=2\n", "A=3\n", "# c\nA=3\nB=2\n"},
		{"A=1\nB=${A}x\n", "A=2\nB=1x\n", "A=2\nB=1x\n"},
		{"A=1", "C=2\n", "A=1\nC=2\n"},
	} {
		got, err := merged([]byte(c.old), []byte(c.now))
		if err != nil || string(got) != c.want {
			t.Errorf("merged(%q, %q) = %q, %v, want %q", c.old, c.now, got, err, c.want)
		}
		again, _ := merged(got, []byte(c.now))
		if !bytes.Equal(again, got) {
			t.Errorf("not stable: %q → %q", got, again)
		}
	}
}

func TestFoldersOfDirectories(t *testing.T) {
	c := newVault(t)
	_ = c
	root := tree(t, map[string]string{
		".env": "A=1\n", "apps/api/.env": "A=1\n", "apps/web.site/.env": "A=1\n", "x/api/.env": "A=1\n", "node_modules/p/.env": "A=1\n", "deep/.env.example": "A=\n",
	})
	p := plan(t, root)
	got := map[string]string{}
	for _, f := range p.Survey.Files {
		got[f.Path] = f.Folder
		if !manifest.ValidFolder(f.Folder) {
			t.Errorf("%s: folder %s", f.Path, f.Folder)
		}
	}
	want := map[string]string{".env": "/", "apps/api/.env": "/apps/api", "apps/web.site/.env": "/web-site", "x/api/.env": "/x/api"}
	if len(got) != len(want) {
		t.Errorf("got %v", got)
	}
	for path, folder := range want {
		if got[path] != folder {
			t.Errorf("%s → %s, want %s", path, got[path], folder)
		}
	}
}
