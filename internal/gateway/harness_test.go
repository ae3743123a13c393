package gateway

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/gateway/mint"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// The secrets of the tests. Values and placeholders have the same length but
// for mailValue.
const (
	payPlace  = "sk_live_Placeholder0000000000payA"
	payValue  = "sk_live_RealRealReal9999999999Xyz"
	mailPlace = "re_PlaceholderMail11111111"
	mailValue = `re_"Re&al"+Mail/222 2222%`
	dbValue   = "postgres://app:Zq8-Wk3-Vn5@db.test/shop"
)

// world is a gateway between a client and an outside of TLS and plain servers,
// all on loopback. A door is a listener that stands for one destination.
type world struct {
	*Gateway
	t          testing.TB
	mu         sync.Mutex
	rules      []policy.Rule
	binds      []policy.Binding
	known      []Known
	confidants []policy.Host
	locked     bool
	seen       []Event
	doors      map[string]net.Listener // "pay.test:443" → where the client connects
	dst        map[int]netip.AddrPort  // port of a door → what OriginalDst says
	dns        net.PacketConn
	ca         *mint.Authority // of the outside
	handler    http.Handler
	cafile     string

	extra     net.Listener
	extraHost policy.Host
}

var worldHosts = []string{"pay.test:443", "mail.test:443", "docs.test:443", "docs.test:80", "pay.test:80", "git.test:443", "odd.test:8443",
	"closed.test:443", "closed.test:80", "pay.test:22", "pay.test:8443", "bad-cert.test:443", "private.test:443", "down.test:443", "pay.test:53", "lo.test:443"}

// newWorld starts everything. handler is the outside, whatever the host.
func newWorld(t testing.TB, handler http.Handler) *world {
	t.Helper()
	return newWorldAt(t, handler, nil, "", 0)
}

// newWorldAt has one more door: the listener stands for name and port, which a
// read-only rule opens and PAY_KEY is bound to.
func newWorldAt(t testing.TB, handler http.Handler, extra net.Listener, name string, port uint16) *world {
	t.Helper()
	w := &world{t: t, doors: map[string]net.Listener{}, dst: map[int]netip.AddrPort{}, handler: handler}
	w.rules = mustRules(t, "pay.test: write", "mail.test: write", "docs.test", "git.test", "odd.test:8443: write", "bad-cert.test", "private.test", "down.test")
	w.binds = testBindings()
	if extra != nil {
		h := policy.Host{Name: name, Port: port}
		w.extra, w.extraHost = extra, h
		w.rules = append([]policy.Rule{{Host: h, Access: policy.Read, Origin: "extra"}}, w.rules...)
		w.binds[0].Hosts = append(w.binds[0].Hosts, h)
	}
	w.known = []Known{{Name: "DATABASE_URL", Value: secret.NewValue([]byte(dbValue))}}
	w.outside()
	var err error
	w.Gateway, err = New(Config{Rules: w.getRules, Bindings: w.getBindings, Values: w.getKnown, Confidants: w.getConfidants, Value: w.getValue, Event: w.record,
		Pins: w.pins(), Resolve: w.resolve, OriginalDst: w.originalDst})
	if err != nil {
		t.Fatal(err)
	}
	w.open()
	return w
}

func testBindings() []policy.Binding {
	return []policy.Binding{
		{Name: "PAY_KEY", Placeholder: payPlace, Hosts: []policy.Host{{Name: "pay.test"}}},
		{Name: "MAIL_KEY", Placeholder: mailPlace, Hosts: []policy.Host{{Name: "mail.test"}}},
	}
}

func mustRules(t testing.TB, specs ...string) []policy.Rule {
	t.Helper()
	var rules []policy.Rule
	for i, s := range specs {
		r, err := policy.ParseRule(s, fmt.Sprintf("bailey.yaml:%d", i+1))
		if err != nil {
			t.Fatal(err)
		}
		rules = append(rules, r)
	}
	return rules
}

