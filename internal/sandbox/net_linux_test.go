package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// performNet is the child's side of the network tests.
func performNet(args []string) {
	for _, a := range args {
		what, addr, _ := strings.Cut(a, "=")
		fmt.Println(a, netResult(what, addr))
	}
}

func netResult(what, addr string) string {
	switch what {
	case "bind":
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return err.Error()
		}
		defer l.Close()
		return "ok"
	case "udp":
		c, err := net.Dial("udp", addr)
		if err != nil {
			return err.Error()
		}
		_ = c.SetDeadline(time.Now().Add(3 * time.Second))
		_, _ = c.Write([]byte("ping"))
		b := make([]byte, 64)
		n, err := c.Read(b)
		if errors.Is(err, unix.ECONNREFUSED) {
			return "refused"
		}
		if err != nil {
			return err.Error() // a time-out is no refusal
		}
		return string(b[:n])
	}
	c, err := net.DialTimeout("tcp", addr, 3*time.Second)
	if err != nil {
		return "refused"
	}
	defer c.Close()
	b, _ := io.ReadAll(c)
	return string(b)
}

func netSpec(t *testing.T, args ...string) Spec {
	t.Helper()
	exe, err := filepath.EvalSymlinks("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := baseSpec(t, "")
	s.Path, s.Args = exe, append([]string{exe, callArg, "net"}, args...)
	s.Mounts = append(s.Mounts, Mount{Source: exe, Target: exe})
	return s
}

// Every TCP connection but loopback's lands on the listeners, with the address
// that was meant; UDP 53 on the DNS sockets; other UDP is refused at once; and
// the loopback is the sandbox's own, also on low ports.
func TestNetwork(t *testing.T) {
	p := start(t, netSpec(t, "tcp=192.0.2.7:443", "tcp=[2001:db8::7]:5432", "tcp=127.0.0.1:9",
		"udp=192.0.2.7:53", "udp=[2001:db8::7]:53", "udp=192.0.2.7:443",
		"bind=0.0.0.0:3000", "bind=127.0.0.1:5432", "bind=127.0.0.1:443", "bind=[::]:443", "bind=127.0.0.1:53"))
	for _, l := range p.Network.TCP {
		go answer(l)
	}
	for _, pc := range p.Network.DNS {
		go func() {
			b := make([]byte, 64)
			if _, from, err := pc.ReadFrom(b); err == nil {
				_, _ = pc.WriteTo([]byte("dns"), from)
			}
		}()
	}
	p.Stdio.In.Close()
	out, _ := io.ReadAll(p.Stdio.Out)
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	want := `tcp=192.0.2.7:443 192.0.2.7:443
tcp=[2001:db8::7]:5432 [2001:db8::7]:5432
tcp=127.0.0.1:9 refused
udp=192.0.2.7:53 dns
udp=[2001:db8::7]:53 dns
udp=192.0.2.7:443 refused
bind=0.0.0.0:3000 ok
bind=127.0.0.1:5432 ok
bind=127.0.0.1:443 ok
bind=[::]:443 ok
bind=127.0.0.1:53 ok
`
	if string(out) != want {
		t.Fatalf("got:\n%s\nwant:\n%s", out, want)
	}
}

// answer tells each connection where it was going.
func answer(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, _ = io.WriteString(c, originalDst(c.(*net.TCPConn)))
		c.Close()
	}
}

func originalDst(c *net.TCPConn) string {
	rc, _ := c.SyscallConn()
	out := "?"
	_ = rc.Control(func(fd uintptr) {
		if c.LocalAddr().(*net.TCPAddr).IP.To4() != nil {
			m, err := unix.GetsockoptIPv6Mreq(int(fd), unix.IPPROTO_IP, unix.SO_ORIGINAL_DST)
			if err == nil {
				b := m.Multiaddr
				out = fmt.Sprintf("%d.%d.%d.%d:%d", b[4], b[5], b[6], b[7], int(b[2])<<8|int(b[3]))
			}
			return
		}
		m, err := unix.GetsockoptIPv6MTUInfo(int(fd), unix.IPPROTO_IPV6, unix.SO_ORIGINAL_DST)
		if err == nil {
			port := m.Addr.Port>>8 | m.Addr.Port<<8
			out = net.JoinHostPort(net.IP(m.Addr.Addr[:]).String(), fmt.Sprint(port))
		}
	})
	return out
}

// A pty of its own: it has a name inside, a size, and job control.
func TestTerminal(t *testing.T) {
	s, _ := baseSpec(t, `tty; stty size; kill -TSTP $$; echo back; read x; echo "got $x"`)
	s.TTY, s.Rows, s.Cols = [3]bool{true, true, true}, 33, 101
	p := start(t, s)
	var out strings.Builder
	buf := make([]byte, 1024)
	for n := range p.Notices {
		if n.Kind == Stopped {
			_ = p.Signal(unix.SIGCONT)
			break
		}
	}
	_, _ = p.Stdio.Terminal.WriteString("word\n")
	for {
		n, err := p.Stdio.Terminal.Read(buf)
		out.Write(buf[:n])
		if err != nil {
			break
		}
	}
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"/dev/pts/0", "33 101", "back", "got word"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in %q", want, out.String())
		}
	}
}

// Many at once in one directory.
func TestTwentyAtOnce(t *testing.T) {
	errs := make(chan error, 20)
	base, ws := baseSpec(t, `echo x >> shared; test -s shared`)
	for range 20 {
		go func() {
			p, err := Start(t.Context(), base)
			if err == nil {
				var e Exit
				if e, err = p.Wait(); err == nil && e.Code != 0 {
					err = fmt.Errorf("exit %d", e.Code)
				}
			}
			errs <- err
		}()
	}
	for range 20 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	b, err := os.ReadFile(filepath.Join(ws, "shared"))
	if err != nil || len(b) != 40 {
		t.Errorf("shared file: %q %v", b, err)
	}
}

// performSupervise starts a sandbox and waits to be killed.
func performSupervise(ws string) {
	s, _ := specFor(ws, `sleep 1000 & setsid sleep 1001 & echo up; exec sleep 1002`)
	p, err := Start(context.Background(), s)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, _ = io.Copy(os.Stdout, p.Stdio.Out)
}

// kill -9 of the supervisor leaves nothing alive within a second.
func TestNothingOutlivesTheSupervisor(t *testing.T) {
	exe, err := filepath.EvalSymlinks("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	ws := t.TempDir()
	cmd := exec.Command(exe, callArg, "supervise", ws)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 64)
	n, _ := out.Read(b)
	if string(b[:n]) != "up\n" {
		t.Fatalf("supervisor said %q", b[:n])
	}
	alive := processesIn(ws)
	if len(alive) < 3 {
		t.Fatalf("only %d processes in the sandbox", len(alive))
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	deadline := time.Now().Add(time.Second)
	for len(processesIn(ws)) > 0 {
		if time.Now().After(deadline) {
			t.Fatalf("still alive: %v", processesIn(ws))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// processesIn finds processes whose working directory has the name of ws.
func processesIn(ws string) []string {
	var found []string
	dirs, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, d := range dirs {
		if to, err := os.Readlink(d); err == nil && to == ws {
			found = append(found, d)
		}
	}
	return found
}
