package relay

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Terminal relays between the user's terminal and a pty master.
type Terminal struct {
	tty    *os.File
	master *os.File
	filter *Filter
	done   chan struct{} // output ended

	mu    sync.Mutex // tty output, saved, held
	saved *term.State
	held  []string
}

// Attach puts tty into raw mode and starts to copy. End must be called.
func Attach(tty, master *os.File) (*Terminal, error) {
	t := &Terminal{tty: tty, master: master, done: make(chan struct{})}
	t.filter = NewFilter(tty)
	if err := t.raw(); err != nil {
		return nil, err
	}
	t.resize()
	go t.input()
	go t.output()
	go t.windowChanges()
	go t.release()
	return t, nil
}

func (t *Terminal) raw() error {
	state, err := term.MakeRaw(int(t.tty.Fd()))
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.saved = state
	return nil
}

func (t *Terminal) restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.saved != nil {
		_ = term.Restore(int(t.tty.Fd()), t.saved)
		t.saved = nil
	}
}

func (t *Terminal) input() { _, _ = io.Copy(t.master, t.tty) }

func (t *Terminal) output() {
	defer close(t.done)
	buf := make([]byte, 32<<10)
	for {
		n, err := t.master.Read(buf)
		if n > 0 {
			t.mu.Lock()
			_, werr := t.filter.Write(buf[:n])
			t.mu.Unlock()
			if werr != nil {
				return
			}
		}
		if err != nil { // EIO once nothing inside has the terminal open
			return
		}
	}
}

func (t *Terminal) resize() {
	if size, err := unix.IoctlGetWinsize(int(t.tty.Fd()), unix.TIOCGWINSZ); err == nil {
		_ = unix.IoctlSetWinsize(int(t.master.Fd()), unix.TIOCSWINSZ, size)
	}
}

func (t *Terminal) windowChanges() {
	c := make(chan os.Signal, 1)
	signal.Notify(c, unix.SIGWINCH)
	defer signal.Stop(c)
	for {
		select {
		case <-c:
			t.resize()
		case <-t.done:
			return
		}
	}
}

// Note shows a line without spoiling a full-screen program's picture: at once
// while the program inside reads lines, else as soon as it does again, at the
// latest at the end.
func (t *Terminal) Note(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held = append(t.held, line)
	t.showHeld(false)
}

// release shows held lines when the screen is free again.
func (t *Terminal) release() {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.mu.Lock()
			t.showHeld(false)
			t.mu.Unlock()
		case <-t.done:
			return
		}
	}
}

func (t *Terminal) showHeld(anyway bool) {
	if len(t.held) == 0 || !anyway && t.busy() {
		return
	}
	for _, line := range t.held {
		fmt.Fprintf(t.tty, "\r%s\r\n", line)
	}
	t.held = nil
}

// busy says that the program inside draws the screen itself.
func (t *Terminal) busy() bool {
	if t.filter.modes.alternate() || t.filter.state != ground {
		return true
	}
	tio, err := unix.IoctlGetTermios(int(t.master.Fd()), unix.TCGETS)
	return err == nil && tio.Lflag&unix.ICANON == 0
}

// Suspend gives the terminal back while the whole job is stopped, and takes it
// again when it goes on.
func (t *Terminal) Suspend(stop func()) error {
	t.restore()
	stop()
	if err := t.raw(); err != nil {
		return err
	}
	t.resize()
	return nil
}

// End waits for the last output, puts every mode back and shows what was held.
func (t *Terminal) End() {
	<-t.done
	t.mu.Lock()
	_, _ = t.tty.Write(t.filter.modes.reset())
	t.showHeld(true)
	t.mu.Unlock()
	t.restore()
}