func (w *world) getRules() []policy.Rule       { w.mu.Lock(); defer w.mu.Unlock(); return w.rules }
func (w *world) getBindings() []policy.Binding { w.mu.Lock(); defer w.mu.Unlock(); return w.binds }
func (w *world) getKnown() []Known             { w.mu.Lock(); defer w.mu.Unlock(); return w.known }
func (w *world) getConfidants() []policy.Host  { w.mu.Lock(); defer w.mu.Unlock(); return w.confidants }
func (w *world) record(e Event)                { w.mu.Lock(); defer w.mu.Unlock(); w.seen = append(w.seen, e) }

func (w *world) getValue(_ context.Context, n secret.Name, _ policy.Host) (secret.Value, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.locked:
		return secret.Value{}, fmt.Errorf("reading it: %w", ErrLocked)
	case n == "PAY_KEY":
		return secret.NewValue([]byte(payValue)), nil
	case n == "MAIL_KEY":
		return secret.NewValue([]byte(mailValue)), nil
	}
	return secret.Value{}, errors.New("missing")
}

func (w *world) resolve(_ context.Context, name string) ([]netip.Addr, error) {
	switch name {
	case "private.test":
		return []netip.Addr{netip.MustParseAddr("10.1.2.3")}, nil
	case "lo.test":
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	return nil, errors.New("no such name")
}

func (w *world) originalDst(c net.Conn) (netip.AddrPort, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.dst[c.LocalAddr().(*net.TCPAddr).Port], nil
}

// outside starts the servers that the pins lead to.
func (w *world) outside() {
	var err error
	if w.ca, err = mint.New(); err != nil {
		w.t.Fatal(err)
	}
}

// serve starts the outside's handler, with TLS when name is not "".
func (w *world) serve(secure bool) string {
	s := httptest.NewUnstartedServer(w.handler)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if secure {
		s.EnableHTTP2 = true
		s.TLS = &tls.Config{GetCertificate: func(h *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if h.ServerName == "bad-cert.test" {
				return w.ca.Certificate("other.test")
			}
			return w.ca.Certificate(h.ServerName)
		}}
		s.StartTLS()
	} else {
		s.Start()
	}
	w.t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func (w *world) pins() []Pin {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.ca.PEM())
	secure, plain := w.serve(true), w.serve(false)
	var pins []Pin
	if w.extra != nil {
		pins = append(pins, Pin{Host: w.extraHost, At: secure, CA: pool})
	}
	for _, hp := range worldHosts {
		h, err := policy.ParseHost(hp)
		if err != nil {
			w.t.Fatal(err)
		}
		switch {
		case h.Name == "private.test" || h.Name == "lo.test":
		case h.Name == "down.test":
			pins = append(pins, Pin{Host: h, At: "127.0.0.1:1", CA: pool})
		case h.Port == 80:
			pins = append(pins, Pin{Host: h, At: plain})
		default:
			pins = append(pins, Pin{Host: h, At: secure, CA: pool})
		}
	}
	return pins
}

// open makes the doors and serves them.
func (w *world) open() {
	var tcp []net.Listener
	for _, hp := range append([]string{"1.2.3.4:443", "1.2.3.4:80", "1.2.3.4:22", "1.2.3.4:53"}, worldHosts...) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			w.t.Fatal(err)
		}
		h, err := policy.ParseHost(hp)
		if err != nil {
			w.t.Fatal(err)
		}
		addr, err := netip.ParseAddr(h.Name)
		if err != nil {
			addr, _, _ = w.names.Table.Assign(h.Name)
		}
		w.doors[hp], w.dst[l.Addr().(*net.TCPAddr).Port] = l, netip.AddrPortFrom(addr, h.Port)
		tcp = append(tcp, l)
	}
	if w.extra != nil {
		addr, _, _ := w.names.Table.Assign(w.extraHost.Name)
		w.dst[w.extra.Addr().(*net.TCPAddr).Port] = netip.AddrPortFrom(addr, w.extraHost.Port)
		tcp = append(tcp, w.extra)
	}
	var err error
	if w.dns, err = net.ListenPacket("udp", "127.0.0.1:0"); err != nil {
		w.t.Fatal(err)
	}
	w.cafile = filepath.Join(w.t.TempDir(), "ca.pem")
	if err := os.WriteFile(w.cafile, w.CAPEM(), 0o600); err != nil {
		w.t.Fatal(err)
	}
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	go func() { done <- w.Serve(ctx, tcp, []net.PacketConn{w.dns}) }()
	w.t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				w.t.Errorf("Serve: %v", err)
			}
		case <-time.After(10 * time.Second):
			w.t.Error("Serve does not end")
		}
	})
}

