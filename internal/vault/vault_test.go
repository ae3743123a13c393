package vault

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault/envelope"
)

// TestMain is also the child of the tests that need another process.
func TestMain(m *testing.M) {
	if home := os.Getenv("VAULT_TEST_CHILD"); home != "" {
		os.Exit(child(home))
	}
	if home := os.Getenv("VAULT_TEST_WORK"); home != "" {
		os.Exit(worker(home))
	}
	if dir := os.Getenv("VAULT_TEST_MAKE"); dir != "" {
		os.Exit(makeChild(dir))
	}
	os.Exit(m.Run())
}

// quick seals without any work, so that a test can open a vault a thousand times.
type quick string

func (q quick) Kind() string { return "passphrase" }

func (q quick) box() *envelope.Box { return envelope.NewBox(sha256.Sum256([]byte(q))) }

func (q quick) Seal(root []byte) ([]byte, error) { return q.box().Seal(envelope.Label{}, root) }

func (q quick) Open(sealed []byte) ([]byte, error) {
	b, err := q.box().Open(envelope.Label{}, sealed)
	if err != nil {
		return nil, errors.New("wrong passphrase")
	}
	return b[:envelope.KeySize], nil
}

const right = quick("correct horse")

var (
	me   = Caller{Actor: "test", Pid: 1}
	here = Place{Project: "shop", Environment: "development"}
)

// home is a $BAILEY_HOME with an unlocked vault.
type home struct {
	dir   string
	log   *audit.Log
	vault *Vault
}

func (h *home) close() error {
	if h.vault == nil {
		return h.log.Close()
	}
	return errors.Join(h.vault.Close(), h.log.Close())
}

func newHome(t testing.TB) *home {
	t.Helper()
	dir := t.TempDir()
	v, log, err := Make(t.Context(), dirsIn(dir), me, right)
	if err != nil {
		t.Fatal(err)
	}
	h := &home{dir, log, v}
	t.Cleanup(func() { h.close() })
	if _, err := v.CreateProject(t.Context(), me, "shop", "Shop"); err != nil {
		t.Fatal(err)
	}
	return h
}

// reopen opens and unlocks what is in dir.
func reopen(ctx context.Context, dir string) (*home, error) {
	log, err := audit.Open(filepath.Join(dir, "audit"))
	if err != nil {
		return nil, err
	}
	h := &home{dir: dir, log: log}
	if h.vault, err = Open(ctx, filepath.Join(dir, "vault"), log); err == nil {
		err = h.vault.Unlock(ctx, me, right)
	}
	if err != nil {
		h.close()
		return nil, err
	}
	return h, nil
}

func mustReopen(t testing.TB, dir string) *home {
	t.Helper()
	h, err := reopen(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.close() })
	return h
}

func place(project, env, path string) Place {
	return Place{Project: project, Environment: env, Path: path}
}

func ref(project, env, path, name string) Ref {
	return Ref{Project: project, Environment: env, Path: path, Name: secret.Name(name)}
}

func value(s string) *secret.Value { v := secret.NewValue([]byte(s)); return &v }

