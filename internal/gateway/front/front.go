// Package front meets the connections that come from the sandbox. It finds out
// where each wanted to go and what it speaks, terminates TLS, and hands what may
// be HTTP to a server, for which it is the listener.
//
// It judges no request. Its invariants: a connection that speaks neither TLS nor
// HTTP goes no further; a TLS hello names the host that was asked for, or none;
// the number of connections is bounded.
package front

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/names"
	"github.com/bailey-project/bailey/internal/policy"
)

// Target is where a connection from inside wants to go. Name is canonical; for
// an address that was never given out it is the address itself, and Literal is
// set. Refused says that no rule covered it when the connection came, which was
// reported.
type Target struct {
	Name    string
	Port    uint16
	Literal bool
	Refused bool
}

// Config is what a Front needs. All functions must be safe for concurrent use.
type Config struct {
	Rules func() []policy.Rule
	Names *names.Table
	// DNS answers a connection to port 53, and closes it.
	DNS func(net.Conn)
	// OriginalDst tells where a redirected connection wanted to go; nil asks
	// the kernel.
	OriginalDst func(net.Conn) (netip.AddrPort, error)
	Certificate func(name string) (*tls.Certificate, error)
	Record      func(event.Event)
}

// Front is the listener of connections that are ready for HTTP: either *tls.Conn
// or plain. Its methods are safe for concurrent use.
type Front struct {
	cfg   Config
	tls   *tls.Config
	limit chan struct{}
	ready chan net.Conn
	done  context.Context
	stop  context.CancelFunc

	mu     sync.Mutex
	closed bool
	conns  map[*conn]struct{}
}

// New returns a Front that meets nothing until Serve.
func New(cfg Config) *Front {
	if cfg.OriginalDst == nil {
		cfg.OriginalDst = originalDst
	}
	f := &Front{cfg: cfg, limit: make(chan struct{}, maxConns), ready: make(chan net.Conn), conns: map[*conn]struct{}{}}
	f.done, f.stop = context.WithCancel(context.Background())
	f.tls = f.serverTLS()
	return f
}

// Destination is the target of a connection that came from Accept.
func Destination(c net.Conn) (Target, bool) {
	if tc, ok := c.(*tls.Conn); ok {
		c = tc.NetConn()
	}
	own, ok := c.(*conn)
	if !ok {
		return Target{}, false
	}
	return own.to, true
}

// Serve takes connections until the listener is closed.
func (f *Front) Serve(l net.Listener) error {
	delay := time.Millisecond
	for {
		raw, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			if ne, ok := errors.AsType[net.Error](err); !ok || !ne.Timeout() && delay > time.Second {
				return err
			}
			time.Sleep(delay) // out of descriptors, most likely
			delay *= 2
			continue
		}
		delay = time.Millisecond
		f.admit(raw)
	}
}

// admit gives a connection its goroutine, or refuses it when there are too many.
func (f *Front) admit(raw net.Conn) {
	select {
	case f.limit <- struct{}{}:
	default:
		f.cfg.Record(event.Event{Kind: event.Denied, Host: "localhost", Scheme: "tcp", Reason: "too many connections at once"})
		_ = raw.Close()
		return
	}
	c := &conn{Conn: raw, f: f}
	f.mu.Lock()
	f.conns[c] = struct{}{}
	closed := f.closed
	f.mu.Unlock()
	if closed {
		_ = c.Close()
		return
	}
	go f.greet(c)
}

// End closes the connections that match.
func (f *Front) End(match func(Target) bool) {
	var list []*conn
	f.mu.Lock()
	for c := range f.conns {
		if match(c.to) {
			list = append(list, c)
		}
	}
	f.mu.Unlock()
	for _, c := range list {
		_ = c.Close()
	}
}

func (f *Front) put(c net.Conn) {
	select {
	case f.ready <- c:
	case <-f.done.Done():
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (f *Front) Accept() (net.Conn, error) {
	select {
	case c := <-f.ready:
		return c, nil
	case <-f.done.Done():
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It ends every connection.
func (f *Front) Close() error {
	f.stop()
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	f.End(func(Target) bool { return true })
	return nil
}

// Addr implements net.Listener. There is no one address.
func (f *Front) Addr() net.Addr { return &net.TCPAddr{} }
