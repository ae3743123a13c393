package vaulttest_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/identity"
	"github.com/bailey-project/bailey/internal/vault/label"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/link"
	"github.com/bailey-project/bailey/internal/vault/member"
	"github.com/bailey-project/bailey/internal/vault/store"
	"github.com/bailey-project/bailey/internal/vault/tree"
	. "github.com/bailey-project/bailey/internal/vault/vaulttest"
)

// all fills a vault with every kind of record, and a few of most.
func all(t *testing.T, v *vault.Vault) {
	t.Helper()
	ctx := t.Context()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	mine := secret.NewValue([]byte("mine"))
	for _, n := range []string{"A", "B"} {
		Set(t, v, Dev, n, n+"1")
		Set(t, v, Dev, n, n+"2")
		must(v.Set(ctx, Me, Dev, vault.Change{Name: secret.Name(n), Owner: "ann", Value: &mine}))
		must(label.Put(ctx, v, Me, "shop", label.Tag{Slug: strings.ToLower(n)}))
		Set(t, v, In("test", "/"+n), n, n)
		must(link.Create(ctx, v, Me, Dev, In("test", "/"+n)))
		must(identity.CreateOrganisation(ctx, v, Me, strings.ToLower(n), ""))
		who, err := identity.Create(ctx, v, Me, identity.Identity{Name: n})
		must(who, err)
		must(identity.AttachUniversal(ctx, v, Me, string(who.ID), identity.MethodChange{}))
		must(identity.AttachToken(ctx, v, Me, string(who.ID), identity.MethodChange{}))
		_, _, err = identity.CreateClientSecret(ctx, v, Me, string(who.ID), identity.ClientSecret{})
		must(nil, err)
		_, _, err = identity.CreateToken(ctx, v, Me, identity.Visit{}, string(who.ID), n)
		must(nil, err)
		must(member.PutRole(ctx, v, Me, member.Role{Project: "shop", Slug: strings.ToLower(n), Name: n, Permissions: []byte("[]")}))
		must(member.Set(ctx, v, Me, member.Membership{Project: "shop", Identity: who.ID, Roles: []member.RoleGrant{{Slug: strings.ToLower(n)}}}, true, func(string) bool { return false }))
		_, _, err = identity.CreateServiceToken(ctx, v, Me, identity.ServiceToken{Project: "shop", Name: n, Scopes: []identity.Scope{{Environment: "test"}}, Permissions: []string{"read"}})
		must(nil, err)
	}
	must(v.MakeProject(ctx, Me, vault.Project{Slug: "gone"}, tree.DefaultEnvironments()))
	must(v.DeleteProject(ctx, Me, "gone"))
	must(v.DeleteEnvironment(ctx, Me, "shop", "staging"))
	if err := v.Verify(ctx); err != nil {
		t.Fatal(err)
	}
}

type place struct {
	scope store.ID
	row   store.Row
}

// rows reads all records behind the vault's back, and those that were there
// before the last version of anything.
func rows(t *testing.T, db *store.DB, scopes []ledger.UUID) (out []place) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.Tx) error {
		for _, s := range scopes {
			list, err := tx.Rows(s)
			if err != nil {
				return err
			}
			for _, r := range list {
				out = append(out, place{s, r})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whatever record is removed, flipped, exchanged with another of its kind or put
// back to what it was: the vault notices and names it, and serves nothing.
func TestEveryKindOfRecordIsGuarded(t *testing.T) {
	dir := t.TempDir()
	v, ctx := New(t, dir), t.Context()
	all(t, v)
	scopes, err := vault.Look(ctx, v, func(w *tree.Reader) (out []ledger.UUID, err error) {
		out = append(out, w.Top().ID)
		for _, kind := range []ledger.Kind{ledger.Project, ledger.Environment} {
			for row := range w.Top().Each(kind) {
				out = append(out, row.ID)
			}
		}
		return out, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(ctx, filepath.Join(dir, "vault"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	everything := rows(t, db, scopes)
	kinds := map[byte]int{}
	for i, at := range everything {
		kinds[at.row.Kind]++
		other := everything[(i+1)%len(everything)]
		for _, o := range everything {
			if o.row.Kind == at.row.Kind && o.row.ID != at.row.ID {
				other = o
			}
		}
		broken := at.row
		broken.Sealed = append([]byte{at.row.Sealed[0] ^ 1}, at.row.Sealed[1:]...)
		swapped := at.row
		swapped.Sealed = other.row.Sealed
		renamed := at.row
		renamed.Lookup[0] ^= 1
		for name, edit := range map[string]func(*store.Tx) error{
			"removed":  func(tx *store.Tx) error { return tx.Remove(at.scope, at.row.Kind, at.row.ID) },
			"flipped":  func(tx *store.Tx) error { return tx.Put(at.scope, broken) },
			"swapped":  func(tx *store.Tx) error { return tx.Put(at.scope, swapped) },
			"renamed":  func(tx *store.Tx) error { return tx.Put(at.scope, renamed) },
			"restored": func(tx *store.Tx) error { r := at.row; r.Version++; return tx.Put(at.scope, r) },
		} {
			behind := func(fn func(*store.Tx) error) {
				if err := db.Update(ctx, fn); err != nil {
					t.Fatal(err)
				}
			}
			behind(edit)
			err := v.Verify(ctx)
			var known *vault.Error
			if !errors.Is(err, vault.ErrTampered) || !errors.As(err, &known) || known.Hint == "" {
				t.Errorf("kind %d %s: %v", at.row.Kind, name, err)
			}
			behind(func(tx *store.Tx) error { return tx.Put(at.scope, at.row) })
			if err := v.Verify(ctx); err != nil {
				t.Fatalf("kind %d, put back: %v", at.row.Kind, err)
			}
		}
	}
	for kind := byte(1); kind <= 20; kind++ {
		original, index, content, anchor := kind == 6, kind == 7, kind == 8, kind == 9
		if kinds[kind] == 0 && !original && !index && !content && !anchor {
			t.Errorf("there was no record of kind %d to try it with", kind)
		}
	}
}

// An old state of a machine's credentials, put back with its whole scope, would
// bring a revoked one to life.
func TestRevocationCannotBeTakenBack(t *testing.T) {
	dir := t.TempDir()
	v, ctx := New(t, dir), t.Context()
	who, err := identity.Create(ctx, v, Me, identity.Identity{Name: "ci"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity.AttachUniversal(ctx, v, Me, string(who.ID), identity.MethodChange{}); err != nil {
		t.Fatal(err)
	}
	cs, _, err := identity.CreateClientSecret(ctx, v, Me, string(who.ID), identity.ClientSecret{})
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(ctx, filepath.Join(dir, "vault"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	top, _ := vault.Look(ctx, v, func(w *tree.Reader) ([]ledger.UUID, error) { return []ledger.UUID{w.Top().ID}, nil })
	old := rows(t, db, top)
	if _, err := identity.RevokeClientSecret(ctx, v, Me, string(who.ID), string(cs.ID)); err != nil {
		t.Fatal(err)
	}
	err = db.Update(ctx, func(tx *store.Tx) error {
		for _, r := range old {
			if err := tx.Put(r.scope, r.row); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Verify(ctx); !errors.Is(err, vault.ErrTampered) || !strings.Contains(fmt.Sprint(err), "client secret") {
		t.Errorf("%v", err)
	}
}
