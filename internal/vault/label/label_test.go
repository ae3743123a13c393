package label_test

import (
	"errors"
	"testing"

	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/label"
	. "github.com/bailey-project/bailey/internal/vault/vaulttest"
)

func TestTags(t *testing.T) {
	v, ctx := New(t, t.TempDir()), t.Context()
	hot, err := label.Put(ctx, v, Me, "shop", label.Tag{Slug: "hot", Color: "#f00"})
	if err != nil || hot.Name != "hot" {
		t.Fatal(hot, err)
	}
	if _, err := label.Put(ctx, v, Me, "shop", label.Tag{Slug: "hot"}); !errors.Is(err, vault.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	if _, err := label.Put(ctx, v, Me, "shop", label.Tag{Slug: "Not a slug"}); !errors.Is(err, vault.ErrInvalid) {
		t.Errorf("no slug: %v", err)
	}
	if _, err := label.Put(ctx, v, Me, "shop", label.Tag{ID: hot.ID, Slug: "warm"}); err != nil {
		t.Fatal(err)
	}
	for which, want := range map[string]error{"warm": nil, string(hot.ID): nil, "hot": vault.ErrMissing} {
		if got, err := label.Get(ctx, v, Me, "shop", which); !errors.Is(err, want) || err == nil && got.Color != "#f00" {
			t.Errorf("%s: %+v, %v", which, got, err)
		}
	}
	if err := v.PutOriginal(ctx, Me, "shop", vault.Original{Path: ".env"}); err != nil { // lies in the same scope
		t.Fatal(err)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
	if _, err := label.Delete(ctx, v, Me, "shop", "warm"); err != nil {
		t.Fatal(err)
	}
	if list, err := label.All(ctx, v, Me, "shop"); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	if err := v.Verify(ctx); err != nil {
		t.Error(err)
	}
}
