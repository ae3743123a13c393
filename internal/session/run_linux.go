package session

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/relay"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/workspace"
)

// run starts the workload, waits for it and brings home what it made.
func (s *Session) run(ctx context.Context) (int, error) {
	tty := terminals()
	spec := s.spec(tty)
	spec.Rows, spec.Cols = windowSize()
	s.mounts = spec.Mounts
	if err := s.judge(spec); err != nil {
		s.box.Kill()
		s.discard()
		return 0, err
	}
	if err := s.box.Build(spec); err != nil {
		s.discard()
		return 0, err
	}
	// The sandbox is built while we do what must be done before it runs.
	if err := s.arm(ctx); err != nil {
		s.box.Kill()
		s.discard()
		return 0, err
	}
	if err := s.box.Run(ctx); err != nil {
		s.discard()
		return 0, err
	}
	// From here on this process holds values: its memory is nobody's business.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return 0, err
	}
	if err := s.begin(ctx); err != nil {
		return 0, err
	}
	relayed, err := s.relay()
	if err != nil {
		return 0, err
	}
	stop := s.keepTime()
	exit, err := s.box.Ended()
	stop()
	relayed()
	s.finish(exit)
	return exit.Code, err
}

// arm sets up what must watch before the workload's first instruction.
func (s *Session) arm(ctx context.Context) error {
	if err := s.work.Watch(ctx, s.found); err != nil {
		return err
	}
	s.announce()
	s.record.note("session.start", "done", strings.Join(s.opts.Args[:1], " "))
	// Before anything runs: a session that is killed at its start is found, too.
	if err := s.writeMeta(nil); err != nil {
		return err
	}
	return s.listen(ctx)
}

// begin starts what needs the running sandbox.
func (s *Session) begin(ctx context.Context) error {
	go func() {
		if err := s.gate.Serve(ctx, s.box.Network.TCP, s.box.Network.DNS); err != nil && ctx.Err() == nil {
			s.record.tell("the gateway stopped: "+err.Error(), "")
		}
	}()
	go s.keys.follow(ctx)
	s.offerPorts()
	s.noticed = make(chan struct{})
	go s.notices()
	go s.layChart()
	s.work.WatchBelow(ctx, s.found)
	return s.writeMeta(nil)
}

// notices tells what PID 1 saw.
func (s *Session) notices() {
	defer close(s.noticed)
	for n := range s.box.Notices {
		name := s.relative(n.Path)
		switch n.Kind {
		case sandbox.Repinned:
			s.record.note("workspace.repinned", "done", name)
			s.work.Replaced(name, n.Absent, s.found)
			if s.refresh(name) {
				s.record.tell("alarm: "+name+" was replaced on the host; for a moment it could be read inside",
					"rotate what it holds; after bailey init there is nothing in it")
			}
		case sandbox.Refused:
			s.refused(name)
		case sandbox.Stopped:
			s.suspend()
		case sandbox.Listens:
			s.offerPort(policy.Port(n.Port))
		case sandbox.Exposed:
			s.record.note("workspace.exposed", "denied", name+": "+n.Detail)
			s.record.tell(fmt.Sprintf("alarm: %s can't be hidden from the sandbox any more", name), "end the session, and rotate what the file holds")
		}
	}
}

// refresh covers a secret file with what the sandbox may see of it now; what
// can't be read any more is covered with nothing. It reports whether name is a
// secret file.
func (s *Session) refresh(name string) bool {
	view, ok, err := s.work.Refresh(name)
	if errors.Is(err, workspace.ErrNotSecret) {
		return false
	}
	var content []byte
	if err == nil && ok {
		content = view.Content
	}
	_ = s.box.Pin(s.root+"/"+name, content)
	return true
}

func (s *Session) relative(path string) string { return strings.TrimPrefix(path, s.root+"/") }

