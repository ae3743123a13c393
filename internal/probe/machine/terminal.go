//go:build linux

package machine

import (
	"bytes"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
)

// openTerminal makes a new one; what is written to the other side is read from
// the master.
func openTerminal() (master *os.File, name string, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, "", err
	}
	raw, err := master.SyscallConn()
	if err != nil {
		return nil, "", err
	}
	var n int
	cerr := raw.Control(func(fd uintptr) {
		if err = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); err == nil {
			n, err = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	})
	if cerr != nil {
		err = cerr
	}
	return master, "/dev/pts/" + strconv.Itoa(n), err
}

// terminal runs an attack on the terminal that the user sits at, and looks at
// what arrives on the user's side.
func terminal(w *world, p probe.Probe, s side) probe.Seen {
	master, name, err := openTerminal()
	if err != nil {
		return stopped(err.Error())
	}
	defer master.Close()
	slave, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return stopped(err.Error())
	}
	cmd := w.command(s, nil, w.target.WS+"/.attack/bailey", probe.Arg, "tty", p.Args[0])
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		return stopped(err.Error())
	}
	slave.Close()
	var screen bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			screen.Write(b[:n])
			if err != nil {
				return
			}
		}
	}()
	_ = cmd.Wait()
	<-done
	return onScreen(p.Args[0], screen.String())
}

// onScreen judges what the user's terminal got.
func onScreen(kind, screen string) probe.Seen {
	if !strings.Contains(screen, "tty done") {
		return probe.Seen{How: []string{"did not run"}, Note: screen}
	}
	switch kind {
	case "escapes":
		for _, bad := range []string{"\x1b]52", "\x1b[21t", "\x1bPtmux", "\u009b", "\u009d", "\x1b[0c"} {
			if strings.Contains(screen, bad) {
				return leaked("the terminal gets %q", bad)
			}
		}
		return stopped(probe.Nothing)
	case "modes":
		for _, mode := range []string{"1049", "2004", "1003"} {
			if !strings.Contains(screen, "\x1b[?"+mode+"l") {
				return leaked("mode %s stays on", mode)
			}
		}
		return stopped(probe.Kept)
	}
	if m := regexp.MustCompile(`GOT (.*)`).FindStringSubmatch(screen); m != nil {
		return leaked("%s", strings.TrimSpace(m[1]))
	}
	var how []string
	for _, m := range regexp.MustCompile(`HOW (\S+)`).FindAllStringSubmatch(screen, -1) {
		how = append(how, m[1])
	}
	return stopped(how...)
}
