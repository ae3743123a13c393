// Package gateway is the only way out of a sandbox. It names addresses, decides
// about every connection and request, terminates TLS, turns placeholders into
// real values toward the hosts they are bound to, and turns values in answers
// back.
//
// It is not a proxy that a program must know of: it is handed listeners that
// lie in the sandbox's empty network namespace and to which every connection is
// redirected. Its invariants: the destination that was judged is the one that
// is dialled, and the request that was judged is the one that is sent,
// re-serialised; a value leaves only toward a bound host over verified TLS;
// nothing is forwarded that was not understood; no event, error or answer holds
// a value.
package gateway

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/bailey-project/bailey/internal/gateway/event"
	"github.com/bailey-project/bailey/internal/gateway/forward"
	"github.com/bailey-project/bailey/internal/gateway/front"
	"github.com/bailey-project/bailey/internal/gateway/mint"
	"github.com/bailey-project/bailey/internal/gateway/names"
	"github.com/bailey-project/bailey/internal/gateway/reach"
	"github.com/bailey-project/bailey/internal/gateway/swap"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// What happens in the gateway is told in these words.
type (
	// Event is one decision.
	Event = event.Event
	// Kind is what happened.
	Kind = event.Kind
)

// The kinds of Event.
const (
	Allowed  = event.Allowed
	Denied   = event.Denied
	Injected = event.Injected
	Alarm    = event.Alarm
	Scrubbed = event.Scrubbed
	TLS      = event.TLS
)

// Known is a secret whose value the session holds, beside its placeholder.
type Known = swap.Known

// Pin is the user's own configuration: a destination that is dialled at a fixed
// address, which may be a private one, and verified with a CA of its own. A
// pin opens nothing: a rule must still cover the host. CA nil means Config.Roots.
type Pin struct {
	Host policy.Host
	At   string // "127.0.0.1:8443"
	CA   *x509.CertPool
}

// Config is what a Gateway asks its session. The functions are called from many
// goroutines, at every decision, and must answer from memory. Rules, Bindings
// and Values hand out slices that nobody changes: to change something they hand
// out another slice, which is how the gateway notices.
type Config struct {
	Rules    func() []policy.Rule
	Bindings func() []policy.Binding
	// Value fetches the real value of a binding for the destination at hand. An
	// error that is ErrLocked is explained as such inside; the text of no error
	// is shown there.
	Value func(ctx context.Context, n secret.Name, h policy.Host) (secret.Value, error)
	// Values lists all values the session holds now, for finding them in
	// requests and answers. It may be nil. What Value returned is remembered
	// besides, until Forget.
	Values func() []Known
	// Confidants are the hosts that are told what the agent sees, such as the API
	// of its model: a placeholder in the body of a request to them is no alarm,
	// because what the agent read in a file is part of its conversation, and a
	// real value there is swapped for its placeholder instead of ending the
	// conversation. Nothing is put into such bodies. It may be nil.
	Confidants func() []policy.Host
	// Event hears of every decision. It must not block. It may be nil.
	Event func(Event)
	Pins  []Pin
	// Roots verify the outside; nil means the system's.
	Roots *x509.CertPool
	// Resolve looks a name up outside; nil means net.DefaultResolver.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
	// OriginalDst tells where a redirected connection wanted to go; nil asks
	// the kernel.
	OriginalDst func(net.Conn) (netip.AddrPort, error)
}

// ErrLocked is what Config.Value returns, wrapped or not, when the value exists
// but the vault is locked.
var ErrLocked = forward.ErrLocked

// CAHash is the name of the CA's file in a directory of certificates as OpenSSL
// looks them up, such as /etc/ssl/certs.
const CAHash = mint.Hash

// Resolver is the address that programs inside should ask for names. Any other
// address on port 53 is answered as well.
var Resolver = netip.AddrFrom4([4]byte{198, 18, 0, 1})

// Gateway serves one session. Its methods are safe for concurrent use.
type Gateway struct {
	cfg     Config
	ca      *mint.Authority
	names   *names.Resolver
	events  event.Recorder
	front   *front.Front
	forward *forward.Forwarder

	mu      sync.Mutex
	closed  bool
	closers []io.Closer
}