// door is where a client connects to reach a destination.
func (w *world) door(hostport string) string {
	l := w.doors[hostport]
	if l == nil {
		w.t.Fatalf("no door for %s", hostport)
	}
	return l.Addr().String()
}

func (w *world) doorPort(hostport string) string {
	_, port, _ := net.SplitHostPort(w.door(hostport))
	return port
}

// dialTo connects to one address, whatever is asked for.
func dialTo(addr string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
}

// client is an HTTP client inside.
func (w *world) client(http2 bool) *http.Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.CAPEM())
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetHTTP2(http2)
	tr := &http.Transport{Protocols: &p, TLSClientConfig: &tls.Config{RootCAs: pool}, DisableCompression: true,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, w.door(addr))
		}}
	w.t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 20 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// dialTLS opens a TLS connection to a door, for requests no library would send.
func (w *world) dialTLS(hostport, sni string) (*tls.Conn, error) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.CAPEM())
	return tls.Dial("tcp", w.door(hostport), &tls.Config{RootCAs: pool, ServerName: sni, NextProtos: []string{"http/1.1"}})
}

// raw sends bytes over TLS (or as they are to port 80) and returns all that
// comes back.
func (w *world) raw(hostport, sent string) string {
	w.t.Helper()
	var c net.Conn
	var err error
	if host, port, _ := net.SplitHostPort(hostport); port == "80" {
		c, err = net.Dial("tcp", w.door(hostport))
	} else {
		c, err = w.dialTLS(hostport, host)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(c, sent); err != nil {
		return ""
	}
	b, _ := io.ReadAll(c)
	return string(b)
}

// events waits until one of the kind whose line contains the text was recorded.
func (w *world) event(kind Kind, text string) Event {
	w.t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		for _, e := range w.events() {
			if e.Kind == kind && strings.Contains(e.String(), text) {
				return e
			}
		}
		time.Sleep(time.Millisecond) // polling
	}
	w.t.Errorf("no event %q with %q among %v", kind, text, w.events())
	return Event{}
}

func (w *world) events() []Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Event{}, w.seen...)
}

func (w *world) count(kind Kind) (n int) {
	for _, e := range w.events() {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

// noValues fails the test when an event shows a value.
func (w *world) noValues() {
	w.t.Helper()
	for _, e := range w.events() {
		for _, v := range []string{payValue, mailValue, dbValue} {
			if strings.Contains(fmt.Sprintf("%+v %s", e, e), v) {
				w.t.Errorf("the event %v shows a value", e)
			}
		}
	}
}

// do sends a request and returns status and body.
func do(t testing.TB, c *http.Client, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, url, r)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, url, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: reading the answer: %v", method, url, err)
	}
	return resp, string(b)
}

// recorder of what reached the outside.
type outsideLog struct {
	mu   sync.Mutex
	list []*http.Request
	body []string
}

func (l *outsideLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	l.mu.Lock()
	if err == nil {
		l.list, l.body = append(l.list, r), append(l.body, string(b))
	}
	l.mu.Unlock()
	_, _ = io.WriteString(w, "hello from outside")
}

func (l *outsideLog) last() (*http.Request, string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) == 0 {
		return &http.Request{Header: http.Header{}}, ""
	}
	return l.list[len(l.list)-1], l.body[len(l.body)-1]
}

func (l *outsideLog) count() int { l.mu.Lock(); defer l.mu.Unlock(); return len(l.list) }
