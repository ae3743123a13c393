package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
)

// benched is a server whose folder / has n secrets.
func benched(b *testing.B, n int) *api.Client {
	b.Helper()
	s := New(options(b.TempDir()))
	b.Cleanup(func() { _ = s.Close() })
	c := api.New(s.Transport(), api.LocalBase)
	if _, err := c.CreateVault(b.Context(), value(passphrase)); err != nil {
		b.Fatal(err)
	}
	if _, err := c.CreateProject(b.Context(), "shop"); err != nil {
		b.Fatal(err)
	}
	put(b, c, "/", n)
	return c
}

func put(b *testing.B, c *api.Client, path string, n int) {
	b.Helper()
	items := make([]api.Item, n)
	for i := range items {
		items[i] = api.NewItem(secret.Name(fmt.Sprintf("SECRET_%04d", i)), value(fmt.Sprintf("sk_live_%032d", i)))
	}
	if _, err := c.Put(b.Context(), api.Ref{Project: "shop", Environment: "development", Path: path}, items); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkList(b *testing.B) {
	for _, n := range []int{5, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := benched(b, n)
			for b.Loop() {
				if list, err := c.Resolved(b.Context(), api.Ref{Project: "shop", Environment: "development", Path: "/"}, false); err != nil || len(list) != n {
					b.Fatal(len(list), err)
				}
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	c := benched(b, 1000)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			ref := api.Ref{Project: "shop", Environment: "development", Path: "/", Name: "SECRET_0500"}
			if _, err := c.ResolvedSecret(b.Context(), ref, false); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkCreate1000(b *testing.B) {
	c := benched(b, 1)
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprint("f", i)
		if _, err := c.MakeFolder(b.Context(), api.Ref{Project: "shop", Environment: "development", Path: "/"}, name); err != nil {
			b.Fatal(err)
		}
		put(b, c, "/"+strings.TrimPrefix(name, "/"), 1000)
	}
}