// announce is the one line that says what is hidden and what can be reached.
func (s *Session) announce() {
	if s.opts.Quiet {
		return
	}
	hidden := ""
	if len(s.view.Hidden) > 0 {
		hidden = shorten(s.view.Hidden, 4) + " and "
	}
	var hosts []string
	for _, r := range s.rules.current() {
		if h := r.Host.String(); !slices.Contains(hosts, h) {
			hosts = append(hosts, h)
		}
	}
	reachable := "no host"
	if len(hosts) > 0 {
		reachable = shorten(hosts, 4)
	}
	s.opts.Term.Notef("session %s: hidden: %syour home; reachable: %s", s.ID, hidden, reachable)
	if s.opts.Review {
		s.opts.Term.Notef("review: the project stays as it is until: bailey apply")
	}
	for _, n := range append(s.profileNotes(), s.view.Notes...) {
		s.opts.Term.Notef("%s", n)
	}
}

// terminals says which of our standard descriptors are one.
func terminals() (tty [3]bool) {
	for i := range tty {
		tty[i] = term.IsTerminal(i)
	}
	return tty
}

func windowSize() (rows, cols uint16) {
	for fd := range 3 {
		if size, err := unix.IoctlGetWinsize(fd, unix.TIOCGWINSZ); err == nil {
			return size.Row, size.Col
		}
	}
	return 24, 80
}

// relay copies descriptors 0–2 both ways and passes signals on. The function
// it returns waits for the last of the output.
func (s *Session) relay() (func(), error) {
	var out sync.WaitGroup
	io3 := s.box.Stdio
	if io3.In != nil {
		go func() {
			_, _ = io.Copy(io3.In, os.Stdin)
			_ = io3.In.Close()
		}()
	}
	for _, c := range []struct {
		to, from *os.File
	}{{os.Stdout, io3.Out}, {os.Stderr, io3.Err}} {
		if c.from != nil {
			out.Go(func() { _, _ = io.Copy(c.to, c.from) })
		}
	}
	stopSignals := s.passSignals()
	if io3.Terminal == nil {
		return func() { out.Wait(); stopSignals() }, nil
	}
	t, err := relay.Attach(controlling(), io3.Terminal)
	if err != nil {
		return nil, err
	}
	s.terminal.Store(t)
	s.record.showBy(func(line string) { t.Note("bailey: " + line) })
	return func() { out.Wait(); t.End(); stopSignals() }, nil
}

// ignoredAfter is how long a stop is waited for: a process group that nobody
// could continue is not stopped by the kernel (POSIX, orphaned process group).
const ignoredAfter = 300 * time.Millisecond

// suspend stops this job as the workload stopped itself, which is what ^Z means
// to the shell that started us, and continues the workload when we go on.
func (s *Session) suspend() {
	t := s.terminal.Load()
	if t == nil {
		return
	}
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, unix.SIGCONT)
	defer signal.Stop(continued)
	err := t.Suspend(func() {
		_ = unix.Kill(0, unix.SIGTSTP)
		select {
		case <-continued:
		case <-time.After(ignoredAfter):
		}
	})
	if err == nil {
		_ = s.box.Signal(unix.SIGCONT)
	}
}

// controlling is the descriptor of ours that is the terminal.
func controlling() *os.File {
	for i, f := range []*os.File{os.Stdin, os.Stdout, os.Stderr} {
		if term.IsTerminal(i) {
			return f
		}
	}
	return os.Stdin
}

func (s *Session) passSignals() (stop func()) {
	c := make(chan os.Signal, 8)
	signal.Notify(c, unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT, unix.SIGUSR1, unix.SIGUSR2)
	done := make(chan struct{})
	go func() {
		for {
			select {
			case sig := <-c:
				_ = s.box.Signal(sig)
				if sig == unix.SIGTERM || sig == unix.SIGHUP {
					_ = s.box.Signal(unix.SIGCONT) // a stopped program could not end
				}
			case <-done:
				return
			}
		}
	}()
	return func() { signal.Stop(c); close(done) }
}