// New makes a gateway with a CA of its own. It serves nothing until Serve.
func New(cfg Config) (*Gateway, error) {
	if cfg.Rules == nil || cfg.Bindings == nil || cfg.Value == nil {
		return nil, errors.New("the gateway needs rules, bindings and values")
	}
	ca, err := mint.New()
	if err != nil {
		return nil, err
	}
	g := &Gateway{cfg: cfg, ca: ca, events: event.Recorder{Sink: cfg.Event}}
	g.names = &names.Resolver{Table: names.NewTable(), Open: g.open, Refused: g.refuseName}
	g.front = front.New(front.Config{Rules: cfg.Rules, Names: g.names.Table, DNS: g.names.ServeStream,
		OriginalDst: cfg.OriginalDst, Certificate: ca.Certificate, Record: g.events.Record})
	dialer := &reach.Dialer{Resolve: cfg.Resolve, Pin: g.pinned}
	g.forward = forward.New(forward.Config{Rules: cfg.Rules, Bindings: cfg.Bindings, Value: cfg.Value, Values: cfg.Values, Confidants: cfg.Confidants,
		Record: g.events.Record, Dial: dialer.Dial, Roots: g.roots})
	return g, nil
}

// CAPEM is the certificate of the session's CA, for the bundles inside.
func (g *Gateway) CAPEM() []byte { return g.ca.PEM() }

// Serve answers on the listeners and DNS sockets until ctx ends, Close is
// called or one of them breaks, and closes all of them. It returns nil unless
// one broke.
func (g *Gateway) Serve(ctx context.Context, tcp []net.Listener, dns []net.PacketConn) error {
	for _, l := range tcp {
		g.own(l)
	}
	for _, c := range dns {
		g.own(c)
	}
	stop := context.AfterFunc(ctx, func() { _ = g.Close() })
	defer stop()

	broke := make(chan error, len(tcp)+len(dns)+1)
	var wg sync.WaitGroup
	start := func(serve func() error) {
		wg.Go(func() {
			if err := serve(); err != nil {
				broke <- err
				_ = g.Close()
			}
		})
	}
	for _, l := range tcp {
		start(func() error { return g.front.Serve(l) })
	}
	for _, c := range dns {
		start(func() error { return g.names.ServePacket(c) })
	}
	start(func() error { return g.forward.Serve(g.front) })
	wg.Wait()
	select {
	case err := <-broke:
		return err
	default:
		return nil
	}
}

// own makes Close close c, at once when Close was called before.
func (g *Gateway) own(c io.Closer) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		_ = c.Close()
		return
	}
	g.closers = append(g.closers, c)
}

// Close ends every connection and makes Serve return.
func (g *Gateway) Close() error {
	g.mu.Lock()
	g.closed = true
	for _, c := range g.closers {
		_ = c.Close()
	}
	g.mu.Unlock()
	_ = g.front.Close()
	return g.forward.Close()
}

// Refresh must be called after rules or bindings have shrunk: it ends the live
// connections to destinations that no rule covers any more. What has grown
// takes effect by itself.
func (g *Gateway) Refresh() {
	rules := g.cfg.Rules()
	g.front.End(func(to front.Target) bool {
		_, ok := policy.Covers(rules, to.Name, to.Port)
		return !ok
	})
}

// Forget must be called when values may no longer be held, such as when the
// vault was locked: it drops those the gateway remembers and ends every
// connection, because answers under way could no longer be scrubbed.
func (g *Gateway) Forget() {
	g.forward.Forget()
	g.front.End(func(front.Target) bool { return true })
}

// open is the decision about a name that is looked up.
func (g *Gateway) open(name string) bool {
	return policy.Named(g.cfg.Rules(), name) && !g.forward.Leaks(name)
}

func (g *Gateway) refuseName(name, reason string) {
	g.events.Record(Event{Kind: Denied, Host: name, Scheme: "dns", Reason: reason, Hint: event.Hint(name, 0, false)})
}

// Closed reports whether a host is never dialled, whatever the rules say: it is
// the machine itself or an address that is not public, and no pin leads elsewhere.
func Closed(h policy.Host, pins []Pin) bool {
	return reach.Closed(h.Name) && !slices.ContainsFunc(pins, func(p Pin) bool { return p.Host.Name == h.Name })
}

func (g *Gateway) pin(name string, port uint16) *Pin {
	for i := range g.cfg.Pins {
		if g.cfg.Pins[i].Host.Matches(name, port) {
			return &g.cfg.Pins[i]
		}
	}
	return nil
}

func (g *Gateway) pinned(name string, port uint16) (string, bool) {
	if p := g.pin(name, port); p != nil {
		return p.At, true
	}
	return "", false
}

func (g *Gateway) roots(name string, port uint16) *x509.CertPool {
	if p := g.pin(name, port); p != nil && p.CA != nil {
		return p.CA
	}
	return g.cfg.Roots
}
