// Package reach opens connections to the outside: it resolves a name, judges
// every address of the answer and dials exactly an address that it judged.
//
// It decides nothing about names; that was done before. Its invariant: no
// connection goes to this machine, its networks or a cloud's metadata service,
// whatever the DNS says and however often it changes its mind, except where the
// user's own configuration pinned the name to an address.
package reach

import (
	"net/netip"
	"strings"
)

// closed4 are the IPv4 ranges that are not the public internet (IANA special
// purpose registry), with the metadata addresses that stand outside of them.
var closed4 = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier NAT; Alibaba's metadata
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("168.63.129.16/32"), // Azure's wire server
	netip.MustParsePrefix("169.254.0.0/16"),   // link-local; metadata of most clouds
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), // 6to4 relays
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"), // the gateway's own
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("224.0.0.0/3"), // multicast, reserved, broadcast
}

// open6 is all of IPv6 that is handed out as global unicast; closed6 are the
// parts of it that are not the public internet or that wrap an IPv4 address.
// NAT64 (64:ff9b::/96), unique local, link-local, site-local, mapped and
// multicast addresses lie outside of open6.
var (
	open6   = netip.MustParsePrefix("2000::/3")
	closed6 = []netip.Prefix{
		netip.MustParsePrefix("2001::/23"), // Teredo, benchmarking (ours), ORCHID and others
		netip.MustParsePrefix("2001:db8::/32"),
		netip.MustParsePrefix("2002::/16"), // 6to4
		netip.MustParsePrefix("3fff::/20"), // documentation
	}
)

// Public reports whether an address belongs to the public internet. An IPv4
// address mapped into IPv6 does not.
func Public(a netip.Addr) bool {
	switch {
	case a.Is4():
		return !within(closed4, a)
	case a.Is6() && a.Zone() == "":
		return open6.Contains(a) && !within(closed6, a)
	}
	return false
}

// Closed reports whether a canonical name is an address that is not public, or
// stands for the machine itself: no rule opens those, only a pin does.
func Closed(name string) bool {
	if a, err := netip.ParseAddr(name); err == nil {
		return !Public(a)
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}

func within(list []netip.Prefix, a netip.Addr) bool {
	for _, p := range list {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
