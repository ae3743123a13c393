//go:build linux

package machine

import (
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
	"time"

	"golang.org/x/sys/unix"
)

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
			w.sinks.Serve(l, fmt.Sprintf("%s port %d", network, p))
		}
	}
	for _, p := range udpPorts {
		for _, network := range []string{"udp4", "udp6"} {
			c, err := net.ListenUDP(network, &net.UDPAddr{Port: p})
			if err != nil {
				return err
			}
			w.sinks.Datagrams(c, fmt.Sprintf("%s port %d", network, p))
		}
	}
	if err := w.unixSinks(); err != nil {
		return err
	}
	w.ready = true
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
		w.sinks.Serve(l, p)
	}
	for _, p := range []string{w.target.Dir + "/dg.sock", "/run/systemd/notify"} {
		c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: p, Net: "unixgram"})
		if err != nil {
			return err
		}
		go func() {
			b := make([]byte, 64<<10)
			for {
				n, err := c.Read(b)
				if err != nil {
					return
				}
				w.sinks.Note(p, b[:n])
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
	w.upstreamAt = l.Addr().String()
	srv := &http.Server{
		Handler:   http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "pong\n") }),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
		ErrorLog:  log.New(io.Discard, "", 0),
	}
	go func() { _ = srv.ServeTLS(l, "", "") }()
	return errors.Join(os.WriteFile(w.job.Dir+"/ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644), w.configure())
}
