package source_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server"
	"github.com/bailey-project/bailey/internal/source"
	"github.com/bailey-project/bailey/internal/source/sourcetest"
)

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// dialect is a server of the dialect, on the network, with a machine that may
// change the project. Of before 2025, it knows nothing of v4.
type dialect struct {
	base string // of addresses
	vars map[string]string

	mu    sync.Mutex
	asked []string
}

func newDialect(t *testing.T, old bool) *dialect {
	s, c := vaultAt(t)
	d := &dialect{vars: map[string]string{}}
	n := &server.Network{Server: s}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		d.asked = append(d.asked, r.Method+" "+r.URL.Path)
		d.mu.Unlock()
		if old && strings.HasPrefix(r.URL.Path, "/api/v4/") {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprintf(w, `{"message":"Route %s:%s not found","error":"Not Found","statusCode":404}`, r.Method, r.URL.Path)
			return
		}
		n.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	id, clientID, err := c.CreateIdentity(t.Context(), "ci", "no-access")
	if err != nil {
		t.Fatal(err)
	}
	key, err := c.CreateClientSecret(t.Context(), id.ID, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Grant(t.Context(), "shop", id.ID, "member"); err != nil {
		t.Fatal(err)
	}
	p, err := c.Project(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	d.vars["INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"] = clientID
	d.vars["INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET"] = string(key.Value().Reveal())
	d.base = "infisical+" + srv.URL + "/" + p.ID
	return d
}

// requests are those since the last call, without the way to a token.
func (d *dialect) requests() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	seen := slices.DeleteFunc(d.asked, func(s string) bool { return strings.Contains(s, "/auth/") })
	d.asked = nil
	return seen
}

func TestInfisical(t *testing.T) {
	for age, old := range map[string]bool{"v4": false, "v3": true} {
		t.Run(age, func(t *testing.T) {
			d := newDialect(t, old)
			suite(t, source.World{Lookup: variables(d.vars)}, d.base+"/staging", false)
		})
	}
}

// An older server is asked for the newer dialect once, by any command.
func TestInfisicalRemembersItsAge(t *testing.T) {
	d := newDialect(t, true)
	learnt := map[string]string{}
	w := source.World{
		Lookup: variables(d.vars),
		Recall: func(host string) string { return learnt[host] }, Remember: func(host, what string) { learnt[host] = what },
	}
	for i, want := range [][]string{{"GET /api/v4/secrets", "GET /api/v3/secrets/raw"}, {"GET /api/v3/secrets/raw"}} {
		if _, err := open(t, w, d.base+"/staging").Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := d.requests(); !slices.Equal(got, want) {
			t.Errorf("read %d asked %q", i, got)
		}
	}
}

func TestInfisicalRefusals(t *testing.T) {
	d := newDialect(t, false)
	for name, test := range map[string]struct {
		address string
		vars    map[string]string
		want    api.Code
	}{
		"no such environment": {d.base + "/nowhere", d.vars, api.Missing},
		"no such folder":      {d.base + "/staging/nowhere", d.vars, api.Missing},
		"no token":            {d.base + "/staging", nil, api.Denied},
		"a wrong token":       {d.base + "/staging", map[string]string{"INFISICAL_TOKEN": "st.wrong." + sourcetest.Canary}, api.Denied},
		"a wrong key": {d.base + "/staging", map[string]string{"INFISICAL_UNIVERSAL_AUTH_CLIENT_ID": d.vars["INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"],
			"INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET": sourcetest.Canary}, api.Denied},
	} {
		_, err := open(t, source.World{Lookup: variables(test.vars)}, test.address).Read(t.Context())
		if !api.IsCode(err, test.want) || strings.Contains(err.Error(), sourcetest.Canary) {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
}
