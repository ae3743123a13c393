package front

import (
	"bytes"
	"io"
	"net"
	"time"
)

type protocol uint8

const (
	isSilent protocol = iota // nothing came
	isTLS
	isHTTP
	isUnknown
)

// sniff reads until the first bytes tell the protocol. A TLS record begins with
// 22 (handshake) and major version 3; a request with a method in upper-case
// letters and a space. The preface of HTTP/2 without TLS is refused.
func (c *conn) sniff() protocol {
	buf := make([]byte, 0, 4096)
	for {
		n, err := c.Conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		c.head = buf
		if p := guess(buf); p != isSilent {
			return p
		}
		if err != nil {
			return isSilent
		}
	}
}

// guess names the protocol of b, isSilent when b is too short to tell.
func guess(b []byte) protocol {
	if len(b) == 0 {
		return isSilent
	}
	if b[0] == 22 {
		if len(b) > 1 && b[1] != 3 {
			return isUnknown
		}
		return isTLS
	}
	for i, ch := range b {
		switch {
		case ch == ' ' && i > 0:
			if bytes.Equal(b[:i], []byte("PRI")) {
				return isUnknown
			}
			return isHTTP
		case ch < 'A' || ch > 'Z' || i > 20:
			return isUnknown
		}
	}
	return isSilent
}

// Alerts of RFC 8446, section 6, and the size of a record with one.
const (
	alertBadCertificate = 42
	alertUnknownCA      = 48
	alertAccessDenied   = 49
	alertSize           = 7
)

// alert answers a hello with a fatal alert, in the clear as all of them are at
// that point.
func (c *conn) alert(code byte) {
	_, _ = c.Conn.Write([]byte{21, 3, 3, 0, 2, 2, code})
	c.drain()
}

// drain lets the other side read what was written: closing with bytes unread
// would reset the connection and throw it away.
func (c *conn) drain() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.CloseWrite()
	}
	_ = c.SetReadDeadline(time.Now().Add(drainTime))
	_, _ = io.CopyN(io.Discard, c.Conn, drainLength)
	_ = c.Close()
}
