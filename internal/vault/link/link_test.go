package link_test

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/link"
	. "github.com/bailey-project/bailey/internal/vault/vaulttest"
)

func show(l link.Listing) string {
	var out []string
	one := func(prefix string, list []vault.Secret) {
		for _, s := range list {
			out = append(out, fmt.Sprintf("%s%s=%s", prefix, path.Join(s.Path, string(s.Name)), s.Value.Reveal()))
		}
	}
	one("", l.Secrets)
	for _, im := range l.Imports {
		one(im.From.Environment+":", im.Secrets)
	}
	return strings.Join(out, " ")
}

func TestReferencesAndImports(t *testing.T) {
	v, ctx := New(t, t.TempDir()), t.Context()
	Set(t, v, Dev, "HOST", "db.local")
	Set(t, v, Dev, "URL", "pg://${HOST}/${production.api.NAME}")
	Set(t, v, In("production", "/api"), "NAME", "live-${ONLY}")
	Set(t, v, In("production", "/api"), "ONLY", "1")
	Set(t, v, In("staging", "/"), "OWN", "own")
	Set(t, v, In("staging", "/"), "HOST", "staging.local")
	Set(t, v, In("staging", "/"), "USES", "${HOST} ${URL}")
	im, err := link.Create(ctx, v, Me, In("staging", "/"), In("development", "/"))
	if err != nil || im.Position != 1 {
		t.Fatal(im, err)
	}
	all := link.Options{Imports: true, Expand: true}
	got, err := link.List(ctx, v, Me, In("staging", "/"), all)
	want := "/HOST=staging.local /OWN=own /USES=staging.local pg://db.local/live-1 development:/HOST=db.local development:/URL=pg://db.local/live-1"
	if err != nil || show(got) != want {
		t.Errorf("%s\nwant %s, %v", show(got), want, err)
	}
	if got, _ := link.List(ctx, v, Me, Dev, link.Options{}); show(got) != "/HOST=db.local /URL=pg://${HOST}/${production.api.NAME}" {
		t.Errorf("raw: %s", show(got))
	}
	s, err := link.Get(ctx, v, Me, vault.Ref{Project: "shop", Environment: "staging", Name: "URL"}, all)
	if err != nil || string(s.Value.Reveal()) != "pg://db.local/live-1" {
		t.Errorf("one that is imported: %v", err)
	}
	all.May = func(s *vault.Secret) bool { return s.Environment != "production" }
	if _, err := link.List(ctx, v, Me, Dev, all); !errors.Is(err, vault.ErrDenied) {
		t.Errorf("a reference to what may not be had: %v", err)
	}
	all.May = func(s *vault.Secret) bool { return s.Environment == "staging" }
	if got, err := link.List(ctx, v, Me, In("staging", "/"), all); err != nil || strings.Contains(show(got), "db.local") {
		t.Errorf("an import of what may not be had: %s, %v", show(got), err)
	}
}

