package gateway

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// need finds a program that the test drives, or skips.
func need(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not available: install it to run this test", name)
	}
	return path
}

func TestAllowedAndDenied(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	for _, http2 := range []bool{false, true} {
		c := w.client(http2)
		for _, tc := range []struct {
			method, url string
			status      int
			text        string
		}{
			{"GET", "https://docs.test/x?q=1", 200, "hello from outside"},
			{"GET", "http://docs.test/x", 200, "hello from outside"},
			{"HEAD", "https://docs.test/", 200, ""},
			{"POST", "https://pay.test/v1", 200, "hello from outside"},
			{"PATCH", "https://odd.test:8443/v1", 200, "hello from outside"},
			{"POST", "https://git.test/o/r.git/git-upload-pack", 200, "hello from outside"},
			{"POST", "https://git.test/o/r.git/git-receive-pack", 403, "bailey allow 'git.test: write'"},
			{"POST", "https://docs.test/x", 403, "read-only rule bailey.yaml:3"},
			{"DELETE", "http://docs.test/x", 403, "read-only rule bailey.yaml:3"},
			{"GET", "https://closed.test/", 403, "bailey allow closed.test"},
			{"GET", "http://closed.test/", 403, "no rule allows it"},
			{"GET", "https://pay.test:8443/", 403, "bailey allow pay.test:8443"},
			{"GET", "http://1.2.3.4/", 403, "bailey allow 1.2.3.4"},
			{"GET", "https://docs.test/a/%2e%2e/b", 400, "'.' or '..' segment"},
			{"TRACE", "https://pay.test/", 405, "never passes"},
			{"TRACK", "https://pay.test/", 405, "never passes"},
			{"GET", "https://bad-cert.test/", 502, "for another name"},
			{"GET", "https://private.test/", 403, "not public"},
			{"GET", "https://down.test/", 502, "does not accept connections"},
		} {
			before := out.count()
			resp, body := do(t, c, tc.method, tc.url, "")
			if resp.StatusCode != tc.status || !strings.Contains(body, tc.text) {
				t.Errorf("h2 %v: %s %s: %d %q, want %d %q", http2, tc.method, tc.url, resp.StatusCode, body, tc.status, tc.text)
			}
			if reached := out.count() != before; reached != (tc.status == 200) {
				t.Errorf("h2 %v: %s %s reached the outside: %v", http2, tc.method, tc.url, reached)
			}
			if wantMajor := 1; tc.status == 200 && http2 && resp.TLS != nil {
				wantMajor = 2
				if r, _ := out.last(); r.ProtoMajor != wantMajor || resp.ProtoMajor != wantMajor {
					t.Errorf("HTTP/%d inside became HTTP/%d outside", resp.ProtoMajor, r.ProtoMajor)
				}
			}
			if tc.status == 403 && (!strings.Contains(body, "Do not retry") || !strings.Contains(body, "Bailey")) {
				t.Errorf("the refusal is not written for an agent: %q", body)
			}
		}
	}
	w.event(Allowed, "GET https://docs.test/x")
	w.event(Denied, "POST https://docs.test/x (read-only rule bailey.yaml:3)")
	w.event(Denied, "connect closed.test:443 (no rule allows it)")
	w.event(Denied, "connect 1.2.3.4:80 (no rule allows it)")
	w.event(TLS, "bad-cert.test")
	for _, e := range w.events() {
		if strings.Contains(e.Path, "?") {
			t.Errorf("an event shows a query: %v", e)
		}
	}
}

// What leaves is what was judged, made anew: the names, the path, no header that
// ends at the gateway, nothing that net/http adds.
func TestForwardedRequest(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	got := w.raw("pay.test:443", "GET /%61/b%2fc!?q=%41&x HTTP/1.1\r\nHost: PAY.test:443\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 3\r\nProxy-Authorization: Basic eDp5\r\nTE: trailers\r\nX-Yours: 2\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Fatalf("%q", got)
	}
	r, _ := out.last()
	if r.RequestURI != "/a/b%2Fc!?q=%41&x" || r.Host != "pay.test" {
		t.Errorf("target %q, Host %q", r.RequestURI, r.Host)
	}
	r.Header.Del("Accept-Encoding")
	if h := fmt.Sprint(r.Header); h != "map[Te:[trailers] X-Yours:[2]]" {
		t.Errorf("headers %s", h)
	}
}

