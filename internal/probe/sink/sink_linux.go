// Package sink is where an attacker's bytes arrive when they get out: it listens,
// answers once, and remembers what came.
//
// It is no server of anything and judges nothing. Its invariant: what arrived
// is found by its content, whoever sent it.
package sink

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Sinks keep what arrives anywhere outside.
type Sinks struct {
	mu   sync.Mutex
	log  []hit
	open []io.Closer
}

type hit struct{ where, data string }

// Note keeps what arrived somewhere.
func (s *Sinks) Note(where string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) < 100000 {
		s.log = append(s.log, hit{where, string(data)})
	}
}

// Got says where a token arrived.
func (s *Sinks) Got(token string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.log {
		if strings.Contains(strings.ToLower(h.data), token) {
			return h.where
		}
	}
	return ""
}

// Clear forgets everything.
func (s *Sinks) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = nil
}

// Serve answers each connection once, so that an attacker knows too.
func (s *Sinks) Serve(l net.Listener, where string) {
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

func (s *Sinks) answer(c net.Conn, where string) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	b := make([]byte, 64<<10)
	n, _ := c.Read(b)
	s.Note(where, b[:n])
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
	s.Note(where, b[:n])
}

// Datagrams answers from the address that was asked.
func (s *Sinks) Datagrams(c *net.UDPConn, where string) {
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
			s.Note(where, b[:n])
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
