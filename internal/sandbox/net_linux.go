package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

var errNoNFTables = errors.New("the kernel refuses nf_tables rules in a new network namespace: load the modules nf_tables, nft_redir and nf_nat (as root: modprobe -a nf_tables nft_redir nf_nat)")

// network makes the empty network namespace into one where every address is
// local and every connection but loopback's own lands on the listeners it
// returns: TCP and UDP, IPv4 and IPv6 each. Order matters: listeners first, so
// that no packet meets a rule that leads nowhere.
func network() ([]int, error) {
	if err := unprivilegedPorts(); err != nil {
		return nil, err
	}
	if err := everythingLocal(); err != nil {
		return nil, err
	}
	var fds []int
	var ports [4]uint16
	for i, kind := range []int{unix.SOCK_STREAM, unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_DGRAM} {
		var local unix.Sockaddr = &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
		if i%2 == 1 {
			local = &unix.SockaddrInet6{Addr: [16]byte(net.IPv6loopback)}
		}
		fd, port, err := listen(kind, local)
		if err != nil {
			return nil, fmt.Errorf("listener: %w", err)
		}
		fds, ports[i] = append(fds, fd), port
	}
	if err := redirect(ports); err != nil {
		return nil, fmt.Errorf("%w (%v)", errNoNFTables, err)
	}
	return fds, nil
}

// unprivilegedPorts lets dev servers bind 80 and 443 in their own namespace.
func unprivilegedPorts() error {
	err := os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("low ports in the sandbox: %w", err)
	}
	return nil
}

func everythingLocal() error {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE) // one socket for all requests
	if err != nil {
		return fmt.Errorf("netlink: %w", err)
	}
	defer h.Close()
	// The loopback is the first interface of every namespace (LOOPBACK_IFINDEX).
	lo := &netlink.Device{LinkAttrs: netlink.LinkAttrs{Name: "lo", Index: 1}}
	if err := h.LinkSetUp(lo); err != nil {
		return fmt.Errorf("loopback: %w", err)
	}
	for _, cidr := range []string{"0.0.0.0/0", "::/0"} {
		_, dst, _ := net.ParseCIDR(cidr)
		r := netlink.Route{LinkIndex: lo.Attrs().Index, Dst: dst, Type: unix.RTN_LOCAL,
			Scope: netlink.SCOPE_HOST, Table: unix.RT_TABLE_LOCAL}
		if err := h.RouteAdd(&r); err != nil {
			return fmt.Errorf("route %s: %w", cidr, err)
		}
	}
	return nil
}

// backlog of the TCP listeners; the kernel cuts it to net.core.somaxconn.
const backlog = 4096

// listen binds a port of the kernel's choice, in non-blocking mode, fit to be
// passed on. Not through package net, which first probes the stack and reads
// settings: that is a tenth of a start.
func listen(kind int, local unix.Sockaddr) (fd int, port uint16, err error) {
	family := unix.AF_INET
	if _, ok := local.(*unix.SockaddrInet6); ok {
		family = unix.AF_INET6
	}
	fd, err = unix.Socket(family, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, 0, err
	}
	if err := unix.Bind(fd, local); err != nil {
		return -1, 0, err
	}
	if kind == unix.SOCK_STREAM {
		if err := unix.Listen(fd, backlog); err != nil {
			return -1, 0, err
		}
	}
	name, err := unix.Getsockname(fd)
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		port = uint16(a.Port)
	case *unix.SockaddrInet6:
		port = uint16(a.Port)
	}
	return fd, port, err
}

// redirect installs one table per family: TCP not for loopback to the TCP
// listener, UDP port 53 not for loopback to the DNS socket.
func redirect(ports [4]uint16) error {
	c, err := nftables.New()
	if err != nil {
		return err
	}
	for i, family := range []nftables.TableFamily{nftables.TableFamilyIPv4, nftables.TableFamilyIPv6} {
		table := c.AddTable(&nftables.Table{Family: family, Name: "bailey"})
		chain := c.AddChain(&nftables.Chain{Name: "out", Table: table, Type: nftables.ChainTypeNAT,
			Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest})
		notLoop := notLoopback(family)
		c.AddRule(&nftables.Rule{Table: table, Chain: chain,
			Exprs: join(notLoop, protocol(unix.IPPROTO_TCP), redirectTo(ports[i]))})
		c.AddRule(&nftables.Rule{Table: table, Chain: chain,
			Exprs: join(notLoop, protocol(unix.IPPROTO_UDP), destinationPort(53), redirectTo(ports[2+i]))})
	}
	return c.Flush()
}

func join(parts ...[]expr.Any) []expr.Any {
	var all []expr.Any
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func protocol(p byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{p}},
	}
}

// notLoopback matches destinations outside 127.0.0.0/8 or ::1 (offsets of the
// destination address: RFC 791 §3.1, RFC 8200 §3).
func notLoopback(f nftables.TableFamily) []expr.Any {
	if f == nftables.TableFamilyIPv4 {
		return []expr.Any{
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 1},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{127}},
		}
	}
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 24, Len: 16},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: net.IPv6loopback},
	}
}

func destinationPort(p uint16) []expr.Any {
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(p)},
	}
}

func redirectTo(port uint16) []expr.Any {
	return []expr.Any{
		&expr.Immediate{Register: 1, Data: binaryutil.BigEndian.PutUint16(port)},
		&expr.Redir{RegisterProtoMin: 1},
	}
}