func set(t testing.TB, v *Vault, p Place, name, val string) Secret {
	t.Helper()
	s, err := v.Set(t.Context(), me, p, Change{Name: secret.Name(name), Value: value(val)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// show makes answers comparable.
func show(secrets ...Secret) string {
	var out []string
	for _, s := range secrets {
		out = append(out, fmt.Sprintf("%s=%s@%d", path.Join(s.Path, string(s.Name)), s.Value.Reveal(), s.Version))
	}
	return strings.Join(out, " ")
}

func list(t testing.TB, v *Vault, p Place) string {
	t.Helper()
	out, err := v.List(t.Context(), me, p, ListOptions{Recursive: true})
	if err != nil {
		t.Fatal(err)
	}
	return show(out...)
}

func TestSecrets(t *testing.T) {
	h := newHome(t)
	v, ctx := h.vault, t.Context()
	api := place("shop", "development", "/api/worker")
	if _, err := v.Set(ctx, me, api, Change{Name: "A"}); !errors.Is(err, ErrMissing) {
		t.Errorf("no folder: %v", err)
	}
	if _, err := v.CreateFolder(ctx, me, api); err != nil {
		t.Fatal(err)
	}
	comment := "the comment"
	full, err := v.Set(ctx, me, here, Change{Name: "B", Value: value("b1"), Comment: &comment, Metadata: []Metadata{{Key: "k", Value: "v"}}})
	if err != nil {
		t.Fatal(err)
	}
	set(t, v, api, "A", "a1")
	set(t, v, here, "A", "\x00\xff")
	if got := set(t, v, here, "B", "b2"); got.Version != 2 || got.Comment != comment || got.ID != full.ID || !reflect.DeepEqual(got.Metadata, full.Metadata) {
		t.Errorf("second version %+v", got)
	}
	if got := set(t, v, here, "B", "b2"); got.Version != 2 {
		t.Errorf("setting the same again made version %d", got.Version)
	}
	want := "/A=\x00\xff@1 /api/worker/A=a1@1 /B=b2@2"
	if got := list(t, v, here); got != want {
		t.Errorf("list %q", got)
	}
	flat, err := v.List(ctx, me, here, ListOptions{NamesOnly: true})
	if err != nil || show(flat...) != "/A=@1 /B=@2" {
		t.Errorf("flat list of names: %s %v", show(flat...), err)
	}
	h.close()
	h = mustReopen(t, h.dir)
	if got := list(t, h.vault, here); got != want {
		t.Errorf("list after reopening %q", got)
	}
	got, err := h.vault.Get(ctx, me, ref("shop", "development", "/", "B"), 0)
	if err != nil || show(got) != "/B=b2@2" || got.Comment != comment || got.Actor != "test" || got.CreatedAt.After(got.UpdatedAt) {
		t.Errorf("%+v %v", got, err)
	}
	if err := h.vault.Verify(ctx); err != nil {
		t.Error(err)
	}
}

func TestModes(t *testing.T) {
	v, ctx := newHome(t).vault, t.Context()
	set(t, v, here, "A", "1")
	big, text := secret.NewValue(make([]byte, MaxValue+1)), strings.Repeat("x", 64<<10+1)
	tests := []struct {
		ch   Change
		want error
	}{
		{Change{Name: "A", Mode: CreateOnly}, ErrExists},
		{Change{Name: "B", Mode: UpdateOnly}, ErrMissing},
		{Change{Name: "bad name"}, ErrInvalid},
		{Change{Name: ""}, ErrInvalid},
		{Change{Name: "B", Value: &big}, ErrInvalid},
		{Change{Name: "B", Comment: &text}, ErrInvalid},
		{Change{Name: "B", Metadata: []Metadata{{Key: text}}}, ErrInvalid},
		{Change{Name: "A", Rename: "bad name"}, ErrInvalid},
	}
	for _, tt := range tests {
		if _, err := v.SetMany(ctx, me, here, []Change{{Name: "OTHER", Value: value("x")}, tt.ch}); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.ch.Name, err)
		}
	}
	if got := list(t, v, here); got != "/A=1@1" {
		t.Errorf("refused changes left %q", got)
	}
	if _, err := v.Set(ctx, Caller{}, here, Change{Name: "A"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("nameless caller: %v", err)
	}
	for _, p := range []Place{place("none", "development", "/"), place("shop", "none", "/"), place("shop", "test", "/none")} {
		if _, err := v.List(ctx, me, p, ListOptions{}); !errors.Is(err, ErrMissing) {
			t.Errorf("%v: %v", p, err)
		}
	}
	for _, path := range []string{"api", "/a b", "//", "/../x", "/a/../b", "/é", strings.Repeat("/a", 40)} {
		if _, err := v.CreateFolder(ctx, me, place("shop", "test", path)); !errors.Is(err, ErrInvalid) {
			t.Errorf("folder %q: %v", path, err)
		}
	}
}

func TestRename(t *testing.T) {
	v, ctx := newHome(t).vault, t.Context()
	a := set(t, v, here, "A", "1")
	set(t, v, here, "B", "2")
	if _, err := v.Set(ctx, me, here, Change{Name: "A", Rename: "B"}); !errors.Is(err, ErrExists) {
		t.Errorf("onto another: %v", err)
	}
	c, err := v.Set(ctx, me, here, Change{Name: "A", Rename: "C"})
	if err != nil || c.ID != a.ID || c.Version != 2 {
		t.Fatalf("%+v %v", c, err)
	}
	if got := list(t, v, here); got != "/B=2@1 /C=1@2" {
		t.Errorf("after renaming %q", got)
	}
	set(t, v, here, "A", "new")
	old, err := v.Get(ctx, me, ref("shop", "development", "", "C"), 1)
	if err != nil || show(old) != "/A=1@1" {
		t.Errorf("version 1: %s %v", show(old), err)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}

func TestHistory(t *testing.T) {
	h := newHome(t)
	v, ctx := h.vault, t.Context()
	a := ref("shop", "development", "/", "A")
	for i := range 4 {
		set(t, v, here, "A", fmt.Sprint("v", i+1))
	}
	gone, err := v.Delete(ctx, me, here, "A")
	if err != nil || show(gone...) != "/A=@4" {
		t.Fatalf("%s %v", show(gone...), err)
	}
	if _, err := v.Get(ctx, me, a, 0); !errors.Is(err, ErrMissing) {
		t.Errorf("deleted: %v", err)
	}
	if _, err := v.Delete(ctx, me, here, "A"); !errors.Is(err, ErrMissing) {
		t.Errorf("deleted twice: %v", err)
	}
	if got := list(t, v, here); got != "" {
		t.Errorf("after deleting %q", got)
	}
	if _, err := v.Restore(ctx, me, a, 5); !errors.Is(err, ErrInvalid) {
		t.Errorf("restoring the deletion: %v", err)
	}
	back, err := v.Restore(ctx, me, a, 2)
	if err != nil || show(back) != "/A=v2@6" {
		t.Fatalf("%s %v", show(back), err)
	}
	all, err := v.History(ctx, me, a)
	if err != nil || show(all...) != "/A=@6 /A=@5 /A=@4 /A=@3 /A=@2 /A=@1" || !all[1].Deleted || all[2].Deleted {
		t.Errorf("%s %v", show(all...), err)
	}
	for n, want := range map[int]string{1: "/A=v1@1", 4: "/A=v4@4", 6: "/A=v2@6", 0: "/A=v2@6"} {
		got, err := v.Get(ctx, me, a, n)
		if err != nil || show(got) != want {
			t.Errorf("version %d: %s %v", n, show(got), err)
		}
	}
	for _, n := range []int{-1, 7} {
		if _, err := v.Get(ctx, me, a, n); !errors.Is(err, ErrMissing) {
			t.Errorf("version %d: %v", n, err)
		}
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
	if _, err := v.Delete(ctx, me, here, "A"); err != nil {
		t.Fatal(err)
	}
	if s, err := v.Set(ctx, me, here, Change{Name: "A", Mode: CreateOnly, Value: value("again")}); err != nil || s.Version != 8 || s.ID != back.ID {
		t.Errorf("created again: %+v %v", s, err)
	}
}

func TestFolders(t *testing.T) {
	v, ctx := newHome(t).vault, t.Context()
	deep := place("shop", "test", "/a/b/c/")
	made, err := v.CreateFolder(ctx, me, deep)
	if err != nil || made.Path != "/a/b/c" || made.Name != "c" {
		t.Fatalf("%+v %v", made, err)
	}
	if again, err := v.CreateFolder(ctx, me, deep); err != nil || again != made {
		t.Errorf("again %+v %v", again, err)
	}
	set(t, v, deep, "X", "x")
	paths := func(p Place, recursive bool) string {
		fs, err := v.Folders(ctx, me, p, recursive)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, f := range fs {
			out = append(out, f.Path)
		}
		return strings.Join(out, " ")
	}
	root := place("shop", "test", "")
	if got := paths(root, false); got != "/ /a" {
		t.Errorf("in the root: %s", got)
	}
	if got := paths(root, true); got != "/ /a /a/b /a/b/c" {
		t.Errorf("below the root: %s", got)
	}
	if _, err := v.DeleteFolder(ctx, me, root); !errors.Is(err, ErrInvalid) {
		t.Errorf("deleting the root: %v", err)
	}
	if f, err := v.DeleteFolder(ctx, me, place("shop", "test", "/a/b")); err != nil || f.Path != "/a/b" {
		t.Fatalf("%+v %v", f, err)
	}
	if got := paths(root, true); got != "/ /a" {
		t.Errorf("after deleting: %s", got)
	}
	if got := list(t, v, root); got != "" {
		t.Errorf("secrets of a deleted folder: %s", got)
	}
	if s, err := v.Restore(ctx, me, ref("shop", "test", "/a/b/c", "X"), 1); err != nil || show(s) != "/a/b/c/X=x@3" {
		t.Errorf("%s %v", show(s), err)
	}
	if got := list(t, v, root); got != "/a/b/c/X=x@3" {
		t.Errorf("after restoring: %s", got)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}

func TestProjects(t *testing.T) {
	v, ctx := newHome(t).vault, t.Context()
	if _, err := v.CreateProject(ctx, me, "shop", ""); !errors.Is(err, ErrExists) {
		t.Errorf("twice: %v", err)
	}
	for _, slug := range []string{"", "Shop", "a b", "a/b", "é", strings.Repeat("a", 65), "6ba7b810-9dad-41d1-80b4-00c04fd430c8"} {
		if _, err := v.CreateProject(ctx, me, slug, ""); !errors.Is(err, ErrInvalid) {
			t.Errorf("slug %q: %v", slug, err)
		}
		if _, err := v.CreateEnvironment(ctx, me, "shop", Environment{Slug: slug}); !errors.Is(err, ErrInvalid) {
			t.Errorf("environment %q: %v", slug, err)
		}
	}
	e, err := v.CreateEnvironment(ctx, me, "shop", Environment{Slug: "preview"})
	if err != nil || e.Position != 5 {
		t.Fatalf("%+v %v", e, err)
	}
	if _, err := v.CreateEnvironment(ctx, me, "shop", Environment{Slug: "preview"}); !errors.Is(err, ErrExists) {
		t.Errorf("environment twice: %v", err)
	}
	p, err := v.Project(ctx, me, "shop")
	if err != nil || p.Name != "Shop" {
		t.Fatalf("%+v %v", p, err)
	}
	var slugs []string
	for _, e := range p.Environments {
		slugs = append(slugs, e.Slug)
	}
	if got := strings.Join(slugs, " "); got != "development test staging production preview" {
		t.Errorf("environments %s", got)
	}
	if byID, err := v.Project(ctx, me, string(p.ID)); err != nil || !reflect.DeepEqual(byID, p) {
		t.Errorf("by id %+v %v", byID, err)
	}
	if _, err := v.CreateProject(ctx, me, "blog", ""); err != nil {
		t.Fatal(err)
	}
	all, err := v.Projects(ctx, me)
	if err != nil || len(all) != 2 || all[0].Slug != "blog" || all[1].ID != p.ID {
		t.Errorf("%+v %v", all, err)
	}
	set(t, v, place(string(p.ID), "preview", ""), "A", "1")
	info, err := v.Info(ctx)
	if err != nil || info.Projects != 2 || info.Locked || !reflect.DeepEqual(info.Seals, []string{"passphrase"}) || info.CreatedAt.IsZero() {
		t.Errorf("%+v %v", info, err)
	}
}

func TestOriginals(t *testing.T) {
	h := newHome(t)
	v, ctx := h.vault, t.Context()
	data := map[string][]byte{".env": []byte("A=1\r\n"), "apps/api/.env.local": bytes.Repeat([]byte{0, 255}, 100000), "empty": nil}
	for path, b := range data {
		if err := v.PutOriginal(ctx, me, "shop", Original{Path: path, Mode: 0o640, Data: secret.NewValue(b)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := v.PutOriginal(ctx, me, "shop", Original{Path: ".env", Mode: 0o600, Data: secret.NewValue([]byte("A=2 "))}); err != nil {
		t.Fatal(err)
	}
	data[".env"] = []byte("A=2 ")
	for _, path := range []string{"", ".", "/etc/passwd", "../x", "a/../b", "a//b", "a/", `a\b`, "a\x00"} {
		if err := v.PutOriginal(ctx, me, "shop", Original{Path: path}); !errors.Is(err, ErrInvalid) {
			t.Errorf("path %q: %v", path, err)
		}
	}
	h.close()
	v = mustReopen(t, h.dir).vault
	all, err := v.Originals(ctx, me, "shop")
	if err != nil || len(all) != 3 || all[0].Path != ".env" || all[0].Mode != 0o600 || all[0].Data.Len() != 0 {
		t.Fatalf("%+v %v", all, err)
	}
	for path, b := range data {
		o, err := v.Original(ctx, me, "shop", path)
		if err != nil || !bytes.Equal(o.Data.Reveal(), b) || o.Size != len(b) {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
	if err := v.DeleteOriginal(ctx, me, "shop", ".env"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Original(ctx, me, "shop", ".env"); !errors.Is(err, ErrMissing) {
		t.Errorf("deleted: %v", err)
	}
	if err := v.DeleteOriginal(ctx, me, "shop", ".env"); !errors.Is(err, ErrMissing) {
		t.Errorf("deleted twice: %v", err)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}

func TestPlaceholderKey(t *testing.T) {
	h := newHome(t)
	ctx := t.Context()
	if _, err := h.vault.CreateProject(ctx, me, "blog", ""); err != nil {
		t.Fatal(err)
	}
	a, err := h.vault.PlaceholderKey(ctx, "shop")
	if err != nil || a.Len() != 32 {
		t.Fatal(err)
	}
	if b, err := h.vault.PlaceholderKey(ctx, "blog"); err != nil || b.Equal(a) {
		t.Errorf("two projects share a key, %v", err)
	}
	h.close()
	again, err := mustReopen(t, h.dir).vault.PlaceholderKey(ctx, "shop")
	if err != nil || !again.Equal(a) {
		t.Errorf("not stable, %v", err)
	}
}
