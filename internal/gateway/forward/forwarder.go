// Package forward judges HTTP requests from the sandbox and sends those that may
// pass on, with values in the place of placeholders, and passes the answers
// back, with placeholders in the place of values.
//
// It opens connections to the one destination of a request only, through a
// function that checks addresses. Its invariants: the request that was judged is
// the one that is sent, made anew from what was understood; a value is put only
// into a request to a bound host over verified TLS; no event, answer or error of
// its own holds a value.
package forward

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/front"
	"github.com/bailey-project/bailey/internal/gateway/swap"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// Limits of the HTTP server that faces the inside. A whole request or answer
// has no time limit: both may be streams.
const (
	headTime   = 30 * time.Second
	idleTime   = 3 * time.Minute
	maxHead    = 128 << 10
	maxStreams = 256

	maxRequests = 8192 // at once, on all connections
)

// ErrLocked is what Config.Value returns, wrapped or not, when the value exists
// but the vault is locked.
var ErrLocked = errors.New("the vault is locked")

// Config is what a Forwarder needs; see the fields of the same names of the
// gateway's Config. All functions must be safe for concurrent use.
type Config struct {
	Rules    func() []policy.Rule
	Bindings func() []policy.Binding
	Value    func(ctx context.Context, n secret.Name, h policy.Host) (secret.Value, error)
	Values   func() []swap.Known
	// Confidants may be nil.
	Confidants func() []policy.Host
	Record     func(event.Event)
	// Dial opens a connection to a destination, having checked its address.
	Dial func(ctx context.Context, name string, port uint16) (net.Conn, error)
	// Roots verify a destination; nil means the system's.
	Roots func(name string, port uint16) *x509.CertPool
}

// Forwarder serves HTTP on the connections of a front. Its methods are safe for
// concurrent use.
type Forwarder struct {
	cfg     Config
	server  *http.Server
	pools   pools
	tables  tables
	active  atomic.Int64 // requests under way
	held    atomic.Int64 // bytes of request bodies read ahead
	answers sync.Pool    // of *swap.Answer
}

type targetKey struct{}

// New returns a Forwarder that serves nothing until Serve.
func New(cfg Config) *Forwarder {
	f := &Forwarder{cfg: cfg, answers: sync.Pool{New: func() any { return &swap.Answer{} }}}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	f.server = &http.Server{
		Handler:                      http.HandlerFunc(f.serveRequest),
		ReadHeaderTimeout:            headTime,
		IdleTimeout:                  idleTime,
		MaxHeaderBytes:               maxHead,
		Protocols:                    &protocols,
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0), // it would show what came from inside
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			to, _ := front.Destination(c)
			return context.WithValue(ctx, targetKey{}, to)
		},
	}
	return f
}

// Serve serves the connections of l until Close, or until l is closed.
func (f *Forwarder) Serve(l *front.Front) error {
	if err := f.server.Serve(l); !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Close ends every connection, inside and outside, and forgets all values.
func (f *Forwarder) Close() error {
	err := f.server.Close()
	f.Forget()
	return err
}

// Forget drops the values that are remembered and the idle connections outside.
// Whoever calls it ends the connections inside.
func (f *Forwarder) Forget() {
	f.tables.forget()
	f.pools.close()
}

// Leaks reports whether a text holds a placeholder or a known value.
func (f *Forwarder) Leaks(text string) bool { return f.compiled().out.Leaks(text) }
