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

// Told at the moment when it listens, once each; not of what the loopback does
// not reach or the kernel chose, nor of other sockets. The program notices nothing.
func TestTellsOfPorts(t *testing.T) {
	s := serveSpec(t, "127.0.0.1:3000", "[::]:3001", "192.0.2.7:3002", "127.0.0.1:0", "[::1]:443", "0.0.0.0:32767", "127.0.0.1:40000")
	s.Listens = true
	p := start(t, s)
	if line, err := bufio.NewReader(p.Stdio.Out).ReadString('\n'); line != "up\n" {
		t.Fatalf("%q %v", line, err)
	}
	for _, want := range []uint16{3000, 3001, 443, 32767} {
		select {
		case n := <-p.Notices:
			if n.Kind != Listens || n.Port != want {
				t.Errorf("%+v, want port %d", n, want)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("not told of %d", want)
		}
	}
	p.kill()
	for n := range p.Notices {
		t.Errorf("%+v", n)
	}
}

// A program that hides its memory, one with threads, Unix sockets with their
// peer's credentials, and descriptors that are none.
func TestTellsOfPortsOfAnyProgram(t *testing.T) {
	script := `
import ctypes, errno, os, socket, struct, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
libc.prctl(4, 0)
def serve():
    s = socket.create_server(("127.0.0.1", 3100)); again = s.listen(5)
t = threading.Thread(target=serve); t.start(); t.join()
u = socket.socket(socket.AF_UNIX); u.bind("/tmp/u"); u.listen()
c = socket.socket(socket.AF_UNIX); c.connect("/tmp/u")
pid = struct.unpack("3i", c.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
codes = []
for fd in (99, -1, 0):
    codes.append(libc.listen(fd, 1) and errno.errorcode[ctypes.get_errno()])
print(pid == os.getpid(), codes)
`
	s, _ := baseSpec(t, "")
	s.Path, s.Args, s.Listens = "/usr/bin/python3", []string{"python3", "-c", script}, true
	p := start(t, s)
	p.Stdio.In.Close()
	var told []Notice
	heard := make(chan struct{})
	go func() {
		for n := range p.Notices {
			told = append(told, n)
		}
		close(heard)
	}()
	out, _ := io.ReadAll(io.MultiReader(p.Stdio.Out, p.Stdio.Err))
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	<-heard
	if string(out) != "True ['EBADF', 'EBADF', 'ENOTSOCK']\n" || len(told) != 1 || told[0].Port != 3100 {
		t.Errorf("%s, told %+v", out, told)
	}
}
