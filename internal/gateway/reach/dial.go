package reach

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// Errors of Dial, for errors.Is. None of them quotes more than a name.
var (
	ErrPrivate     = errors.New("resolves to an address that is not public")
	ErrUnresolved  = errors.New("cannot be resolved")
	ErrUnreachable = errors.New("cannot be connected to")
)

// Time limits for a name's resolution and for each of its addresses.
const (
	resolveTime = 10 * time.Second
	dialTime    = 8 * time.Second
	maxAddrs    = 8
)

// Dialer opens connections. Its fields must be set before the first Dial.
type Dialer struct {
	// Resolve looks a name up outside; nil means net.DefaultResolver.
	Resolve func(ctx context.Context, name string) ([]netip.Addr, error)
	// Pin returns the address that the user pinned a destination to.
	Pin func(name string, port uint16) (address string, ok bool)
}

// Dial connects to a destination by its canonical name, which may also be a
// literal address. A pinned one is dialled as it is pinned, without a check.
func (d *Dialer) Dial(ctx context.Context, name string, port uint16) (net.Conn, error) {
	if d.Pin != nil {
		if address, ok := d.Pin(name, port); ok {
			return dial(ctx, name, address)
		}
	}
	addrs, err := d.resolve(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		var c net.Conn
		if c, err = dial(ctx, name, netip.AddrPortFrom(a, port).String()); err == nil {
			return c, nil
		}
	}
	return nil, err
}

// resolve returns the addresses of a name, IPv4 first, because a broken IPv6
// route is the more common one. One address that is not public spoils the whole
// answer: it is an attempt, or a name that only the inside knows.
func (d *Dialer) resolve(ctx context.Context, name string) ([]netip.Addr, error) {
	addrs, err := d.lookup(ctx, name)
	if err != nil || len(addrs) == 0 {
		return nil, fmt.Errorf("%s %w", name, ErrUnresolved)
	}
	own := ownAddrs()
	for _, a := range addrs {
		if !Public(a) || slices.Contains(own, a) {
			return nil, fmt.Errorf("%s %w", name, ErrPrivate)
		}
	}
	slices.SortStableFunc(addrs, func(a, b netip.Addr) int { return a.BitLen() - b.BitLen() })
	return addrs[:min(len(addrs), maxAddrs)], nil
}

func (d *Dialer) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{a}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTime)
	defer cancel()
	if d.Resolve != nil {
		return d.Resolve(ctx, name)
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", name+".") // the dot: no search list
	for i := range addrs {
		addrs[i] = addrs[i].Unmap() // Go itself writes IPv4 so; what is inside is judged
	}
	return addrs, err
}

// ownAddrs are this machine's addresses: a public one still leads to services
// that only this machine should see.
func ownAddrs() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var own []netip.Addr
	for _, a := range list {
		if n, ok := a.(*net.IPNet); ok {
			if addr, ok := netip.AddrFromSlice(n.IP); ok {
				own = append(own, addr.Unmap())
			}
		}
	}
	return own
}

func dial(ctx context.Context, name, address string) (net.Conn, error) {
	nd := net.Dialer{Timeout: dialTime}
	c, err := nd.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, ErrUnreachable)
	}
	return c, nil
}
