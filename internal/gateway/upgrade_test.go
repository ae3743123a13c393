package gateway

import (
	"bufio"
	"encoding/binary"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// frame is an unmasked text frame of RFC 6455, as a server sends it.
func frame(text string) string {
	b := []byte{0x81}
	if len(text) < 126 {
		b = append(b, byte(len(text)))
	} else {
		b = binary.BigEndian.AppendUint16(append(b, 126), uint16(len(text)))
	}
	return string(b) + text
}

// socket upgrades whatever asks for it, says who it is to be and then echoes.
func socket(rw http.ResponseWriter, r *http.Request) {
	c, buf, err := http.NewResponseController(rw).Hijack()
	if err != nil {
		rw.WriteHeader(http.StatusTeapot)
		return
	}
	defer func() { _ = c.Close() }()
	up := r.Header.Get("Upgrade")
	if r.URL.Path == "/lies" {
		up = "h2c"
	}
	_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: "+up+"\r\nX-Ext: "+r.Header.Get("Sec-WebSocket-Extensions")+
		"\r\nX-Key: "+r.Header.Get("Authorization")+"\r\n\r\n"+frame("key "+r.Header.Get("Authorization")))
	_, _ = io.Copy(c, buf)
}

const ask = "GET /chat HTTP/1.1\r\nHost: pay.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\nAuthorization: Bearer " + payPlace + "\r\n\r\n"

func TestWebSocket(t *testing.T) {
	w := newWorld(t, http.HandlerFunc(socket))
	c, err := w.dialTLS("pay.test:443", "pay.test")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(c, ask+"early")
	br := bufio.NewReader(c)
	resp, err := http.ReadResponse(br, nil)
	if err != nil || resp.StatusCode != 101 || resp.Header.Get("Upgrade") != "websocket" {
		t.Fatalf("%v, %v", resp, err)
	}
	if resp.Header.Get("X-Ext") != "" || resp.Header.Get("X-Key") != "Bearer "+payPlace {
		t.Errorf("%v", resp.Header)
	}
	want := frame("key Bearer "+payPlace) + "early"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(br, got); err != nil || string(got) != want {
		t.Fatalf("%q, %v", got, err)
	}
	for _, text := range []string{"ping", "x" + payValue + "y", strings.Repeat("z", 100000)} {
		go func() { _, _ = io.WriteString(c, text) }()
		got := make([]byte, len(text))
		if _, err := io.ReadFull(br, got); err != nil || string(got) != strings.ReplaceAll(text, payValue, payPlace) {
			t.Errorf("%.50q came back as %.50q, %v", text, got, err)
		}
	}
	_ = c.Close()
	w.event(Scrubbed, "PAY_KEY")
	w.event(Injected, "PAY_KEY")
	w.noValues()
}

func TestOtherUpgrades(t *testing.T) {
	w := newWorld(t, http.HandlerFunc(socket))
	for _, tc := range []struct{ change, to, want string }{
		{"Upgrade: WebSocket", "Upgrade: tcp", "HTTP/1.1 400"},
		{"Upgrade: WebSocket", "Upgrade: websocket, h2c", "HTTP/1.1 400"},
		{"Upgrade: WebSocket", "Upgrade: websocket\r\nUpgrade: h2c", "HTTP/1.1 400"},
		{"GET /chat", "POST /chat", "HTTP/1.1 400"},
		{"GET /chat", "GET /lies", "HTTP/1.1 502"},
		{payPlace, mailPlace, "HTTP/1.1 403"},
	} {
		sent := strings.Replace(ask, tc.change, tc.to, 1)
		sent = strings.Replace(sent, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
		if got := w.raw("pay.test:443", sent); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%q: %.80q", tc.to, got)
		}
	}
}

// An offer of HTTP/2 without TLS is ignored, as a server may.
func TestH2COffer(t *testing.T) {
	out := &outsideLog{}
	w := newWorld(t, out)
	got := w.raw("docs.test:80", "GET / HTTP/1.1\r\nHost: docs.test\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n")
	if !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("%.80q", got)
	}
	if r, _ := out.last(); r.Header.Get("Upgrade") != "" || r.Header.Get("Http2-Settings") != "" {
		t.Errorf("%v", r.Header)
	}
}
