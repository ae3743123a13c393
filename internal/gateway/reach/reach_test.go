package reach

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"
)

func TestPublic(t *testing.T) {
	for _, tc := range []struct {
		addr string
		want bool
	}{
		{"1.1.1.1", true}, {"8.8.8.8", true}, {"93.184.216.34", true}, {"2606:4700::1111", true}, {"2a00:1450:4001::200e", true},
		{"0.0.0.0", false}, {"0.1.2.3", false}, {"10.0.0.1", false}, {"100.64.0.1", false}, {"100.100.100.200", false}, {"127.0.0.1", false},
		{"127.255.255.254", false}, {"168.63.129.16", false}, {"169.254.169.254", false}, {"169.254.170.2", false}, {"172.16.0.1", false}, {"172.31.255.255", false},
		{"192.0.0.8", false}, {"192.0.2.1", false}, {"192.88.99.1", false}, {"192.168.1.1", false}, {"198.18.0.1", false}, {"198.19.255.255", false},
		{"198.51.100.1", false}, {"203.0.113.1", false}, {"224.0.0.1", false}, {"239.1.1.1", false}, {"240.0.0.1", false}, {"255.255.255.255", false},
		{"::", false}, {"::1", false}, {"::7f00:1", false}, {"::ffff:1.1.1.1", false}, {"::ffff:127.0.0.1", false}, {"64:ff9b::7f00:1", false}, {"64:ff9b:1::1", false},
		{"100::1", false}, {"2001::1", false}, {"2001:2::1", false}, {"2001:20::1", false}, {"2001:db8::1", false}, {"2002:7f00:1::", false}, {"3fff::1", false},
		{"fc00::1", false}, {"fd00:ec2::254", false}, {"fe80::1", false}, {"fe80::1%lo", false}, {"2606:4700::1%lo", false}, {"fec0::1", false}, {"ff02::1", false}, {"5f00::1", false},
	} {
		if got := Public(netip.MustParseAddr(tc.addr)); got != tc.want {
			t.Errorf("Public(%s) = %v", tc.addr, got)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("the zero address is public")
	}
}

func answer(addrs ...string) func(context.Context, string) ([]netip.Addr, error) {
	return func(context.Context, string) ([]netip.Addr, error) {
		var list []netip.Addr
		for _, a := range addrs {
			list = append(list, netip.MustParseAddr(a))
		}
		return list, nil
	}
}

func TestDialRefusesPrivate(t *testing.T) {
	for _, addrs := range [][]string{
		{"127.0.0.1"}, {"1.1.1.1", "10.0.0.1"}, {"169.254.169.254", "1.1.1.1"}, {"1.1.1.1", "::1"}, {"::ffff:127.0.0.1"}, {"::ffff:1.1.1.1"}, {"64:ff9b::7f00:1"},
	} {
		d := Dialer{Resolve: answer(addrs...)}
		if c, err := d.Dial(t.Context(), "mixed.test", 443); !errors.Is(err, ErrPrivate) {
			t.Errorf("%v: %v, %v", addrs, c, err)
		}
	}
	d := Dialer{}
	for _, literal := range []string{"127.0.0.1", "::1", "169.254.169.254", "0.0.0.0"} {
		if _, err := d.Dial(t.Context(), literal, 443); !errors.Is(err, ErrPrivate) {
			t.Errorf("literal %s: %v", literal, err)
		}
	}
	d.Resolve = answer()
	if _, err := d.Dial(t.Context(), "none.test", 443); !errors.Is(err, ErrUnresolved) {
		t.Errorf("no address: %v", err)
	}
}

// The machine's own addresses are refused even where they are public ones. The
// test hands the list of them in as the answer, whatever they are here.
func TestDialRefusesOwnAddresses(t *testing.T) {
	for _, a := range ownAddrs() {
		d := Dialer{Resolve: answer(a.String())}
		if _, err := d.Dial(t.Context(), "me.test", 443); !errors.Is(err, ErrPrivate) {
			t.Errorf("%s: %v", a, err)
		}
	}
}

func TestDialPinned(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	d := Dialer{Resolve: answer("127.0.0.1"), Pin: func(name string, port uint16) (string, bool) {
		return l.Addr().String(), name == "pinned.test" && port == 443
	}}
	c, err := d.Dial(t.Context(), "pinned.test", 443)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	if _, err := d.Dial(t.Context(), "pinned.test", 80); !errors.Is(err, ErrPrivate) {
		t.Errorf("the pin opens another port: %v", err)
	}
	_ = l.Close()
	if _, err := d.Dial(t.Context(), "pinned.test", 443); !errors.Is(err, ErrUnreachable) {
		t.Errorf("nobody listens: %v", err)
	}
}
