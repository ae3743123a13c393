package forward

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/bailey-project/bailey/internal/gateway/front"
	"github.com/bailey-project/bailey/internal/gateway/swap"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

// compiled are the search tables made of what the session handed out last.
type compiled struct {
	bindings []policy.Binding
	values   []swap.Known
	fetched  int
	out      *swap.Outgoing
	in       *swap.Incoming
}

// maxFetched bounds the values that are remembered because Value returned them;
// old versions stay among them, so that an answer that was cached outside before
// a rotation is scrubbed too.
const maxFetched = 1024

// tables compiles the search tables anew when the session hands out something
// else.
type tables struct {
	current atomic.Pointer[compiled]

	mu      sync.Mutex
	fetched []swap.Known
	count   atomic.Int64 // of changes of fetched
}

// compiled returns the tables for what is known now.
func (f *Forwarder) compiled() *compiled {
	bindings := f.cfg.Bindings()
	var values []swap.Known
	if f.cfg.Values != nil {
		values = f.cfg.Values()
	}
	t := &f.tables
	if c := t.current.Load(); c != nil && same(c.bindings, bindings) && same(c.values, values) && c.fetched == int(t.count.Load()) {
		return c
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known := append(append([]swap.Known{}, values...), t.fetched...)
	c := &compiled{bindings: bindings, values: values, fetched: int(t.count.Load()),
		out: swap.NewOutgoing(bindings, known), in: swap.NewIncoming(known)}
	t.current.Store(c)
	return c
}

func same[T any](a, b []T) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// value fetches the real value of a binding and remembers it.
func (f *Forwarder) value(ctx context.Context, b policy.Binding, to front.Target) (secret.Value, error) {
	v, err := f.cfg.Value(ctx, b.Name, policy.Host{Name: to.Name, Port: to.Port})
	if err != nil {
		return v, fmt.Errorf("value of %s: %w", b.Name, err)
	}
	f.tables.remember(f.compiled(), swap.Known{Name: b.Name, Placeholder: b.Placeholder, Value: v})
	return v, nil
}

// remember keeps a value unless the session lists it anyway.
func (t *tables) remember(c *compiled, k swap.Known) {
	if holds(c.values, k) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if holds(t.fetched, k) {
		return
	}
	if len(t.fetched) >= maxFetched {
		t.fetched = t.fetched[1:]
	}
	t.fetched = append(append([]swap.Known{}, t.fetched...), k)
	t.count.Add(1)
}

func holds(list []swap.Known, k swap.Known) bool {
	for _, have := range list {
		if have.Name == k.Name && have.Placeholder == k.Placeholder && have.Value.Equal(k.Value) {
			return true
		}
	}
	return false
}

func (t *tables) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.fetched = nil
	t.count.Add(1)
	t.current.Store(nil)
}
