package port

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/policy"
)

// inside stands for a sandbox: a program on another port of this machine.
func inside(t *testing.T, answer func(*net.TCPConn)) (Dialer, policy.Port) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go answer(c.(*net.TCPConn))
		}
	}()
	dial := func(ctx context.Context, port uint16) (*net.TCPConn, error) {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp4", l.Addr().String())
		if err != nil {
			return nil, err
		}
		return c.(*net.TCPConn), nil
	}
	return dial, free(t)
}

// free is a port that nobody listens on now.
func free(t *testing.T) policy.Port {
	t.Helper()
	l, at, err := listen(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range l {
		l.Close()
	}
	return at
}

// upper reads all, and answers when the other side has finished its part.
func upper(c *net.TCPConn) {
	defer c.Close()
	b, err := io.ReadAll(c)
	if err == nil {
		_, _ = c.Write(bytes.ToUpper(b))
	}
}

func TestCarriesHalfClosedOnBothAddresses(t *testing.T) {
	dial, p := inside(t, upper)
	s := New(dial)
	defer s.End()
	o, fresh, err := s.Open(p)
	if err != nil || !fresh || o.Port != p || o.At != p {
		t.Fatalf("%+v %v %v, want %d", o, fresh, err, p)
	}
	big := strings.Repeat("body ", 4<<20)
	for _, host := range []string{"127.0.0.1", "::1"} {
		c, err := net.Dial("tcp", net.JoinHostPort(host, fmt.Sprint(o.At)))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = io.WriteString(c, big)
			_ = c.(*net.TCPConn).CloseWrite()
		}()
		if b, err := io.ReadAll(c); err != nil || string(b) != strings.ToUpper(big) {
			t.Errorf("%s: %d bytes, %v", host, len(b), err)
		}
		c.Close()
	}
}

// No other interface has it: whatever address of this machine is tried.
func TestListensOnLoopbackOnly(t *testing.T) {
	dial, p := inside(t, upper)
	s := New(dial)
	defer s.End()
	o, _, err := s.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	addrs = append(addrs, &net.IPNet{IP: net.IPv4(127, 0, 0, 2)})
	tried := 0
	for _, a := range addrs {
		ip := a.(*net.IPNet).IP
		if ip.Equal(net.IPv4(127, 0, 0, 1)) || ip.Equal(net.IPv6loopback) || ip.IsLinkLocalUnicast() {
			continue
		}
		tried++
		if c, err := net.DialTimeout("tcp", net.JoinHostPort(ip.String(), fmt.Sprint(o.At)), time.Second); err == nil {
			c.Close()
			t.Errorf("open on %s", ip)
		}
	}
	if tried == 0 {
		t.Error("no address was tried")
	}
}

// A number that is taken on either loopback address is not ours; the first owner
// keeps answering.
func TestAnotherNumberWhereTaken(t *testing.T) {
	for _, host := range []string{"127.0.0.1", "[::1]", "0.0.0.0"} {
		dial, _ := inside(t, upper)
		taken, err := net.Listen("tcp", host+":0")
		if err != nil {
			t.Fatal(err)
		}
		p := policy.Port(taken.Addr().(*net.TCPAddr).Port)
		s := New(dial)
		o, fresh, err := s.Open(p)
		if err != nil || !fresh || o.Port != p || o.At == p || o.At < policy.FirstPort {
			t.Errorf("%s: %+v %v %v", host, o, fresh, err)
		}
		again, fresh, err := s.Open(p)
		if again != o || fresh || err != nil {
			t.Errorf("opened again: %+v %v %v", again, fresh, err)
		}
		s.End()
		taken.Close()
	}
}

// What is closed refuses, and takes its connections with it.
func TestClose(t *testing.T) {
	dial, p := inside(t, func(c *net.TCPConn) {
		_, _ = io.WriteString(c, "hi")
		_, _ = io.Copy(io.Discard, c) // an open websocket
	})
	s := New(dial)
	o, _, err := s.Open(p)
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("127.0.0.1:%d", o.At)
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if !s.Close(p) || s.Close(p) || len(s.List()) != 0 {
		t.Error("not closed once")
	}
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
		t.Errorf("its connection: %d %v", n, err)
	}
	if c, err := net.Dial("tcp", at); err == nil {
		c.Close()
		t.Error("still open")
	}
	s.End()
	if _, _, err := s.Open(p); err == nil {
		t.Error("opened after the end")
	}
}

// Nothing listens inside: the connection ends at once, and the port stays.
func TestNobodyInside(t *testing.T) {
	s := New(func(context.Context, uint16) (*net.TCPConn, error) { return nil, os.ErrNotExist })
	defer s.End()
	o, _, err := s.Open(free(t))
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", o.At))
	switch {
	case err == nil:
		_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if n, err := c.Read(make([]byte, 1)); n != 0 || err == nil || os.IsTimeout(err) {
			t.Errorf("%d %v", n, err)
		}
		c.Close()
	case !errors.Is(err, syscall.ECONNRESET): // it may come before the connection is seen to be made
		t.Error(err)
	}
	if len(s.List()) != 1 {
		t.Errorf("%v", s.List())
	}
}

func TestBounds(t *testing.T) {
	dial, _ := inside(t, upper)
	s := New(dial)
	defer s.End()
	for n := range maxOpen {
		if _, _, err := s.Open(policy.Port(20000 + n)); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Open(30000); err != ErrFull {
		t.Errorf("one more: %v", err)
	}
}
