package mirror

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server"
	"github.com/bailey-project/bailey/internal/source"
)

// far is a KV engine of which one secret is asked.
type far struct {
	mu     sync.Mutex
	data   map[string]string
	status int
	silent bool
}

func (f *far) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	silent, status, data := f.silent, f.status, f.data
	f.mu.Unlock()
	if silent {
		<-r.Context().Done()
		return
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"data": data, "metadata": map[string]int{"version": 1}}})
}

func (f *far) set(status int, silent bool, pairs ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.status, f.silent = status, silent
	if len(pairs) > 0 {
		f.data = map[string]string{}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.data[pairs[i]] = pairs[i+1]
	}
}

func newEnvironment(t *testing.T) (Environment, *far) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv(home.Variable, filepath.Join(dir, "home"))
	s := server.New(server.Options{VaultDir: filepath.Join(dir, "vault"), AuditDir: filepath.Join(dir, "audit"), Version: "test", Cost: 1, Logf: t.Logf})
	t.Cleanup(func() { _ = s.Close() })
	c := api.New(s.Transport(), api.LocalBase)
	if _, err := c.CreateVault(t.Context(), secret.NewValue([]byte("correct horse battery"))); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	f := &far{status: http.StatusOK}
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	e := Environment{Client: c, Ref: api.Ref{Project: "shop", Environment: "staging", Path: "/api"}}
	e.World.Lookup = func(name string) (string, bool) { return "hvs.x", name == "VAULT_TOKEN" }
	e.At = address(t, "vault+"+srv.URL+"/secret/shop")
	return e, f
}

func address(t *testing.T, s string) source.Address {
	t.Helper()
	a, err := source.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// update must succeed, and says whether what is there is from now.
func update(t *testing.T, e Environment) (now bool) {
	t.Helper()
	s, err := e.Update(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if time.Since(s.Fetched) > time.Minute {
		t.Errorf("fetched at %v", s.Fetched)
	}
	return s.Why == nil
}

// holds compares the vault with NAME=VALUE words.
func holds(t *testing.T, e Environment, want string) {
	t.Helper()
	list, err := e.Client.Resolved(t.Context(), e.Ref, true)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for i := range list {
		have = append(have, string(list[i].Key)+"="+string(list[i].Value().Reveal()))
	}
	if got := strings.Join(have, " "); got != want {
		t.Errorf("the vault holds %q, want %q", got, want)
	}
}

func TestTheCopyFollows(t *testing.T) {
	e, f := newEnvironment(t)
	f.set(200, false, "A", "${B}", "B", "2", "LD_PRELOAD", "/tmp/evil.so")
	s, err := e.Update(t.Context())
	if err != nil || len(s.Left) != 1 || s.Left[0] != "LD_PRELOAD" {
		t.Fatalf("%v, %v", s.Left, err)
	}
	holds(t, e, "A=${B} B=2")
	f.set(200, false, "B", "3", "C", "4")
	for range 2 {
		if !update(t, e) {
			t.Error("it is not from now")
		}
		holds(t, e, "B=3 C=4")
	}
	ref := e.Ref
	ref.Name = "B"
	if versions, err := e.Client.History(t.Context(), ref); err != nil || len(versions) != 2 {
		t.Errorf("%d versions for two values, %v", len(versions), err)
	}
}

// What does not answer is not waited for, once there is a copy.
func TestACopyIsUsedWhenNobodyAnswers(t *testing.T) {
	e, f := newEnvironment(t)
	f.set(503, false)
	if _, err := e.Update(t.Context()); !api.IsCode(err, api.Unavailable) {
		t.Errorf("without a copy: %v", err)
	}
	if _, err := e.Offline(); !api.IsCode(err, api.Missing) {
		t.Errorf("without a copy, offline: %v", err)
	}
	f.set(200, false, "A", "1")
	update(t, e)
	for _, down := range []func(){func() { f.set(503, false) }, func() { f.set(200, true) }} {
		down()
		start := time.Now()
		if update(t, e) {
			t.Error("it claims to be from now")
		}
		if took := time.Since(start); took > 2*withCopy {
			t.Errorf("it took %v", took)
		}
		holds(t, e, "A=1")
	}
	if s, err := e.Offline(); err != nil || s.Why == nil {
		t.Errorf("offline: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Update(ctx); err == nil {
		t.Error("an interrupted command went on with the copy")
	}
}

// Who may not read there any more does not read here either.
func TestARefusalIsNoOutage(t *testing.T) {
	e, f := newEnvironment(t)
	f.set(200, false, "A", "1")
	update(t, e)
	for status, want := range map[int]api.Code{401: api.Denied, 403: api.Denied, 404: api.Missing} {
		f.set(status, false)
		if _, err := e.Update(t.Context()); !api.IsCode(err, want) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// The copy of one address is not another's; what came from the first may be
// replaced by what the second says.
func TestAnotherAddress(t *testing.T) {
	e, f := newEnvironment(t)
	f.set(200, false, "A", "1", "B", "2")
	update(t, e)
	first := e.At
	e.At = address(t, first.String()+"/other")
	f.set(503, false)
	if _, err := e.Update(t.Context()); !api.IsCode(err, api.Unavailable) {
		t.Errorf("the copy of another address was used: %v", err)
	}
	f.set(200, false, "B", "3")
	update(t, e)
	holds(t, e, "B=3")
	e.At = first
	if _, err := e.Offline(); err == nil {
		t.Error("what the second said was taken for the first's")
	}
}

// What a person set is neither overwritten nor removed, and named.
func TestOwnValuesStay(t *testing.T) {
	e, f := newEnvironment(t)
	parent := e.Ref
	parent.Path = "/"
	if _, err := e.Client.MakeFolder(t.Context(), parent, "api"); err != nil {
		t.Fatal(err)
	}
	set := func(name, value string) {
		if _, err := e.Client.Put(t.Context(), e.Ref, []api.Item{api.NewItem(secret.Name(name), secret.NewValue([]byte(value)))}); err != nil {
			t.Fatal(err)
		}
	}
	set("A", "mine")
	set("SAME", "1")
	f.set(200, false, "A", "theirs", "SAME", "1")
	_, err := e.Update(t.Context())
	if !api.IsCode(err, api.Exists) || !strings.Contains(err.Error(), "of its own: A") || strings.Contains(err.Error(), "SAME") {
		t.Errorf("%v", err)
	}
	holds(t, e, "A=mine SAME=1")
	f.set(200, false, "A", "mine", "SAME", "1")
	update(t, e)
	set("LATER", "x")
	f.set(200, false, "A", "new")
	if _, err := e.Update(t.Context()); !api.IsCode(err, api.Exists) || !strings.Contains(err.Error(), "LATER") {
		t.Errorf("%v", err)
	}
	holds(t, e, "A=mine LATER=x SAME=1")
}

// Killed between two writes, it is not taken for whole, and goes on next time.
func TestInterrupted(t *testing.T) {
	e, f := newEnvironment(t)
	f.set(200, false, "A", "1", "B", "2")
	update(t, e)
	if err := e.keep(note{Address: e.At.String(), Names: []secret.Name{"A", "B", "C"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Offline(); err == nil {
		t.Error("half a copy was taken for whole")
	}
	f.set(200, false, "C", "3")
	update(t, e)
	holds(t, e, "C=3")
}

func TestTwoAtOnce(t *testing.T) {
	e, f := newEnvironment(t)
	f.set(200, false, "A", "1", "B", "2")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := e.Update(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	holds(t, e, "A=1 B=2")
}
