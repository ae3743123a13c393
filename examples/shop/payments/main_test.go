package main

import (
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const testKey = "pay_live_TheRealOne00000000000000000000"

func newTestServer(t *testing.T) (*httptest.Server, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.jsonl")
	record, err := openLog(path, "payments.test")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(newHandler(testKey, record))
	t.Cleanup(server.Close)
	return server, path
}

func lastRecord(t *testing.T, path string) record {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), testKey) {
		t.Fatal("the log holds the key")
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	var r record
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOnlyTheRealKeyIsAccepted(t *testing.T) {
	server, log := newTestServer(t)
	bearer := func(key string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) }
	}
	tests := []struct {
		name    string
		prepare func(*http.Request)
		status  int
		key     string
	}{
		{"nothing", func(*http.Request) {}, 401, "none"},
		{"bearer", bearer(testKey), 200, "real"},
		{"other bearer", bearer(testKey[:len(testKey)-1] + "1"), 401, "wrong"},
		{"basic user", func(r *http.Request) { r.SetBasicAuth(testKey, "") }, 200, "real"},
		{"basic password", func(r *http.Request) { r.SetBasicAuth("x", testKey) }, 200, "real"},
		{"other basic", func(r *http.Request) { r.SetBasicAuth("x", "y") }, 401, "wrong"},
		{"query", func(r *http.Request) { r.URL.RawQuery = url.Values{"key": {testKey}}.Encode() }, 200, "real"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request, err := http.NewRequest(http.MethodGet, server.URL+"/v1/balance", nil)
			if err != nil {
				t.Fatal(err)
			}
			test.prepare(request)
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != test.status {
				t.Errorf("status %d, want %d", response.StatusCode, test.status)
			}
			if r := lastRecord(t, log); r.Key != test.key || r.Status != test.status {
				t.Errorf("logged %+v, want key %s and status %d", r, test.key, test.status)
			}
		})
	}
}

func TestAKeyInABodyIsNoticed(t *testing.T) {
	server, log := newTestServer(t)
	response, err := http.Post(server.URL+"/collect?via=thief", "text/plain", strings.NewReader("take "+testKey))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if r := lastRecord(t, log); r.Key != "real" || r.Via != "thief" {
		t.Errorf("logged %+v, want the real key via thief", r)
	}
}

func TestEchoReturnsTheKeyPlainAndCompressed(t *testing.T) {
	server, _ := newTestServer(t)
	for _, encoding := range []string{"identity", "gzip"} {
		request, err := http.NewRequest(http.MethodGet, server.URL+"/echo", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+testKey)
		request.Header.Set("Accept-Encoding", encoding)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body := io.Reader(response.Body)
		if encoding == "gzip" {
			if body, err = gzip.NewReader(response.Body); err != nil {
				t.Fatal(err)
			}
		}
		got, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if !strings.Contains(string(got), testKey) {
			t.Errorf("%s: the echo lacks the key", encoding)
		}
	}
}

func TestTheCertificateIsTrustedThroughItsAuthority(t *testing.T) {
	cert, ca, err := newCertificate("payments.test")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	server.StartTLS()
	defer server.Close()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	for _, name := range []string{"payments.test", "localhost", "127.0.0.1"} {
		conn, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{RootCAs: pool, ServerName: name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = conn.Close()
	}
}
