package forward

import (
	"bufio"
	"bytes"
	"context"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/front"
	"github.com/bailey-project/bailey/internal/gateway/swap"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// wire is an outside that keeps the bytes it is sent, and where to they went.
type wire struct {
	mu     sync.Mutex
	dialed []string
	sent   bytes.Buffer
}

func (w *wire) dial(_ context.Context, name string, _ uint16) (net.Conn, error) {
	ours, theirs := net.Pipe()
	w.mu.Lock()
	w.dialed = append(w.dialed, name)
	w.mu.Unlock()
	go func() {
		br := bufio.NewReader(io.TeeReader(theirs, w))
		if r, err := http.ReadRequest(br); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		_, _ = io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
		_ = theirs.Close()
	}()
	return ours, nil
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent.Write(p)
}

func newForwarder(w *wire) *Forwarder {
	rules := []policy.Rule{{Host: policy.Host{Name: "pay.test"}, Access: policy.Write, Origin: "here"}}
	bindings := []policy.Binding{{Name: "KEY", Placeholder: "sk_live_Placeholder0000000000", Hosts: []policy.Host{{Name: "mail.test"}}}}
	return New(Config{Rules: func() []policy.Rule { return rules }, Bindings: func() []policy.Binding { return bindings },
		Value: func(context.Context, secret.Name, policy.Host) (secret.Value, error) {
			return secret.Value{}, ErrLocked
		},
		Record: func(event.Event) {}, Dial: w.dial, Roots: func(string, uint16) *x509.CertPool { return nil }})
}

// FuzzRequestReserialise: whatever a program sends, what leaves is one request
// to the host that was judged, with the method and path that were judged, and
// nothing else in the stream.
func FuzzRequestReserialise(f *testing.F) {
	for _, s := range []string{
		"GET / HTTP/1.1\r\nHost: pay.test\r\n\r\n",
		"GET /a%2fb?x=%20y HTTP/1.1\r\nHost: PAY.test:80\r\nX: y\r\nConnection: X\r\n\r\n",
		"GET http://pay.test/x?y HTTP/1.1\r\nHost: evil.test\r\n\r\n",
		"POST //evil.test/x HTTP/1.1\r\nHost: pay.test\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: pay.test\r\nContent-Length: 30\r\n\r\nGET /evil HTTP/1.1\r\nHost: e\r\n\r\n",
		"PUT / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\nTE: trailers\r\n\r\nabc",
		"OPTIONS * HTTP/1.1\r\nHost: pay.test\r\n\r\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil || r.ProtoMajor != 1 {
			return
		}
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), targetKey{}, front.Target{Name: "pay.test", Port: 80}), 5*time.Second)
		defer cancel()
		w := &wire{}
		fw := newForwarder(w)
		method := r.Method
		func() {
			defer func() { // how a broken body ends a request
				if p := recover(); p != nil && p != http.ErrAbortHandler {
					panic(p)
				}
			}()
			fw.serveRequest(httptest.NewRecorder(), r.WithContext(ctx))
		}()
		_ = fw.Close()
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, name := range w.dialed {
			if name != "pay.test" {
				t.Fatalf("%q was dialled for %q", name, raw)
			}
		}
		checkSent(t, raw, w.sent.Bytes(), method)
	})
}

func checkSent(t *testing.T, raw, sent []byte, method string) {
	if len(sent) == 0 {
		return
	}
	br := bufio.NewReader(bytes.NewReader(sent))
	got, err := http.ReadRequest(br)
	if err != nil {
		return // broken off with the body
	}
	if _, err := io.Copy(io.Discard, got.Body); err != nil {
		return
	}
	rest, _ := io.ReadAll(br)
	if got.Host != "pay.test" || got.Method != method || len(rest) > 0 {
		t.Fatalf("%q left as %q", raw, sent)
	}
	path, _, _ := strings.Cut(got.RequestURI, "?")
	if canonical, err := policy.CanonicalPath(path); err != nil || canonical != path {
		t.Fatalf("%q left as %q, whose path is not canonical", raw, sent)
	}
}

func TestCanonicalQuery(t *testing.T) {
	for in, want := range map[string]string{"": "", "a=b&c=%20+d": "a=b&c=%20+d", "a b": "a%20b", "x HTTP/1.1\r\nY: z": "x%20HTTP/1.1%0D%0AY:%20z", "#x": "%23x", "é": "%C3%A9", "a\x00": "a%00"} {
		if got := canonicalQuery(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// What is held of bodies is counted, bounded and given back.
func TestHold(t *testing.T) {
	x := &exchange{f: newForwarder(&wire{})}
	var held []*upload
	for {
		u := &upload{x: x, length: maxWhole}
		if !u.hold(u.length) {
			break
		}
		held = append(held, u)
	}
	if len(held) != maxHeld/maxWhole {
		t.Errorf("%d bodies are held at once", len(held))
	}
	for _, u := range held {
		u.release()
	}
	if n := x.f.held.Load(); n != 0 {
		t.Errorf("%d bytes are still counted", n)
	}
}

func TestTooManyRequests(t *testing.T) {
	w := &wire{}
	fw := newForwarder(w)
	fw.active.Store(maxRequests)
	rec := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	fw.serveRequest(rec, r.WithContext(context.WithValue(r.Context(), targetKey{}, front.Target{Name: "pay.test", Port: 80})))
	if rec.Code != 503 || len(w.dialed) != 0 || fw.active.Load() != maxRequests {
		t.Errorf("%d, %v, %d", rec.Code, w.dialed, fw.active.Load())
	}
}

func TestServerHasLimits(t *testing.T) {
	s := newForwarder(&wire{}).server
	if s.ReadHeaderTimeout == 0 || s.IdleTimeout == 0 || s.MaxHeaderBytes == 0 || s.HTTP2.MaxConcurrentStreams == 0 {
		t.Error("a limit is missing")
	}
}

func TestTablesFollowTheSession(t *testing.T) {
	fw := newForwarder(&wire{})
	known := []byte("a-value-that-is-long-enough-1234567890")
	if once := fw.compiled(); once != fw.compiled() {
		t.Error("the tables are compiled for each request")
	}
	fw.tables.remember(fw.compiled(), knownValue("OTHER", known))
	first := fw.compiled()
	if !fw.Leaks("x" + string(known)) {
		t.Error("a value that was fetched is not known")
	}
	fw.tables.remember(first, knownValue("OTHER", bytes.Clone(known)))
	if fw.compiled() != first {
		t.Error("the same value makes new tables")
	}
	fw.Forget()
	if fw.Leaks(string(known)) {
		t.Error("a value is known after Forget")
	}
}

func knownValue(n secret.Name, v []byte) swap.Known {
	return swap.Known{Name: n, Value: secret.NewValue(v)}
}
