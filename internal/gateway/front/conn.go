package front

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/reach"
	"github.com/bailey-project/bailey/internal/policy"
)

// Limits of the connections from inside.
const (
	maxConns    = 4096
	sniffTime   = 30 * time.Second       // for the first bytes toward a destination that may be reached
	refuseTime  = 300 * time.Millisecond // the same, toward one that may not: some protocols let the server speak first
	drainTime   = 500 * time.Millisecond
	drainLength = 64 << 10
	portDNS     = 53
)

// conn is a connection from inside.
type conn struct {
	net.Conn
	f    *Front
	to   Target
	head []byte // bytes read ahead
	// last is what was read last while TLS begins: OpenSSL sends its alert about
	// the certificate in the clear, which crypto/tls takes for a broken record.
	last    []byte
	shaking bool

	once sync.Once
}

// Read returns what was read ahead first.
func (c *conn) Read(p []byte) (int, error) {
	if len(c.head) > 0 {
		n := copy(p, c.head)
		if c.head = c.head[n:]; len(c.head) == 0 {
			c.head = nil
		}
		return n, nil
	}
	n, err := c.Conn.Read(p)
	if c.shaking && n > 0 {
		c.last = append(c.last[:0], p[max(0, n-alertSize):n]...)
	}
	return n, err
}

// Close closes the connection and gives its place back.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.f.mu.Lock()
		delete(c.f.conns, c)
		c.f.mu.Unlock()
		<-c.f.limit
	})
	return err
}

// reset closes the connection as if nothing had listened.
func (c *conn) reset() {
	if t, ok := c.Conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

// greet finds out where a connection wants to go and what it speaks, and hands
// it on.
func (f *Front) greet(c *conn) {
	dst, err := f.cfg.OriginalDst(c.Conn)
	if err != nil {
		f.cfg.Record(event.Event{Kind: event.Denied, Host: "localhost", Scheme: "tcp", Reason: "its destination is unknown"})
		c.reset()
		return
	}
	if dst.Port() == portDNS {
		f.cfg.DNS(c)
		return
	}
	to := f.target(dst)
	_, covered := policy.Covers(f.cfg.Rules(), to.Name, to.Port)
	if to.Refused = !covered; to.Refused {
		f.refuse(to, "no rule allows it")
	}
	f.mu.Lock()
	c.to = to // under the lock: End looks at it
	f.mu.Unlock()
	f.dispatch(c)
}

func (f *Front) target(dst netip.AddrPort) Target {
	addr := dst.Addr().Unmap().WithZone("")
	if name, ok := f.cfg.Names.Name(addr); ok {
		return Target{Name: name, Port: dst.Port()}
	}
	return Target{Name: addr.String(), Port: dst.Port(), Literal: true}
}

func (f *Front) refuse(to Target, reason string) {
	if to.Literal && reach.Closed(to.Name) {
		reason += ", and it is no public address"
	}
	f.cfg.Record(event.Event{Kind: event.Denied, Host: to.Name, Port: to.Port, Scheme: "tcp", Reason: reason, Hint: event.Hint(to.Name, to.Port, false)})
}

// dispatch hands a connection to what understands its first bytes. A refused
// one still gets an answer where its protocol has one: an alert or a 403.
func (f *Front) dispatch(c *conn) {
	limit := sniffTime
	if c.to.Refused {
		limit = refuseTime
	}
	_ = c.SetReadDeadline(time.Now().Add(limit))
	protocol := c.sniff()
	_ = c.SetReadDeadline(time.Time{})
	switch {
	case protocol == isTLS && c.to.Refused && c.to.Literal:
		c.alert(alertAccessDenied)
	case protocol == isTLS:
		f.handshake(c)
	case protocol == isHTTP:
		f.put(c)
	default:
		if !c.to.Refused && protocol == isUnknown {
			f.refuse(c.to, "it speaks neither TLS nor HTTP")
		}
		c.reset()
	}
}
