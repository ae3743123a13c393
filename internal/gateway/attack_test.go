package gateway

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// Requests that are written to be read in two ways. None may reach the outside
// in a form that was not judged: either it is refused, or what arrives is one
// request to pay.test for exactly the path that was judged.
func TestSmuggling(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	const end = "Connection: close\r\n\r\n"
	for _, tc := range []struct {
		name, sent string
		status     string // "" = refused by a 4xx
	}{
		{"two Hosts", "GET / HTTP/1.1\r\nHost: pay.test\r\nHost: evil.test\r\n" + end, ""},
		{"Host with a space", "GET / HTTP/1.1\r\nHost : evil.test\r\nHost: pay.test\r\n" + end, ""},
		{"folded Host", "GET / HTTP/1.1\r\nHost: pay.test\r\n evil.test\r\n" + end, ""},
		{"no Host", "GET / HTTP/1.1\r\n" + end, ""},
		{"absolute form, own host", "GET https://pay.test/abs?x HTTP/1.1\r\nHost: evil.test\r\n" + end, "200"},
		{"absolute form, other host", "GET https://evil.test/ HTTP/1.1\r\nHost: pay.test\r\n" + end, ""},
		{"absolute form, other scheme", "GET http://pay.test/ HTTP/1.1\r\nHost: pay.test\r\n" + end, ""},
		{"absolute form, user", "GET https://u:p@pay.test/ HTTP/1.1\r\nHost: pay.test\r\n" + end, ""},
		{"authority form", "CONNECT evil.test:443 HTTP/1.1\r\nHost: pay.test\r\n" + end, ""},
		{"asterisk", "OPTIONS * HTTP/1.1\r\nHost: pay.test\r\n" + end, ""},
		{"double slash", "GET //evil.test/x HTTP/1.1\r\nHost: pay.test\r\n" + end, "200"},
		{"length and chunked", "POST / HTTP/1.1\r\nHost: pay.test\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n" + end + "0\r\n\r\n", "200"},
		{"two lengths", "POST / HTTP/1.1\r\nHost: pay.test\r\nContent-Length: 4\r\nContent-Length: 5\r\n" + end + "abcde", ""},
		{"signed length", "POST / HTTP/1.1\r\nHost: pay.test\r\nContent-Length: +4\r\n" + end + "abcd", ""},
		{"odd coding", "POST / HTTP/1.1\r\nHost: pay.test\r\nTransfer-Encoding: xchunked\r\n" + end + "0\r\n\r\n", ""},
		{"coding with vertical tab", "POST / HTTP/1.1\r\nHost: pay.test\r\nTransfer-Encoding: \x0bchunked\r\n" + end + "0\r\n\r\n", ""},
		{"two codings", "POST / HTTP/1.1\r\nHost: pay.test\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + end + "0\r\n\r\n", ""},
		{"chunk extension", "POST /c HTTP/1.1\r\nHost: pay.test\r\nTransfer-Encoding: chunked\r\n" + end + "3;x=\"y\"\r\nabc\r\n0\r\n\r\n", "200"},
		{"bad chunk size", "POST /c HTTP/1.1\r\nHost: pay.test\r\nTransfer-Encoding: chunked\r\n" + end + "0x3\r\nabc\r\n0\r\n\r\n", "cut"},
		{"bare LF in a header", "GET / HTTP/1.1\r\nHost: pay.test\r\nX: a\rb\r\n" + end, ""},
		{"NUL in a header", "GET / HTTP/1.1\r\nHost: pay.test\r\nX: a\x00b\r\n" + end, ""},
		{"space before colon", "GET / HTTP/1.1\r\nHost: pay.test\r\nContent-Length : 4\r\n" + end, ""},
		{"space in the target", "GET /a b HTTP/1.1\r\nHost: pay.test\r\n" + end, ""},
		{"HTTP/0.9", "GET /\r\n\r\n", ""},
		{"HTTP/2.0 by name", "GET / HTTP/2.0\r\nHost: pay.test\r\n" + end, "505"},
		{"method with a slash", "GET/ / HTTP/1.1\r\nHost: pay.test\r\n" + end, ""},
		{"method that is long", strings.Repeat("A", 21) + " / HTTP/1.1\r\nHost: pay.test\r\n" + end, ""},
	} {
		before := out.count()
		got := w.raw("pay.test:443", tc.sent)
		reached := out.count() - before
		switch {
		case tc.status == "" && !strings.HasPrefix(got, "HTTP/1.1 4") && !strings.HasPrefix(got, "HTTP/1.1 501"), tc.status == "" && reached > 0:
			t.Errorf("%s: %.80q, %d reached the outside", tc.name, got, reached)
		case tc.status == "cut" && (reached > 0 || strings.HasPrefix(got, "HTTP/1.1 2")):
			t.Errorf("%s: %.80q, %d reached the outside", tc.name, got, reached)
		case tc.status == "505" && !strings.HasPrefix(got, "HTTP/1.1 505"):
			t.Errorf("%s: %.80q", tc.name, got)
		case tc.status == "200":
			r, body := out.last()
			target, _, _ := strings.Cut(strings.TrimPrefix(strings.SplitN(tc.sent, " ", 3)[1], "https://pay.test"), " ")
			if !strings.HasPrefix(got, "HTTP/1.1 200") || reached != 1 || r.Host != "pay.test" || r.RequestURI != target || strings.Contains(body, "x=") {
				t.Errorf("%s: %.80q; outside: %s %s %q", tc.name, got, r.Host, r.RequestURI, body)
			}
		}
	}
}

// A request after another in one write is judged by itself.
func TestPipelining(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	got := w.raw("pay.test:443", "GET /1 HTTP/1.1\r\nHost: pay.test\r\n\r\nGET /2 HTTP/1.1\r\nHost: evil.test\r\n\r\nGET /3 HTTP/1.1\r\nHost: pay.test\r\nConnection: close\r\n\r\n")
	if strings.Count(got, "HTTP/1.1 200") != 2 || strings.Count(got, "HTTP/1.1 421") != 1 || out.count() != 2 {
		t.Errorf("%q, %d reached the outside", got, out.count())
	}
}

// Trailers of a request end here, whatever they hold.
func TestRequestTrailers(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	got := w.raw("mail.test:443", "POST / HTTP/1.1\r\nHost: mail.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Key, Authorization\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nX-Key: "+payPlace+"\r\nAuthorization: Bearer evil\r\n\r\n")
	r, body := out.last()
	if !strings.HasPrefix(got, "HTTP/1.1 200") || body != "abc" || len(r.Trailer) != 0 || r.Header.Get("Trailer") != "" {
		t.Errorf("%.80q, %v, %v", got, r.Trailer, r.Header)
	}
}

// Ways to get a value out, or to hide that one tries.
func TestEvasions(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	c := w.client(false)
	for _, tc := range []struct {
		name, method, url, body string
		header                  []string
		status                  int
	}{
		{"other case in the header's name", "GET", "https://docs.test/", "", []string{"aUTHORIZATION", "bearer " + payPlace}, 403},
		{"basic in other case, no padding", "GET", "https://docs.test/", "", []string{"Authorization", "bAsIc " + strings.TrimRight(base64.StdEncoding.EncodeToString([]byte("ab:"+payPlace)), "=")}, 403},
		{"basic in base64url", "GET", "https://docs.test/", "", []string{"Authorization", "Basic " + base64.URLEncoding.EncodeToString([]byte("\xff\xfe:"+payPlace))}, 403},
		{"one letter escaped", "GET", "https://docs.test/?k=%73" + payPlace[1:], "", nil, 403},
		{"one letter escaped in the path", "GET", "https://docs.test/%73" + payPlace[1:], "", nil, 403},
		{"in a cookie", "GET", "https://docs.test/", "", []string{"Cookie", "a=" + payPlace}, 403},
		{"in the user agent", "GET", "https://docs.test/", "", []string{"User-Agent", "x/" + payPlace}, 403},
		{"in the referer, escaped", "GET", "https://docs.test/", "", []string{"Referer", "https://x/?k=" + strings.ReplaceAll(payPlace, "_", "%5f")}, 200}, // an odd spelling is not found: nothing is injected either
		{"second of two headers", "GET", "https://docs.test/", "", []string{"X-A", "1", "X-A", payPlace}, 403},
		{"split over two headers", "GET", "https://docs.test/", "", []string{"X-A", payPlace[:16], "X-B", payPlace[16:]}, 200},
		{"upper case", "GET", "https://pay.test/?k=" + strings.ToUpper(payPlace), "", nil, 200},
		{"method override under a read-only rule", "GET", "https://docs.test/", "", []string{"X-HTTP-Method-Override", "DELETE"}, 403},
		{"connection names the key", "GET", "https://pay.test/", "", []string{"Authorization", "Bearer " + payPlace, "Connection", "authorization"}, 200},
		{"foreign key behind ours", "GET", "https://pay.test/", "", []string{"Authorization", "Bearer " + payPlace, "Authorization", "Bearer evil"}, 403},
	} {
		resp, body := do(t, c, tc.method, tc.url, tc.body, tc.header...)
		if resp.StatusCode != tc.status {
			t.Errorf("%s: %d %q", tc.name, resp.StatusCode, body)
		}
		r, sent := out.last()
		if tc.status == 200 && strings.Contains(fmt.Sprint(r.Header, r.RequestURI, sent), payValue) {
			t.Errorf("%s: the value left", tc.name)
		}
	}
	w.noValues()
}

func TestHugeHeads(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	if got := w.raw("pay.test:443", "GET / HTTP/1.1\r\nHost: pay.test\r\nX: "+strings.Repeat("x", 300<<10)+"\r\n\r\n"); got != "" && !strings.HasPrefix(got, "HTTP/1.1 431") {
		t.Errorf("header: %.60q", got)
	}
	if got := w.raw("pay.test:443", "GET /"+strings.Repeat("x", 100<<10)+" HTTP/1.1\r\nHost: pay.test\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 4") {
		t.Errorf("path: %.60q", got)
	}
	if out.count() != 0 {
		t.Error("the outside was reached")
	}
	for _, e := range w.events() {
		if len(e.Path) > 256 {
			t.Errorf("a path of %d bytes in an event", len(e.Path))
		}
	}
	big := newWorld(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("X", strings.Repeat("x", 400<<10))
	}))
	if resp, _ := do(t, big.client(false), "GET", "https://docs.test/", ""); resp.StatusCode != 502 {
		t.Errorf("a huge answer: %d", resp.StatusCode)
	}
}

