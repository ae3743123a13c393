package server

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
)

// What a request costs without a network: with audit on, values resolved.
func BenchmarkServer(b *testing.B) {
	s := New(options(b.TempDir()))
	defer s.Close()
	c := api.New(served{s}, api.LocalBase)
	if _, err := c.CreateVault(b.Context(), value(passphrase)); err != nil {
		b.Fatal(err)
	}
	if _, err := c.CreateProject(b.Context(), "shop"); err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{5, 100, 1000} {
		env := map[int]string{5: "test", 100: "staging", 1000: "production"}[n]
		items := make([]api.Item, n)
		for i := range items {
			items[i] = api.NewItem(secret.Name(fmt.Sprint("NAME_", i)), value("value"))
		}
		if _, err := c.Put(b.Context(), api.Ref{Project: "shop", Environment: env, Path: "/"}, items); err != nil {
			b.Fatal(err)
		}
		for what, path := range map[string]string{"all": "", "one": "/NAME_1"} {
			url := api.LocalBase + "/api/v4/secrets" + path + "?projectId=shop&environment=" + env
			b.Run(fmt.Sprintf("%s of %d", what, n), func(b *testing.B) {
				for b.Loop() {
					r, _ := http.NewRequestWithContext(b.Context(), "GET", url, nil)
					resp, err := s.Transport().RoundTrip(r)
					if err != nil || resp.StatusCode != 200 {
						b.Fatal(err)
					}
					_ = resp.Body.Close()
				}
			})
		}
	}
}
