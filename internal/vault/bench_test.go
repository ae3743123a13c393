package vault

import (
	"fmt"
	"testing"

	"github.com/bailey-project/bailey/internal/secret"
)

func thousand() []Change {
	chs := make([]Change, 1000)
	for i := range chs {
		chs[i] = Change{Name: secret.Name(fmt.Sprintf("SECRET_%04d", i)), Value: value(fmt.Sprintf("sk_live_%032d", i))}
	}
	return chs
}

// full is a home with 1000 secrets.
func full(b testing.TB) *home {
	h := newHome(b)
	if _, err := h.vault.SetMany(b.Context(), me, here, thousand()); err != nil {
		b.Fatal(err)
	}
	return h
}

func BenchmarkSetMany1000(b *testing.B) {
	h := newHome(b)
	i := 0
	for b.Loop() {
		p := place("shop", "development", fmt.Sprint("/f", i))
		i++
		if _, err := h.vault.CreateFolder(b.Context(), me, p); err != nil {
			b.Fatal(err)
		}
		if _, err := h.vault.SetMany(b.Context(), me, p, thousand()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkList1000(b *testing.B) {
	h := full(b)
	for b.Loop() {
		if out, err := h.vault.List(b.Context(), me, here, ListOptions{}); err != nil || len(out) != 1000 {
			b.Fatal(err)
		}
	}
}

// BenchmarkList1000Cold is what a process without a daemon pays, but scrypt.
func BenchmarkList1000Cold(b *testing.B) {
	h := full(b)
	h.close()
	for b.Loop() {
		h := mustReopen(b, h.dir)
		if out, err := h.vault.List(b.Context(), me, here, ListOptions{}); err != nil || len(out) != 1000 {
			b.Fatal(err)
		}
		h.close()
	}
}

func BenchmarkGet(b *testing.B) {
	h := full(b)
	for b.Loop() {
		if _, err := h.vault.Get(b.Context(), me, ref("shop", "development", "/", "SECRET_0500"), 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSet(b *testing.B) {
	h := full(b)
	i := 0
	for b.Loop() {
		i++
		set(b, h.vault, here, "SECRET_0500", fmt.Sprint(i))
	}
}

func BenchmarkUnlock(b *testing.B) {
	h := full(b)
	for b.Loop() {
		if err := h.vault.Unlock(b.Context(), me, right); err != nil {
			b.Fatal(err)
		}
	}
}
