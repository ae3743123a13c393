package vaulttest_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/identity"
	"github.com/bailey-project/bailey/internal/vault/label"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/link"
	"github.com/bailey-project/bailey/internal/vault/member"
	"github.com/bailey-project/bailey/internal/vault/moment"
	"github.com/bailey-project/bailey/internal/vault/store"
	"github.com/bailey-project/bailey/internal/vault/tree"
	. "github.com/bailey-project/bailey/internal/vault/vaulttest"
)

// old opens the vault of format 1 that package vault keeps for its tests.
type old struct{ Seal }

func (old) Open(sealed []byte) ([]byte, error) {
	b, err := envelope.NewBox(sha256.Sum256([]byte("correct horse"))).Open(envelope.Label{}, sealed)
	if err != nil {
		return nil, err
	}
	return b[:envelope.KeySize], nil
}

func in(dir string) vault.Dirs {
	return vault.Dirs{Vault: filepath.Join(dir, "vault"), Audit: filepath.Join(dir, "audit")}
}

// open opens and unlocks the vault in dir.
func open(t *testing.T, dir string, o vault.Opener) (*vault.Vault, *audit.Log) {
	t.Helper()
	log, err := audit.Open(in(dir).Audit)
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), in(dir).Vault, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close(); log.Close() })
	if err := v.Unlock(t.Context(), Me, o); err != nil {
		t.Fatal(err)
	}
	return v, log
}