func TestNamesDisagree(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	for _, host := range []string{"docs.test", "closed.test", "pay.test:444", "pay.test:80", "u@pay.test", "127.0.0.1"} {
		got := w.raw("pay.test:443", "GET / HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
		if !strings.HasPrefix(got, "HTTP/1.1 421 ") && !strings.HasPrefix(got, "HTTP/1.1 400 ") {
			t.Errorf("Host %s: %.60q", host, got)
		}
	}
	if _, err := w.dialTLS("pay.test:443", "docs.test"); err == nil || !strings.Contains(err.Error(), "unrecognized name") {
		t.Errorf("another SNI: %v", err)
	}
	w.event(TLS, "not the one it asked for")
	w.event(Denied, "names disagree: name pay.test, Host docs.test")
	if out.count() != 0 {
		t.Error("the outside was reached")
	}
}

// A resumed session must not get by the comparison of names.
func TestNamesDisagreeResumed(t *testing.T) {
	w := newWorld(t, &outsideLog{})
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.CAPEM())
	cache := oneSession{tls.NewLRUClientSessionCache(1)}
	for i, tc := range []struct {
		door, sni string
		resumes   bool
		ok        bool
	}{{"pay.test:443", "pay.test", false, true}, {"pay.test:443", "pay.test", true, true}, {"pay.test:443", "docs.test", false, false}, {"docs.test:443", "docs.test", false, true}} {
		c, err := tls.Dial("tcp", w.door(tc.door), &tls.Config{RootCAs: pool, ServerName: tc.sni, ClientSessionCache: cache})
		if (err == nil) != tc.ok {
			t.Fatalf("step %d: %v", i, err)
		}
		if err != nil {
			continue
		}
		_, _ = io.WriteString(c, "GET / HTTP/1.1\r\nHost: "+tc.sni+"\r\nConnection: close\r\n\r\n")
		if b, _ := io.ReadAll(c); !strings.HasPrefix(string(b), "HTTP/1.1 200") {
			t.Errorf("step %d: %.60q", i, b)
		}
		if tc.resumes && !c.ConnectionState().DidResume {
			t.Errorf("step %d did not resume", i)
		}
		_ = c.Close()
	}
}

// oneSession offers the same session whatever the server's name is.
type oneSession struct{ tls.ClientSessionCache }

func (o oneSession) Get(string) (*tls.ClientSessionState, bool) { return o.ClientSessionCache.Get("x") }
func (o oneSession) Put(_ string, s *tls.ClientSessionState)    { o.ClientSessionCache.Put("x", s) }

func TestNoSNI(t *testing.T) {
	w := newWorld(t, &outsideLog{})
	c, err := tls.Dial("tcp", w.door("pay.test:443"), &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.ConnectionState().PeerCertificates[0].VerifyHostname("pay.test"); err != nil {
		t.Error(err)
	}
}

// Literal addresses and ports that no rule covers: an alert for TLS, a 403 for
// HTTP, a reset for the rest, each reported once.
func TestLiteralAddress(t *testing.T) {
	w := newWorld(t, &outsideLog{})
	for range 3 {
		if _, err := w.dialTLS("1.2.3.4:443", "evil.test"); err == nil || !strings.Contains(err.Error(), "access denied") {
			t.Errorf("TLS: %v", err)
		}
		if err := talk(t, w.door("1.2.3.4:22"), "SSH-2.0-OpenSSH_9.2\r\n"); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("ssh: %v", err)
		}
		if err := talk(t, w.door("pay.test:22"), ""); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("silence: %v", err)
		}
	}
	w.event(Denied, "connect 1.2.3.4:443")
	w.event(Denied, "connect 1.2.3.4:22")
	e := w.event(Denied, "connect pay.test:22")
	if e.Hint != "bailey allow pay.test:22" {
		t.Errorf("hint %q", e.Hint)
	}
	if n := w.count(Denied); n != 3 {
		t.Errorf("%d events: %v", n, w.events())
	}
}

// talk sends text and returns the error of the first read.
func talk(t *testing.T, addr, text string) error {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if text != "" {
		_, _ = io.WriteString(c, text)
	}
	_, err = c.Read(make([]byte, 1))
	return err
}

func TestUnknownProtocol(t *testing.T) {
	w := newWorld(t, &outsideLog{})
	for _, text := range []string{"SSH-2.0-OpenSSH_9.2\r\n", "\x00\x01\x02\x03", "\x16\x01\x03", "\x80\x2e\x01\x00", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "get / HTTP/1.1\r\n"} {
		if err := talk(t, w.door("pay.test:443"), text); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%q: %v", text, err)
		}
	}
	w.event(Denied, "neither TLS nor HTTP")
}

