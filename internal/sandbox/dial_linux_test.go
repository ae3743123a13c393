package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// performServe listens inside and answers each connection, after its end of
// input, with what it read.
func performServe(addrs []string) {
	for _, addr := range addrs {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			fmt.Println(err)
			return
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					b, _ := io.ReadAll(c)
					fmt.Fprintf(c, "%s read %d bytes: %.5s", addr, len(b), b)
					c.Close()
				}()
			}
		}()
	}
	fmt.Println("up")
	select {}
}

func serveSpec(t *testing.T, addrs ...string) Spec {
	s := netSpec(t)
	s.Args = append([]string{s.Path, callArg, "serve"}, addrs...)
	return s
}

// What a program inside listens on can be dialled, on either loopback, many
// times at once; and a port without a listener, or of the host's, is refused.
func TestDial(t *testing.T) {
	p := start(t, serveSpec(t, "127.0.0.1:3000", "[::1]:3001", "0.0.0.0:3002", "[::]:3003"))
	if line, err := bufio.NewReader(p.Stdio.Out).ReadString('\n'); line != "up\n" {
		t.Fatalf("%q %v", line, err)
	}
	own, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer own.Close()
	var all sync.WaitGroup
	for n := range 200 {
		all.Go(func() {
			port := uint16(3000 + n%4)
			c, err := p.Dial(t.Context(), port)
			if err != nil {
				t.Errorf("port %d: %v", port, err)
				return
			}
			defer c.Close()
			_, _ = io.WriteString(c, "hello")
			_ = c.CloseWrite()
			if b, err := io.ReadAll(c); err != nil || !strings.HasSuffix(string(b), fmt.Sprintf(":%d read 5 bytes: hello", port)) {
				t.Errorf("port %d: %q %v", port, b, err)
			}
		})
	}
	all.Wait()
	for _, port := range []int{2999, own.Addr().(*net.TCPAddr).Port} {
		if c, err := p.Dial(t.Context(), uint16(port)); !errors.Is(err, unix.ECONNREFUSED) {
			t.Errorf("port %d: %v %v", port, c, err)
		}
	}
	p.kill()
	_, _ = p.Wait()
	began := time.Now()
	if _, err := p.Dial(t.Context(), 3000); err == nil || time.Since(began) > time.Second {
		t.Errorf("after the end: %v in %s", err, time.Since(began))
	}
}
