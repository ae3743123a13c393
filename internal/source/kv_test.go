package source_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/source"
	"github.com/bailey-project/bailey/internal/source/sourcetest"
)

// bao is a KV engine as OpenBao and HashiCorp Vault document it, version 2,
// mounted at secret/. It takes no request that theirs would not.
type bao struct {
	*testing.T
	mu       sync.Mutex
	versions map[string]int
	data     map[string]map[string]any
	status   int // answer this to everything
}

func newBao(t *testing.T) (*bao, string) {
	b := &bao{T: t, versions: map[string]int{}, data: map[string]map[string]any{}}
	srv := httptest.NewServer(b)
	t.Cleanup(srv.Close)
	return b, "vault+" + srv.URL + "/secret/"
}

func (b *bao) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/secret/data/")
	say := func(status int, v any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	switch {
	case b.status == http.StatusFound:
		http.Redirect(w, r, "/v1/elsewhere", http.StatusFound)
	case b.status != 0:
		say(b.status, map[string]any{"errors": []string{sourcetest.Canary}})
	case r.URL.Path == "/v1/elsewhere":
		b.Error("a redirect was followed, with the token")
	case !ok || r.Header.Get("X-Vault-Request") != "true":
		b.Errorf("asked %s", r.URL.Path)
	case r.Header.Get("X-Vault-Token") != "hvs.right":
		say(http.StatusForbidden, map[string]any{"errors": []string{"permission denied"}})
	case r.Method == http.MethodGet && b.data[path] == nil:
		say(http.StatusNotFound, map[string]any{"errors": []string{}})
	case r.Method == http.MethodGet:
		say(http.StatusOK, map[string]any{"data": map[string]any{"data": b.data[path], "metadata": map[string]any{"version": b.versions[path]}}})
	case r.Method == http.MethodPost:
		b.put(path, r.Body, say)
	default:
		b.Errorf("%s %s", r.Method, r.URL.Path)
	}
}

func (b *bao) put(path string, body io.Reader, say func(int, any)) {
	var in struct {
		Options struct{ CAS *int }
		Data    map[string]any
	}
	dec := json.NewDecoder(body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil || in.Options.CAS == nil {
		b.Errorf("a write without check-and-set, or with more than data: %v", err)
		return
	}
	if *in.Options.CAS != b.versions[path] {
		say(http.StatusBadRequest, map[string]any{"errors": []string{"check-and-set parameter did not match the current version"}})
		return
	}
	b.versions[path]++
	b.data[path] = in.Data
	say(http.StatusOK, map[string]any{"data": map[string]any{"version": b.versions[path]}})
}

func withToken() source.World {
	return source.World{Lookup: variables(map[string]string{"VAULT_TOKEN": "hvs.right"})}
}

func TestVault(t *testing.T) {
	_, base := newBao(t)
	suite(t, withToken(), base+"shop/prod", true)
}

func TestVaultValuesThatAreNoText(t *testing.T) {
	b, base := newBao(t)
	b.data["shop"] = map[string]any{"N": 42, "T": true, "S": "x"}
	items, err := open(t, withToken(), base+"shop").Read(t.Context())
	if err != nil || !source.Same(items, list(sourcetest.Item("N", "42"), sourcetest.Item("S", "x"), sourcetest.Item("T", "true"))) {
		t.Errorf("%v", err)
	}
	for _, v := range []any{nil, []string{sourcetest.Canary}, map[string]string{"x": sourcetest.Canary}} {
		b.data["shop"] = map[string]any{"N": v}
		if _, err := open(t, withToken(), base+"shop").Read(t.Context()); err == nil || strings.Contains(err.Error(), sourcetest.Canary) {
			t.Errorf("%v: %v", v, err)
		}
	}
}

// A token that somebody else's write used up is no reason to overwrite it.
func TestVaultChangedMeanwhile(t *testing.T) {
	b, base := newBao(t)
	w := open(t, withToken(), base+"shop").(source.Writer)
	if err := w.Write(t.Context(), list(sourcetest.Item("A", "1"))); err != nil {
		t.Fatal(err)
	}
	raced := false
	race := roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodPost && !raced {
			raced = true
			b.mu.Lock()
			b.versions["shop"]++
			b.mu.Unlock()
		}
		return http.DefaultTransport.RoundTrip(r)
	})
	world := source.WithTransport(withToken(), race)
	err := open(t, world, base+"shop").(source.Writer).Write(t.Context(), list(sourcetest.Item("A", "2")))
	if !api.IsCode(err, api.Unavailable) || b.data["shop"]["A"] != "1" {
		t.Errorf("%v, %v", err, b.data)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// What a status means, for each kind of server alike; and no word of an answer
// that may quote a value.
func TestWhatAStatusMeans(t *testing.T) {
	for status, want := range map[int]api.Code{401: api.Denied, 403: api.Denied, 404: api.Missing, 302: api.Denied, 429: api.Unavailable, 500: api.Unavailable, 503: api.Unavailable, 418: api.Invalid} {
		b, base := newBao(t)
		b.status = status
		_, err := open(t, withToken(), base+"x").Read(t.Context())
		if !api.IsCode(err, want) || strings.Contains(err.Error(), sourcetest.Canary) {
			t.Errorf("%d: %v, want %s", status, err, want)
		}
	}
	_, err := open(t, withToken(), "vault+http://127.0.0.1:1/s/a").Read(t.Context())
	if !api.IsCode(err, api.Unavailable) {
		t.Errorf("nobody listens: %v", err)
	}
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	defer tls.Close()
	_, err = open(t, withToken(), strings.Replace(tls.URL, "https", "vault", 1)+"/s/a").Read(t.Context())
	if !api.IsCode(err, api.Denied) {
		t.Errorf("a certificate of nobody: %v", err)
	}
	_, base := newBao(t)
	for _, vars := range []map[string]string{nil, {"VAULT_TOKEN": "wrong"}, {"VAULT_TOKEN": "a\r\nX-Evil: b"}} {
		_, err := open(t, source.World{Home: t.TempDir(), Lookup: variables(vars)}, base+"x").Read(t.Context())
		if err == nil || api.IsCode(err, api.Unavailable) || strings.Contains(err.Error(), "wrong") {
			t.Errorf("%v: %v", vars, err)
		}
	}
}

// A server that accepts and says nothing is given up when nobody waits.
func TestSilentServer(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	defer srv.Close()
	ctx, cancel := contextFor(t, 100*time.Millisecond)
	defer cancel()
	_, err := open(t, withToken(), "vault+"+srv.URL+"/s/a").Read(ctx)
	if !api.IsCode(err, api.Unavailable) {
		t.Errorf("%v", err)
	}
}

func TestTokenFile(t *testing.T) {
	_, base := newBao(t)
	w := source.World{Home: t.TempDir()}
	writeFile(t, w.Home+"/.vault-token", "hvs.right\n")
	if _, err := open(t, w, base+"x").Read(t.Context()); !api.IsCode(err, api.Missing) {
		t.Errorf("%v", err)
	}
}
