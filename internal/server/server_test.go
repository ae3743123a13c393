package server

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
)

const passphrase = "correct horse battery"

// fixture is a server with an unlocked vault and a project.
type fixture struct {
	*testing.T
	server *Server
	client *api.Client
	code   secret.Value
	id     string // of project shop
}

func options(dir string) Options {
	return Options{VaultDir: filepath.Join(dir, "vault"), AuditDir: filepath.Join(dir, "audit"), Version: "test", Cost: 1}
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	s := New(options(t.TempDir()))
	s.opts.Logf = t.Logf
	f := &fixture{T: t, server: s, client: api.New(served{s}, api.LocalBase)}
	t.Cleanup(func() { _ = s.Close() })
	var err error
	if f.code, err = f.client.CreateVault(t.Context(), value(passphrase)); err != nil {
		t.Fatal(err)
	}
	p, err := f.client.CreateProject(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	f.id = p.ID
	return f
}

func value(s string) secret.Value { return secret.NewValue([]byte(s)) }

// reply is an answer as a foreign client sees it.
type reply struct {
	status int
	header http.Header
	body   string
}

func (r reply) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
}

func (f *fixture) do(method, path, body string, headers ...string) reply {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), method, api.LocalBase+path, strings.NewReader(body))
	if err != nil {
		f.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := served{f.server}.RoundTrip(req)
	if err != nil {
		f.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		f.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

func (f *fixture) set(environment, path, name, v string) {
	f.Helper()
	_, err := f.client.Put(f.Context(), api.Ref{Project: "shop", Environment: environment, Path: path}, []api.Item{api.NewItem(secret.Name(name), value(v))})
	if err != nil {
		f.Fatal(err)
	}
}

func TestStatusNeedsNoVault(t *testing.T) {
	s := New(options(t.TempDir()))
	c := api.New(served{s}, api.LocalBase)
	st, err := c.Status(t.Context())
	if err != nil || st.Vault || st.Locked || st.Version != "test" || st.Protocol != api.Protocol {
		t.Errorf("got %+v, %v", st, err)
	}
	if _, err := c.Projects(t.Context()); !api.IsCode(err, api.Missing) {
		t.Errorf("Projects without a vault: %v", err)
	}
	if err := c.Unlock(t.Context(), value(passphrase)); !api.IsCode(err, api.Missing) {
		t.Errorf("Unlock without a vault: %v", err)
	}
	if _, err := c.VerifyAudit(t.Context()); !api.IsCode(err, api.Missing) {
		t.Errorf("VerifyAudit without a vault: %v", err)
	}
}

func TestCreateLockUnlock(t *testing.T) {
	f := newFixture(t)
	f.set("development", "/", "A", "one")
	if _, err := f.client.CreateVault(t.Context(), value(passphrase)); !api.IsCode(err, api.Exists) {
		t.Errorf("a second vault: %v", err)
	}
	if err := f.client.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	ref := api.Ref{Project: "shop", Environment: "development", Path: "/"}
	if _, err := f.client.Secrets(t.Context(), ref, false); !api.IsCode(err, api.Locked) {
		t.Errorf("a locked vault answered: %v", err)
	}
	st, err := f.client.Status(t.Context())
	if err != nil || !st.Locked || !st.Vault || st.Projects != 1 {
		t.Errorf("status while locked: %+v, %v", st, err)
	}
	if err := f.client.Unlock(t.Context(), value("wrong passphrase")); !api.IsCode(err, api.Denied) {
		t.Errorf("wrong passphrase: %v", err)
	}
	if err := f.client.Unlock(t.Context(), value(passphrase)); err != nil {
		t.Fatal(err)
	}
	if list, err := f.client.Secrets(t.Context(), ref, false); err != nil || len(list) != 1 {
		t.Errorf("after unlock: %d secrets, %v", len(list), err)
	}
}

func TestLockedIsStatus423(t *testing.T) {
	f := newFixture(t)
	_ = f.client.Lock(t.Context())
	r := f.do("GET", "/api/v4/secrets?projectId=shop&environment=development", "")
	var body api.ErrorBody
	r.into(t, &body)
	if r.status != 423 || body.Code != api.Locked || body.StatusCode != 423 || !strings.HasPrefix(body.ReqID, "req-") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestShortPassphraseIsRefused(t *testing.T) {
	c := api.New(served{New(options(t.TempDir()))}, api.LocalBase)
	if _, err := c.CreateVault(t.Context(), value("short")); !api.IsCode(err, api.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestRecover(t *testing.T) {
	f := newFixture(t)
	f.set("development", "/", "A", "kept")
	wrong := string(f.code.Reveal())
	wrong = strings.Repeat("0", 5) + wrong[5:]
	if err := f.client.Recover(t.Context(), value(wrong), value("new passphrase")); err == nil {
		t.Error("a wrong code opened an unlocked vault")
	}
	_ = f.client.Lock(t.Context())
	if err := f.client.Recover(t.Context(), f.code, value("new passphrase")); err != nil {
		t.Fatal(err)
	}
	_ = f.client.Lock(t.Context())
	if err := f.client.Unlock(t.Context(), value(passphrase)); !api.IsCode(err, api.Denied) {
		t.Errorf("the old passphrase still opens: %v", err)
	}
	if err := f.client.Unlock(t.Context(), value("new passphrase")); err != nil {
		t.Fatal(err)
	}
	s, err := f.client.Secret(t.Context(), api.Ref{Project: "shop", Environment: "development", Path: "/", Name: "A"}, 0)
	if err != nil || string(s.Value().Reveal()) != "kept" {
		t.Errorf("after recovery: %v", err)
	}
	if st, _ := f.client.Status(t.Context()); !st.BackupVerified {
		t.Error("using the code does not count as having it")
	}
}

func TestNoPeerNoAnswer(t *testing.T) {
	s := New(options(t.TempDir()))
	for _, path := range []string{"/api/status", api.Base + "/status", "/nowhere"} {
		a := &answer{header: http.Header{}, ready: make(chan struct{})}
		body, w := io.Pipe()
		a.body = w
		req, _ := http.NewRequestWithContext(context.Background(), "GET", api.LocalBase+path, http.NoBody)
		go func() { s.ServeHTTP(a, req); _ = w.Close() }()
		_, _ = io.ReadAll(body)
		if a.status != 401 {
			t.Errorf("%s answered %d to nobody", path, a.status)
		}
	}
}

func TestWebPagesAreRefused(t *testing.T) {
	f := newFixture(t)
	if r := f.do("GET", "/api/status", "", "Origin", "http://evil.example"); r.status != 403 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestErrorsShowNoValue(t *testing.T) {
	f := newFixture(t)
	const canary = "canary-0123456789"
	for _, c := range []struct{ method, path, body string }{
		{"POST", "/api/v3/secrets/raw/A%20B", `{"workspaceId":"shop","environment":"development","secretValue":"` + canary + `"}`},
		{"POST", "/api/v3/secrets/raw/A", `{"workspaceId":"shop","environment":"development","secretValue":["` + canary + `"]}`},
		{"POST", "/api/v3/secrets/raw/A", `{"workspaceId":"shop","environment":"nowhere","secretValue":"` + canary + `"}`},
		{"POST", "/api/v3/secrets/raw/A", `{"workspaceId":"shop", ` + canary},
		{"POST", api.Base + "/unlock", `{"recoveryCode":"` + canary + `"}`},
		{"POST", api.Base + "/vault", `{"passphrase":"` + canary + `"}`},
		{"PUT", api.Base + "/originals?project=shop", `{"path":"../x","content":"` + canary + `"}`},
	} {
		r := f.do(c.method, c.path, c.body)
		if r.status == 200 {
			t.Errorf("%s %s was accepted", c.method, c.path)
		}
		if strings.Contains(r.body, canary) {
			t.Errorf("%s %s repeats the value: %s", c.method, c.path, r.body)
		}
	}
}