// h2 is a client of HTTP/2 that sends what it is told to.
type h2 struct {
	t  *testing.T
	c  net.Conn
	fr *http2.Framer
}

func newH2(t *testing.T, w *world, door string) *h2 {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(w.CAPEM())
	host, _, _ := net.SplitHostPort(door)
	c, err := tls.Dial("tcp", w.door(door), &tls.Config{RootCAs: pool, ServerName: host, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	h := &h2{t: t, c: c, fr: http2.NewFramer(c, c)}
	h.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_, _ = io.WriteString(c, http2.ClientPreface)
	_ = h.fr.WriteSettings()
	return h
}

// get sends one request and returns its :status, "reset" or "closed".
func (h *h2) get(stream uint32, fields ...string) string {
	var b bytes.Buffer
	enc := hpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		_ = enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]})
	}
	_ = h.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: b.Bytes(), EndStream: true, EndHeaders: true})
	for {
		f, err := h.fr.ReadFrame()
		if err != nil {
			return "closed"
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if f.StreamID == stream {
				return f.PseudoValue("status")
			}
		case *http2.RSTStreamFrame:
			if f.StreamID == stream {
				return "reset"
			}
		case *http2.GoAwayFrame:
			return "closed"
		}
	}
}

// What HTTP/2 can say and HTTP/1 cannot.
func TestHTTP2Tricks(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	for _, tc := range []struct {
		name   string
		fields []string
		want   string // "" = refused in any way
	}{
		{"plain", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "/ok"}, "200"},
		{"authority of another host", []string{":method", "GET", ":scheme", "https", ":authority", "docs.test", ":path", "/"}, "421"},
		{"authority in capitals with port", []string{":method", "GET", ":scheme", "https", ":authority", "PAY.test:443", ":path", "/ok"}, "200"},
		{"host beside authority", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "/", "host", "evil.test"}, ""},
		{"host instead of authority", []string{":method", "GET", ":scheme", "https", ":path", "/", "host", "evil.test"}, "421"},
		{"user in the authority", []string{":method", "GET", ":scheme", "https", ":authority", "u@pay.test", ":path", "/"}, ""},
		{"scheme http", []string{":method", "GET", ":scheme", "http", ":authority", "pay.test", ":path", "/ok"}, "200"},
		{"path with a space", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "/a b"}, "200"},
		{"query with a space and a line", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "/q?x HTTP/1.1"}, "200"},
		{"line break in the path", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "/x\r\nX-Evil: 1"}, ""},
		{"line break in a value", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "/", "x", "a\r\nX-Evil: 1"}, ""},
		{"absolute path", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "https://evil.test/"}, ""},
		{"colon in a name", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "/", "x:y", "1"}, ""},
		{"capital in a name", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "/", "X", "1"}, ""},
		{"two authorities", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":authority", "evil.test", ":path", "/"}, ""},
		{"two paths", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "/", ":path", "/admin"}, ""},
		{"pseudo-header late", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", "x", "1", ":path", "/"}, ""},
		{"connection header", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "/", "connection", "close"}, ""},
		{"transfer coding", []string{":method", "GET", ":scheme", "https", ":authority", "pay.test", ":path", "/", "transfer-encoding", "chunked"}, ""},
		{"length that is wrong", []string{":method", "POST", ":scheme", "https", ":authority", "pay.test", ":path", "/", "content-length", "5"}, ""},
		{"connect", []string{":method", "CONNECT", ":authority", "pay.test:443"}, ""},
		{"extended connect", []string{":method", "CONNECT", ":protocol", "websocket", ":scheme", "https", ":authority", "pay.test", ":path", "/"}, ""},
	} {
		before := out.count()
		got := newH2(t, w, "pay.test:443").get(1, tc.fields...)
		reached := out.count() - before
		if tc.want == "200" {
			r, _ := out.last()
			if got != "200" || r.Host != "pay.test" || strings.ContainsAny(r.RequestURI, " \r\n") {
				t.Errorf("%s: %s, outside got %s %s", tc.name, got, r.Host, r.RequestURI)
			}
			continue
		}
		if reached > 0 || tc.want != "" && got != tc.want || got == "200" {
			t.Errorf("%s: %s, %d reached the outside", tc.name, got, reached)
		}
	}
}

// Streams of one connection are judged one by one.
func TestHTTP2StreamsAlone(t *testing.T) {
	w := newWorld(t, &outsideLog{})
	h := newH2(t, w, "pay.test:443")
	for i, tc := range []struct{ authority, want string }{{"pay.test", "200"}, {"mail.test", "421"}, {"pay.test", "200"}} {
		if got := h.get(uint32(2*i+1), ":method", "GET", ":scheme", "https", ":authority", tc.authority, ":path", "/"); got != tc.want {
			t.Errorf("stream %d to %s: %s", i, tc.authority, got)
		}
	}
}

// A redirect to a foreign host with the value in it comes back with the
// placeholder, and following it there is an alarm.
func TestRedirectEchoesValue(t *testing.T) {
	w := newWorld(t, http.HandlerFunc(echoing))
	c := w.client(false)
	c.CheckRedirect = nil
	resp, body := do(t, c, "GET", "https://pay.test/header", "", "Authorization", "Bearer "+payPlace)
	if resp.StatusCode != 403 || resp.Request.URL.Host != "docs.test" {
		t.Errorf("%s %d %q", resp.Request.URL.Host, resp.StatusCode, body)
	}
	w.event(Alarm, "docs.test")
}