// A hello that comes byte by byte is still a hello.
func TestSlowHello(t *testing.T) {
	w := newWorld(t, &outsideLog{})
	raw, err := net.Dial("tcp", w.door("pay.test:443"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.CAPEM())
	c := tls.Client(byteWise{raw}, &tls.Config{RootCAs: pool, ServerName: "pay.test"})
	defer func() { _ = c.Close() }()
	if err := c.Handshake(); err != nil {
		t.Error(err)
	}
}

type byteWise struct{ net.Conn }

func (b byteWise) Write(p []byte) (int, error) {
	for i := range p {
		if _, err := b.Conn.Write(p[i : i+1]); err != nil {
			return i, err
		}
	}
	return len(p), nil
}

// A rule that comes while the session runs opens the host at once; one that goes
// ends what is under way.
func TestRulesChange(t *testing.T) {
	stream := make(chan struct{})
	w := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			rw.(http.Flusher).Flush()
			select {
			case <-stream:
			case <-r.Context().Done():
			}
		}
	}))
	defer close(stream)
	c := w.client(false)
	if resp, _ := do(t, c, "GET", "https://closed.test/", ""); resp.StatusCode != 403 {
		t.Fatalf("before: %d", resp.StatusCode)
	}
	if _, rcode := w.ask("closed.test."); rcode != dnsmessage.RCodeNameError {
		t.Errorf("DNS before: %v", rcode)
	}
	w.mu.Lock()
	w.rules = mustRules(t, "closed.test")
	w.mu.Unlock()
	if resp, _ := do(t, c, "GET", "https://closed.test/", ""); resp.StatusCode != 200 {
		t.Errorf("after: %d", resp.StatusCode)
	}
	if n, rcode := w.ask("closed.test."); rcode != dnsmessage.RCodeSuccess || n != 1 {
		t.Errorf("DNS after: %v", rcode)
	}
	resp, err := c.Get("https://closed.test/stream")
	if err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	w.rules = nil
	w.mu.Unlock()
	w.Refresh()
	if _, err := io.ReadAll(resp.Body); err == nil {
		t.Error("a stream to a host that was closed lives on")
	}
	_ = resp.Body.Close()
}

// ask sends one A query over UDP.
func (w *world) ask(name string) (answers int, rcode dnsmessage.RCode) {
	w.t.Helper()
	m := dnsmessage.Message{Header: dnsmessage.Header{ID: 1}, Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	query, err := m.Pack()
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := net.Dial("udp", w.dns.LocalAddr().String())
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.Write(query)
	buf := make([]byte, 512)
	n, err := c.Read(buf)
	if err != nil {
		w.t.Fatal(err)
	}
	var got dnsmessage.Message
	if err := got.Unpack(buf[:n]); err != nil {
		w.t.Fatal(err)
	}
	return len(got.Answers), got.RCode
}

func TestDNS(t *testing.T) {
	w := newWorld(t, &outsideLog{})
	if n, rcode := w.ask("pay.test."); n != 1 || rcode != dnsmessage.RCodeSuccess {
		t.Errorf("pay.test: %d, %v", n, rcode)
	}
	for range 5 {
		if _, rcode := w.ask("evil.test."); rcode != dnsmessage.RCodeNameError {
			t.Errorf("evil.test: %v", rcode)
		}
	}
	e := w.event(Denied, "look up evil.test (no rule allows it)")
	if e.Hint != "bailey allow evil.test" || w.count(Denied) != 1 {
		t.Errorf("hint %q, events %v", e.Hint, w.events())
	}
	for _, door := range []string{"1.2.3.4:53", "pay.test:53"} { // over TCP, whatever the address
		c, err := net.Dial("tcp", w.door(door))
		if err != nil {
			t.Fatal(err)
		}
		m := dnsmessage.Message{Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName("pay.test."), Type: dnsmessage.TypeAAAA, Class: dnsmessage.ClassINET}}}
		query, _ := m.Pack()
		_, _ = c.Write(append([]byte{0, byte(len(query))}, query...))
		_ = c.SetDeadline(time.Now().Add(5 * time.Second))
		head := make([]byte, 2)
		if _, err := io.ReadFull(c, head); err != nil {
			t.Errorf("%s: %v", door, err)
		}
		_ = c.Close()
	}
}
