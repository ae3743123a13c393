//go:build linux

package machine

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// sinks keep what arrives anywhere outside.
type sinks struct {
	mu       sync.Mutex
	log      []hit
	upstream string
	ready    bool
	open     []io.Closer
}

type hit struct{ where, data string }

func (s *sinks) note(where string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) < 100000 {
		s.log = append(s.log, hit{where, string(data)})
	}
}

// got says where a token arrived.
func (s *sinks) got(token string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.log {
		if strings.Contains(strings.ToLower(h.data), token) {
			return h.where
		}
	}
	return ""
}

func (s *sinks) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

// serve answers each connection once, so that an attacker knows too.
func (s *sinks) serve(l net.Listener, where string) {
	s.open = append(s.open, l)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.answer(c, where)
		}
	}()
}

func (s *sinks) answer(c net.Conn, where string) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, 64<<10)
	n, _ := c.Read(b)
	s.note(where, b[:n])
	switch {
	case bytes.HasPrefix(b[:n], []byte("GET ")):
		_, _ = io.WriteString(c, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nSINK\n")
	case strings.HasSuffix(where, " 53") && n > 2:
		if a := answer(b[2:n]); a != nil {
			_, _ = c.Write(append([]byte{byte(len(a) >> 8), byte(len(a))}, a...))
		}
	default:
		_, _ = io.WriteString(c, "SINK\n")
	}
	n, _ = c.Read(b) // what comes behind the first line
	s.note(where, b[:n])
}

// datagrams answers from the address that was asked.
func (s *sinks) datagrams(c *net.UDPConn, where string) {
	s.open = append(s.open, c)
	raw, _ := c.SyscallConn()
	_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1) })
	go func() {
		b, oob := make([]byte, 64<<10), make([]byte, 256)
		for {
			n, on, _, from, err := c.ReadMsgUDP(b, oob)
			if err != nil {
				return
			}
			s.note(where, b[:n])
			reply := []byte("SINK\n")
			if a := answer(b[:n]); strings.HasSuffix(where, " 53") && a != nil {
				reply = a
			}
			if _, _, err := c.WriteMsgUDP(reply, oob[:on], from); err != nil {
				_, _ = c.WriteToUDP(reply, from)
			}
		}
	}()
}

// answer gives every name an address, and every TXT a line: 203.0.113.7.
func answer(q []byte) []byte {
	if len(q) < 17 || q[2]&0x80 != 0 {
		return nil
	}
	end := 12
	for end < len(q) && q[end] != 0 {
		end += int(q[end]) + 1
	}
	if end+5 > len(q) {
		return nil
	}
	kind := q[end+2]
	a := append([]byte{q[0], q[1], 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0}, q[12:end+5]...)
	record := func(data ...byte) {
		a[7] = 1
		a = append(append(a, 0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, byte(len(data))), data...)
	}
	switch kind {
	case 1:
		record(203, 0, 113, 7)
	case 16:
		record(append([]byte{8}, "echo pwn"...)...)
	}
	return a
}

// ports that somebody may aim at; the first is the sinks' own.
var (
	tcpPorts = []int{4711, 21, 22, 23, 25, 53, 80, 443, 853, 873, 2375, 3306, 5432, 5678, 6379, 6667, 8888, 9200, 9222, 9229, 9418, 10250, 11434, 27017, 63342}
	udpPorts = []int{4711, 53, 443, 5353}
)

func (w *world) listen() error {
	for _, p := range tcpPorts {
		for _, network := range []string{"tcp4", "tcp6"} {
			l, err := net.Listen(network, ":"+strconv.Itoa(p))
			if err != nil {
				return err
			}
			if raw, err := l.(*net.TCPListener).SyscallConn(); err == nil {
				_ = raw.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_FASTOPEN, 16) })
			}
			w.sinks.serve(l, fmt.Sprintf("%s port %d", network, p))
		}
	}
	for _, p := range udpPorts {
		for _, network := range []string{"udp4", "udp6"} {
			c, err := net.ListenUDP(network, &net.UDPAddr{Port: p})
			if err != nil {
				return err
			}
			w.sinks.datagrams(c, fmt.Sprintf("%s port %d", network, p))
		}
	}
	if err := w.unixSinks(); err != nil {
		return err
	}
	w.sinks.ready = true
	return w.upstream()
}

// unixSinks listen where the services of a desktop and of containers do.
func (w *world) unixSinks() error {
	user := fmt.Sprintf("/run/user/%d", os.Getuid())
	paths := []string{w.target.Dir + "/host.sock", w.target.Dir + "/late.sock", w.target.Dir + "/agent.sock",
		fmt.Sprintf("/tmp/tmux-%d/default", os.Getuid()), "/tmp/vscode-ipc-2.sock", "/tmp/.X11-unix/X0", "@bailey-probe", "@/tmp/.X11-unix/X0", "@/tmp/dbus-probe"}
	paths = append(paths, strings.Fields(`/run/docker.sock /run/podman/podman.sock /run/containerd/containerd.sock /run/buildkit/buildkitd.sock /run/crio/crio.sock
		/run/libvirt/libvirt-sock /run/snapd.socket /run/systemd/private /run/dbus/system_bus_socket /run/screen/S-user/1.x /run/nscd/socket
		/run/systemd/resolve/io.systemd.Resolve /run/avahi-daemon/socket`)...)
	for _, p := range strings.Fields(`docker.sock podman/podman.sock systemd/private bus keyring/ssh gnupg/S.gpg-agent gnupg/S.gpg-agent.ssh vscode-ipc-1.sock
		wayland-0 pipewire-0 pulse/native`) {
		paths = append(paths, user+"/"+p)
	}
	for _, p := range paths {
		if !strings.HasPrefix(p, "@") {
			if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
				return err
			}
		}
		l, err := net.Listen("unix", p)
		if err != nil {
			return err
		}
		w.sinks.serve(l, p)
	}
	for _, p := range []string{w.target.Dir + "/dg.sock", "/run/systemd/notify"} {
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: p, Net: "unixgram"})
		if err != nil {
			return err
		}
		w.sinks.open = append(w.sinks.open, c)
		go func() {
			b := make([]byte, 64<<10)
			for {
				n, err := c.Read(b)
				if err != nil {
					return
				}
				w.sinks.note(p, b[:n])
			}
		}()
	}
	return nil
}

// upstream is the one host that may be allowed: https://ok.example.
func (w *world) upstream() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "ok.example"}, DNSNames: []string{"ok.example"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.sinks.upstream = l.Addr().String()
	srv := &http.Server{
		Handler:   http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "pong\n") }),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	go func() { _ = srv.ServeTLS(l, "", "") }()
	return errors.Join(os.WriteFile(w.job.Dir+"/ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644), w.configure())
}