func TestImportsOfImports(t *testing.T) {
	v, ctx := New(t, t.TempDir()), t.Context()
	for i, dir := range []string{"/a", "/b", "/c"} {
		Set(t, v, In("test", dir), "X", dir)
		Set(t, v, In("test", dir), fmt.Sprint("ONLY", i), dir)
	}
	for _, pair := range [][2]string{{"/a", "/b"}, {"/b", "/c"}, {"/c", "/a"}} { // a circle
		if _, err := link.Create(ctx, v, Me, In("test", pair[0]), In("test", pair[1])); err != nil {
			t.Fatal(err)
		}
	}
	got, err := link.List(ctx, v, Me, In("test", "/a"), link.Options{Imports: true})
	if want := "/a/ONLY0=/a /a/X=/a test:/b/ONLY1=/b test:/b/X=/b test:/c/ONLY2=/c"; err != nil || show(got) != want {
		t.Errorf("%s\nwant %s, %v", show(got), want, err)
	}
	if _, err := link.Create(ctx, v, Me, In("test", "/a"), In("test", "/b")); !errors.Is(err, vault.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	if _, err := link.Create(ctx, v, Me, In("test", "/a"), In("test", "/a")); !errors.Is(err, vault.ErrInvalid) {
		t.Errorf("itself: %v", err)
	}
	second, err := link.Create(ctx, v, Me, In("test", "/a"), In("test", "/c"))
	if err != nil || second.Position != 2 {
		t.Fatal(second, err)
	}
	if s, _ := link.Get(ctx, v, Me, vault.Ref{Project: "shop", Environment: "test", Path: "/a", Name: "ONLY2"}, link.Options{Imports: true}); s.Path != "/c" {
		t.Errorf("the later import does not win: %s", s.Path)
	}
	if second, err = link.Update(ctx, v, Me, In("test", "/a"), string(second.ID), link.Change{Position: 1}); err != nil || second.Position != 1 {
		t.Fatal(second, err)
	}
	to := "renamed"
	if _, err := v.UpdateFolder(ctx, Me, In("test", "/a"), &to, nil); err != nil {
		t.Fatal(err)
	}
	list, err := link.Imports(ctx, v, Me, In("test", "/renamed"))
	if err != nil || len(list) != 2 || list[0].From.Path != "/c" || list[1].Position != 2 {
		t.Errorf("after the folder was renamed: %+v, %v", list, err)
	}
	if _, err := link.Delete(ctx, v, Me, In("test", "/renamed"), string(second.ID)); err != nil {
		t.Error(err)
	}
	if _, err := v.DeleteFolder(ctx, Me, In("test", "/renamed")); err != nil {
		t.Fatal(err)
	}
	Set(t, v, In("test", "/renamed"), "Y", "y")
	if list, err := link.Imports(ctx, v, Me, In("test", "/renamed")); err != nil || len(list) != 0 {
		t.Errorf("imports outlive their folder: %+v, %v", list, err)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}

func TestPersonalSecretsStayPersonal(t *testing.T) {
	v, ctx := New(t, t.TempDir()), t.Context()
	Set(t, v, Dev, "A", "everybody's")
	Set(t, v, Dev, "R", "<${A}>")
	Set(t, v, In("staging", "/"), "S", "s")
	mine := secret.NewValue([]byte("mine"))
	ch := vault.Change{Name: "A", Owner: "ann", Value: &mine}
	if _, err := v.Set(ctx, Me, Dev, vault.Change{Name: "NOTHING", Owner: "ann", Value: &mine}); !errors.Is(err, vault.ErrMissing) {
		t.Errorf("an override of nothing: %v", err)
	}
	if _, err := v.Set(ctx, Me, Dev, ch); err != nil {
		t.Fatal(err)
	}
	if _, err := link.Create(ctx, v, Me, In("staging", "/"), Dev); err != nil {
		t.Fatal(err)
	}
	for owner, want := range map[string]string{"ann": "/A=mine /R=<everybody's>", "": "/A=everybody's /R=<everybody's>", "bob": "/A=everybody's /R=<everybody's>"} {
		if got, err := link.List(ctx, v, Me, Dev, link.Options{Owner: owner, Expand: true}); err != nil || show(got) != want {
			t.Errorf("%q sees %s, want %s, %v", owner, show(got), want, err)
		}
	}
	got, _ := link.List(ctx, v, Me, In("staging", "/"), link.Options{Owner: "ann", Imports: true, Expand: true})
	if strings.Contains(show(got), "mine") {
		t.Errorf("a personal secret was imported: %s", show(got))
	}
	if _, err := v.Set(ctx, Me, Dev, vault.Change{Name: "A", Rename: "B"}); err != nil {
		t.Fatal(err)
	}
	if s, err := v.Get(ctx, Me, vault.Ref{Project: "shop", Environment: "development", Name: "B", Owner: "ann"}, 0); err != nil || string(s.Value.Reveal()) != "mine" {
		t.Errorf("the override did not follow: %v", err)
	}
	if _, err := v.Delete(ctx, Me, Dev, "B"); err != nil {
		t.Fatal(err)
	}
	Set(t, v, Dev, "B", "new")
	if got, _ := link.List(ctx, v, Me, Dev, link.Options{Owner: "ann"}); strings.Contains(show(got), "mine") {
		t.Errorf("an override outlived its secret: %s", show(got))
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}
