package vault

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/secret"
)

func ptr[T any](v T) *T { return &v }

// order lists the environments of shop with their positions.
func order(t *testing.T, v *Vault) string {
	t.Helper()
	p, err := v.Project(t.Context(), me, "shop")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range p.Environments {
		out = append(out, fmt.Sprintf("%d:%s", e.Position, e.Slug))
	}
	return strings.Join(out, " ")
}

func TestEnvironmentsMove(t *testing.T) {
	h := newHome(t)
	v, ctx := h.vault, t.Context()
	set(t, v, place("shop", "staging", "/"), "S", "kept")
	for _, c := range []struct {
		slug string
		ch   EnvironmentChange
		want string
	}{
		{"staging", EnvironmentChange{Position: ptr(1)}, "1:staging 2:development 3:test 4:production"},
		{"staging", EnvironmentChange{Position: ptr(3)}, "1:development 2:test 3:staging 4:production"},
		{"staging", EnvironmentChange{Position: ptr(99)}, "1:development 2:test 3:production 4:staging"},
		{"staging", EnvironmentChange{Slug: ptr("stage"), Name: ptr("Stage")}, "1:development 2:test 3:production 4:stage"},
		{"stage", EnvironmentChange{Position: ptr(-4)}, "1:stage 2:development 3:test 4:production"},
	} {
		if _, err := v.UpdateEnvironment(ctx, me, "shop", c.slug, c.ch); err != nil || order(t, v) != c.want {
			t.Errorf("%s, want %s, %v", order(t, v), c.want, err)
		}
	}
	if got := list(t, v, place("shop", "stage", "/")); got != "/S=kept@1" {
		t.Errorf("after the moves: %q", got)
	}
	for slug, want := range map[string]error{"test": ErrExists, "Not A Slug": ErrInvalid, "": ErrInvalid} {
		if _, err := v.UpdateEnvironment(ctx, me, "shop", "stage", EnvironmentChange{Slug: ptr(slug)}); !errors.Is(err, want) {
			t.Errorf("rename to %q: %v", slug, err)
		}
	}
	h.close()
	h = mustReopen(t, h.dir)
	if got := list(t, h.vault, place("shop", "stage", "/")); got != "/S=kept@1" {
		t.Errorf("opened again: %q", got)
	}
	if err := h.vault.Verify(ctx); err != nil {
		t.Error(err)
	}
}

func TestEnvironmentsComeBack(t *testing.T) {
	v, ctx := newHome(t).vault, t.Context()
	staging := place("shop", "staging", "/")
	set(t, v, staging, "S", "first")
	gone, err := v.DeleteEnvironment(ctx, me, "shop", "staging")
	if err != nil || order(t, v) != "1:development 2:test 3:production" {
		t.Fatalf("%s, %v", order(t, v), err)
	}
	for _, which := range []string{"staging", string(gone.ID)} {
		if _, err := v.List(ctx, me, place("shop", which, "/"), ListOptions{}); !errors.Is(err, ErrMissing) {
			t.Errorf("a deleted environment is read as %s: %v", which, err)
		}
	}
	if _, err := v.EnvironmentByID(ctx, me, string(gone.ID)); !errors.Is(err, ErrMissing) {
		t.Errorf("by its id: %v", err)
	}
	if _, err := v.CreateEnvironment(ctx, me, "shop", Environment{Slug: "staging"}); err != nil {
		t.Fatal(err)
	}
	if _, err := v.RestoreEnvironment(ctx, me, "shop", "staging"); !errors.Is(err, ErrExists) {
		t.Errorf("back onto another: %v", err)
	}
	set(t, v, staging, "S", "second")
	if _, err := v.DeleteEnvironment(ctx, me, "shop", "staging"); err != nil {
		t.Fatal(err)
	}
	if _, err := v.RestoreEnvironment(ctx, me, "shop", "staging"); err != nil || list(t, v, staging) != "/S=second@1" {
		t.Errorf("not the last one came back: %v", err)
	}
	for _, slug := range []string{"staging", "test", "production"} {
		if _, err := v.DeleteEnvironment(ctx, me, "shop", slug); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.DeleteEnvironment(ctx, me, "shop", "development"); !errors.Is(err, ErrInvalid) {
		t.Errorf("the last one: %v", err)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}

func TestProjectsComeBack(t *testing.T) {
	v, ctx := newHome(t).vault, t.Context()
	set(t, v, here, "A", "1")
	if _, err := v.UpdateProject(ctx, me, "shop", ProjectChange{Slug: ptr("store"), Protected: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	if got := list(t, v, place("store", "development", "/")); got != "/A=1@1" {
		t.Errorf("renamed: %q", got)
	}
	if _, err := v.DeleteProject(ctx, me, "store"); !errors.Is(err, ErrInvalid) {
		t.Errorf("a protected one: %v", err)
	}
	if _, err := v.UpdateProject(ctx, me, "store", ProjectChange{Protected: ptr(false)}); err != nil {
		t.Fatal(err)
	}
	p, err := v.DeleteProject(ctx, me, "store")
	if err != nil {
		t.Fatal(err)
	}
	for _, which := range []string{"store", string(p.ID)} {
		if _, err := v.Project(ctx, me, which); !errors.Is(err, ErrMissing) {
			t.Errorf("a deleted project is found by %s: %v", which, err)
		}
	}
	if _, err := v.SecretByID(ctx, me, "x"); !errors.Is(err, ErrMissing) {
		t.Errorf("by id: %v", err)
	}
	if _, err := v.RestoreProject(ctx, me, "store"); err != nil {
		t.Fatal(err)
	}
	if got := list(t, v, place("store", "development", "/")); got != "/A=1@1" {
		t.Errorf("back: %q", got)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}

// A name can be used again, in every way, and no version is lost.
func TestNamesAreUsedAgain(t *testing.T) {
	v, ctx := newHome(t).vault, t.Context()
	set(t, v, here, "B", "old")
	if _, err := v.Delete(ctx, me, here, "B"); err != nil {
		t.Fatal(err)
	}
	set(t, v, here, "A", "1")
	if _, err := v.Set(ctx, me, here, Change{Name: "A", Rename: "B"}); err != nil {
		t.Fatalf("onto the name of a deleted one: %v", err)
	}
	if _, err := v.CreateFolder(ctx, me, place("shop", "test", "/")); err != nil {
		t.Fatal(err)
	}
	if err := v.Move(ctx, me, here, place("shop", "test", "/"), []secret.Name{"B"}, false); err != nil {
		t.Fatal(err)
	}
	if got := list(t, v, here) + "|" + list(t, v, place("shop", "test", "/")); got != "|/B=1@1" {
		t.Errorf("moved: %q", got)
	}
	if err := v.Move(ctx, me, place("shop", "test", "/"), place("shop", "test", "/"), []secret.Name{"B"}, true); !errors.Is(err, ErrInvalid) {
		t.Errorf("onto itself: %v", err)
	}
	set(t, v, here, "B", "2")
	if err := v.Move(ctx, me, here, place("shop", "test", "/"), []secret.Name{"B"}, false); !errors.Is(err, ErrExists) {
		t.Errorf("onto another: %v", err)
	}
	if err := v.Move(ctx, me, here, place("shop", "test", "/"), []secret.Name{"B"}, true); err != nil || list(t, v, place("shop", "test", "/")) != "/B=2@2" {
		t.Errorf("over another: %v", err)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}
