package front

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/policy"
)

const handshakeTime = 15 * time.Second

// serverTLS is what the inside meets. The name in the hello is compared here
// and not where the certificate is chosen, because a resumed session chooses
// none.
func (f *Front) serverTLS() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if c, ok := hello.Conn.(*conn); ok && sniAgrees(hello.ServerName, c.to.Name) {
				return nil, nil
			}
			return noCertificate, nil
		},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return f.cfg.Certificate(hello.Conn.(*conn).to.Name)
		},
	}
}

// noCertificate makes crypto/tls answer with unrecognized_name, which programs
// show as such.
var noCertificate = &tls.Config{MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}

// sniAgrees compares the name in the hello, when there is one, with the one
// behind the address.
func sniAgrees(sni, name string) bool {
	if sni == "" {
		return true
	}
	canonical, err := policy.CanonicalName(sni)
	return err == nil && canonical == name
}

// handshake terminates TLS and hands the connection to the HTTP server.
func (f *Front) handshake(c *conn) {
	c.shaking = true
	tc := tls.Server(c, f.tls)
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTime)
	err := tc.HandshakeContext(ctx)
	cancel()
	c.shaking = false
	if err != nil {
		if reason := explainHandshake(err, c.last); reason != "" {
			f.cfg.Record(event.Event{Kind: event.TLS, Host: c.to.Name, Port: c.to.Port, Scheme: "tls", Reason: reason})
		}
		c.drain()
		return
	}
	f.put(tc)
}

const distrust = "the program does not trust the session's CA"

// explainHandshake says in words why a program gave up; last is what it sent
// last.
func explainHandshake(err error, last []byte) string {
	if len(last) == alertSize && last[0] == 21 && last[6] >= alertBadCertificate && last[6] <= alertUnknownCA {
		return distrust
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "remote error" {
		if strings.Contains(op.Err.Error(), "certificate") {
			return distrust
		}
		return "the program refused the connection"
	}
	switch s := err.Error(); {
	case strings.Contains(s, "no certificates configured"):
		return "the name in its TLS hello is not the one it asked for"
	case strings.Contains(s, "unsupported versions"), strings.Contains(s, "no cipher suite"):
		return "the program speaks only outdated TLS"
	case errors.Is(err, context.DeadlineExceeded):
		return "its TLS handshake took too long"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET): // Node's way
		return "the program broke off its TLS handshake; perhaps it does not trust the session's CA"
	}
	return "its TLS hello is not understood"
}