// migrated is a vault that began in format 1 and has something of everything.
func migrated(t *testing.T, dir string) *vault.Vault {
	t.Helper()
	if err := os.CopyFS(dir, os.DirFS("../testdata/format1")); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{in(dir).Vault, in(dir).Audit} {
		if err := os.Chmod(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	v, _ := open(t, dir, old{})
	ctx := t.Context()
	if err := v.Rotate(ctx, Me, Seal{}); err != nil { // the first change there is
		t.Fatal(err)
	}
	all(t, v)
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	Set(t, v, Dev, "URL", "https://${A}@${test.B.B}/")
	tags, err := label.All(ctx, v, Me, "shop")
	must(tags, err)
	must(v.Set(ctx, Me, Dev, vault.Change{Name: "A", Tags: []vault.ID{tags[0].ID}}))
	// A name that another has by now, also of a personal secret, of a project and
	// of an environment.
	mine := secret.NewValue([]byte("mine"))
	for _, name := range []secret.Name{"TAKEN", "FREE"} {
		Set(t, v, Dev, string(name), "x")
		must(v.Set(ctx, Me, Dev, vault.Change{Name: name, Owner: "ann", Value: &mine}))
	}
	must(v.Delete(ctx, Me, Dev, "TAKEN"))
	must(v.Set(ctx, Me, Dev, vault.Change{Name: "FREE", Rename: "TAKEN"}))
	must(v.CreateProject(ctx, Me, "gone", "Again"))
	must(v.CreateEnvironment(ctx, Me, "shop", vault.Environment{Slug: "staging"}))
	must(v.UpdateFolder(ctx, Me, In("test", "/A"), ptr("moved"), nil))
	if err := v.PutOriginal(ctx, Me, "shop", vault.Original{Path: ".env", Mode: 0o640, Data: secret.NewValue([]byte("A=A2\n"))}); err != nil {
		t.Fatal(err)
	}
	return v
}

func ptr[T any](v T) *T { return &v }

// keys are what machines have in their hands.
type keys struct {
	client                         string
	secret, limited, dead, service secret.Value
	access                         secret.Value
}

func machine(t *testing.T, v *vault.Vault) (k keys) {
	t.Helper()
	ctx := t.Context()
	who, err := identity.Create(ctx, v, Me, identity.Identity{Name: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := identity.AttachUniversal(ctx, v, Me, string(who.ID), identity.MethodChange{})
	if err != nil {
		t.Fatal(err)
	}
	k.client = string(m.ClientID)
	for limit, to := range map[int]*secret.Value{0: &k.secret, 99: &k.limited, 8: &k.dead} {
		made, text, err := identity.CreateClientSecret(ctx, v, Me, string(who.ID), identity.ClientSecret{Limit: limit})
		if err != nil {
			t.Fatal(err)
		}
		if *to = text; limit == 8 {
			if _, err := identity.RevokeClientSecret(ctx, v, Me, string(who.ID), string(made.ID)); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := identity.ServiceToken{Project: "shop", Name: "deploy", Scopes: []identity.Scope{{Environment: "test"}}, Permissions: []string{"read"}}
	if _, k.service, err = identity.CreateServiceToken(ctx, v, Me, want); err != nil {
		t.Fatal(err)
	}
	g, err := identity.Login(ctx, v, Me, identity.Visit{Now: time.Now()}, k.client, k.secret)
	if err != nil {
		t.Fatal(err)
	}
	k.access = g.Token
	return k
}

// work tries them.
func (k keys) work(t *testing.T, v *vault.Vault) {
	t.Helper()
	ctx, now := t.Context(), identity.Visit{Now: time.Now()}
	for range 2 { // the limited one is written at each login
		for _, s := range []secret.Value{k.secret, k.limited} {
			g, err := identity.Login(ctx, v, Me, now, k.client, s)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := identity.Authenticate(ctx, v, now, g.Token); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := identity.Login(ctx, v, Me, now, k.client, k.dead); !errors.Is(err, identity.ErrUnknown) {
		t.Errorf("a revoked client secret: %v", err)
	}
	p, err := identity.Authenticate(ctx, v, now, k.service)
	if err != nil || p.Name() != "deploy" {
		t.Errorf("service token: %q, %v", p.Name(), err)
	}
	forged := secret.NewValue(append(bytes.TrimRight(bytes.Clone(k.service.Reveal()), "0123456789abcdef"), bytes.Repeat([]byte("0"), 64)...))
	if _, err := identity.Authenticate(ctx, v, now, forged); !errors.Is(err, identity.ErrUnknown) {
		t.Errorf("a service token with another secret: %v", err)
	}
}

// story is all that a vault answers with, but for logins.
type story struct {
	t     *testing.T
	v     *vault.Vault
	lines []string
}

func tell(t *testing.T, v *vault.Vault) []string {
	t.Helper()
	s := &story{t: t, v: v}
	projects, err := v.Projects(t.Context(), Me)
	s.add(len(projects), err)
	for _, p := range projects {
		s.project(p)
		for _, e := range p.Environments {
			s.environment(vault.Place{Project: p.Slug, Environment: e.Slug, Path: "/"})
		}
	}
	organisations, err := identity.Organisations(t.Context(), v, Me)
	s.add(organisations, err)
	o, err := v.Original(t.Context(), Me, "shop", ".env")
	s.add(string(o.Data.Reveal())+o.Mode.String(), err)
	return s.lines
}

func (s *story) add(what any, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	s.lines = append(s.lines, fmt.Sprintf("%+v", what))
}

func (s *story) project(p vault.Project) {
	s.t.Helper()
	ctx := s.t.Context()
	s.add(p, nil)
	tags, err := label.All(ctx, s.v, Me, p.Slug)
	s.add(tags, err)
	roles, err := member.Roles(ctx, s.v, Me, p.Slug)
	s.add(roles, err)
	members, err := member.List(ctx, s.v, Me, p.Slug)
	s.add(len(members), err)
	for _, m := range members {
		s.add(fmt.Sprint(m.ID, m.Project, m.Identity, m.Roles[0].ID, *m.Roles[0].Role), nil)
	}
}

func (s *story) environment(root vault.Place) {
	s.t.Helper()
	ctx := s.t.Context()
	folders, err := s.v.Folders(ctx, Me, root, true)
	s.add(folders, err)
	imports, err := link.Imports(ctx, s.v, Me, root)
	s.add(len(imports), err)
	for _, im := range imports {
		im.FromEnv.Version = 0 // a rotation is a change, too
		s.add(im, nil)
	}
	shown, err := link.List(ctx, s.v, Me, root, link.Options{Recursive: true, Imports: true, Expand: true, Owner: "ann"})
	s.add(values(shown.Secrets), err)
	for _, im := range shown.Imports {
		s.add(values(im.Secrets), nil)
	}
	ages, err := vault.Look(ctx, s.v, func(w *tree.Reader) ([][]vault.Secret, error) { return w.Ages(root.Project, root.Environment) })
	versions := values(slices.Concat(ages...))
	slices.Sort(versions)
	s.add(versions, err)
	log, err := moment.Log(ctx, s.v, Me, root)
	s.add(log, err)
}

func values(list []vault.Secret) (out []string) {
	for _, s := range list {
		text := string(s.Value.Reveal())
		s.Value = secret.Value{}
		out = append(out, fmt.Sprintf("%+v=%q", s, text))
	}
	return out
}

// same fails at the first line that is another one.
func same(t *testing.T, got, want []string) {
	t.Helper()
	for i := range max(len(got), len(want)) {
		if now, was := at(got, i), at(want, i); now != was {
			t.Fatalf("line %d is now %s and was %s", i, now, was)
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "not there"
}

// kindsOf counts the records by kind.
func kindsOf(t *testing.T, dir string) (out [256]int) {
	t.Helper()
	db, err := store.Open(t.Context(), in(dir).Vault)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	err = db.View(t.Context(), func(tx *store.Tx) error {
		for k := range out {
			n, err := tx.CountKind(byte(k))
			if err != nil {
				return err
			}
			out[k] = n
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever a vault knows of, it knows after its keys are changed, and after it
// was backed up and restored elsewhere; also what it was told to hide.
func TestEverythingSurvivesRotationAndBackup(t *testing.T) {
	dir, ctx := t.TempDir(), t.Context()
	v := migrated(t, dir)
	machines := machine(t, v)
	machines.work(t, v)
	before, kinds := tell(t, v), kindsOf(t, dir)
	for kind := ledger.Project; kind <= ledger.ServiceToken; kind++ {
		row := kind.String() != "record" // else it is no row, or not by that name
		if row && kinds[kind] == 0 {
			t.Errorf("there is no %s to try it with", kind)
		}
	}
	check := func(v *vault.Vault, dir string) {
		t.Helper()
		same(t, tell(t, v), before)
		if got := kindsOf(t, dir); got != kinds {
			t.Errorf("records by kind: %v, were %v", got, kinds)
		}
		machines.work(t, v)
		if err := v.Verify(ctx); err != nil {
			t.Error(err)
		}
	}
	check(v, dir)
	for range 2 {
		if err := v.Rotate(ctx, Me, Seal{}); err != nil {
			t.Fatal(err)
		}
		check(v, dir)
	}
	// Whoever had the root key could sign access tokens: they end with it.
	if _, err := identity.Authenticate(ctx, v, identity.Visit{Now: time.Now()}, machines.access); !identity.IsDenied(err) {
		t.Errorf("an access token from before: %v", err)
	}

	var archive bytes.Buffer
	if err := v.Backup(ctx, Me, in(dir).Audit, &archive); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	if err := vault.Restore(ctx, in(elsewhere), &archive); err != nil {
		t.Fatal(err)
	}
	restored, log := open(t, elsewhere, Seal{})
	check(restored, elsewhere)
	if _, err := log.Verify(ctx); err != nil {
		t.Error(err)
	}
	if err := restored.Rotate(ctx, Me, Seal{}); err != nil {
		t.Fatal(err)
	}
	check(restored, elsewhere)
	hidden(t, restored)
}

// hidden brings back what was deleted.
func hidden(t *testing.T, v *vault.Vault) {
	t.Helper()
	ctx := t.Context()
	// The names are others' by now, and rotation does not give them back.
	if _, err := v.RestoreProject(ctx, Me, "gone"); !errors.Is(err, vault.ErrExists) {
		t.Errorf("onto another project: %v", err)
	}
	if _, err := v.RestoreEnvironment(ctx, Me, "shop", "staging"); !errors.Is(err, vault.ErrExists) {
		t.Errorf("onto another environment: %v", err)
	}
	if p, err := v.Project(ctx, Me, "gone"); err != nil || p.Name != "Again" {
		t.Errorf("gone is %q, %v", p.Name, err)
	}
	if _, err := v.UpdateProject(ctx, Me, "gone", vault.ProjectChange{Slug: ptr("other")}); err != nil {
		t.Fatal(err)
	}
	if p, err := v.RestoreProject(ctx, Me, "gone"); err != nil || len(p.Environments) != len(tree.DefaultEnvironments()) {
		t.Errorf("the deleted project: %+v, %v", p, err)
	}
	if _, err := v.UpdateEnvironment(ctx, Me, "shop", "staging", vault.EnvironmentChange{Slug: ptr("stage")}); err != nil {
		t.Fatal(err)
	}
	if _, err := v.RestoreEnvironment(ctx, Me, "shop", "staging"); err != nil {
		t.Error(err)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}
