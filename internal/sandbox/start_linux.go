package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/sandbox/spawn"
)

// namespaces are all that exist but time, which isolates nothing here.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// Process is a sandbox: launched, then built, then running.
type Process struct {
	Network Network
	Stdio   Stdio
	Regime  Regime
	Notices <-chan Notice // closed when the sandbox ends

	ctl      *control
	launched chan struct{} // closed once it is known whether there is a first process
	failed   error         // why not
	maps     idmaps        // for root
	pid      int           // of PID 1, outside
	mu       sync.Mutex    // pid
	sockets  sockets
	exit     chan Exit
	gone     chan struct{} // closed once PID 1 was waited for
	closing  sync.Once
	*bounds
}

// Start is Launch, Build and Run in one.
func Start(ctx context.Context, s Spec) (*Process, error) {
	p, err := Launch(s.Base)
	if err != nil {
		return nil, err
	}
	if err := p.Build(s); err != nil {
		return nil, err
	}
	return p, p.Run(ctx)
}

// Launch makes the namespaces and their first process, which sets up the
// network and then waits for Build or Kill: that much of a start needs no Spec,
// so it goes on while the caller still decides. Whether it succeeded, Launched
// says.
//
// The sandbox ends with this process: PR_SET_PDEATHSIG follows the thread that
// forked, so that thread is kept for as long as the sandbox lives.
func Launch(b Base) (*Process, error) {
	ctl, child, err := socketPair()
	if err != nil {
		return nil, err
	}
	p := &Process{ctl: ctl, exit: make(chan Exit, 1), gone: make(chan struct{}), launched: make(chan struct{})}
	p.maps.prepare(b.Identity)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		p.failed = p.launch(b, child)
		close(p.launched)
		<-p.gone
	}()
	return p, nil
}

func (p *Process) launch(b Base, child *os.File) error {
	defer child.Close()
	p.bounds = newBounds()
	pid, err := p.bounds.fork(child, attributes(b))
	if err != nil {
		close(p.gone)
		p.bounds.end()
		return startFailure(err)
	}
	p.mu.Lock()
	p.pid = pid
	p.mu.Unlock()
	if err := p.ctl.send(frame{Base: &b}); err != nil {
		return fmt.Errorf("starting the sandbox: %w", err)
	}
	return nil
}

// Launched waits until the first process exists and says why there is none.
// What else was begun is done then, too: while processes are started, this one
// is dumpable.
func (p *Process) Launched() error {
	<-p.launched
	<-p.maps.ready
	return p.failed
}

// Build hands over what the sandbox is made of and returns while it is made.
// When it fails, nothing of the sandbox is left alive.
func (p *Process) Build(s Spec) error {
	if err := p.Launched(); err != nil {
		p.Kill()
		return err
	}
	p.bounds.apply(&s, p.pid, p.End)
	if err := p.deliver(&s); err != nil {
		p.Kill()
		return err
	}
	return nil
}

// Run waits until the sandbox is built and starts its workload. When it fails,
// and when ctx ends, nothing of the sandbox is left alive.
func (p *Process) Run(ctx context.Context) error {
	_ = p.ctl.send(frame{Go: true}) // what a PID 1 that is gone has to say still lies in the socket
	if err := p.await(); err != nil {
		p.Kill()
		return err
	}
	stop := context.AfterFunc(ctx, p.kill)
	go func() {
		<-p.gone // the number may be another process's after that
		stop()
	}()
	return nil
}

// Kill ends a sandbox that was launched and does not run.
func (p *Process) Kill() {
	<-p.launched
	p.maps.close()
	p.kill()
	_ = p.Close()
}

func (p *Process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pid > 0 {
		_ = unix.Kill(p.pid, unix.SIGKILL)
	}
}

// Close waits for PID 1, which has nothing left to do after Ended, and lets go of
// its number. Once it returns, nothing of the sandbox is left.
func (p *Process) Close() (err error) {
	p.closing.Do(func() {
		select {
		case <-p.gone: // there never was one
		default:
			err = p.reap()
			p.bounds.end()
		}
	})
	return err
}

func (p *Process) reap() error {
	var info unix.Siginfo
	for {
		// The number stays ours until it is waited for, so look first.
		err := unix.Waitid(unix.P_PID, p.pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			break
		}
	}
	p.mu.Lock()
	var status unix.WaitStatus
	_, err := unix.Wait4(p.pid, &status, 0, nil)
	p.pid = 0
	p.mu.Unlock()
	close(p.gone)
	if err == nil && status.ExitStatus() != 0 {
		err = fmt.Errorf("its first process ended with status %d", status)
	}
	return err
}

// deliver hands PID 1 all that it needs.
func (p *Process) deliver(s *Spec) error {
	files, err := p.pipes(s.TTY)
	defer func() { closeAll(files) }()
	if err != nil {
		return err
	}
	defer p.maps.close()
	sources, mounts, err := p.rootSources(s)
	files = append(files, mounts...)
	if err != nil {
		return err
	}
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	if err := p.ctl.sendFDs(frame{Spec: s, Sources: sources, Files: len(fds)}, fds...); err != nil {
		var said *Failure // why PID 1 is gone still lies in the socket
		if errors.As(p.await(), &said) {
			return said
		}
		return fmt.Errorf("starting the sandbox: %w", err)
	}
	return nil
}

// rootSources is empty for an ordinary user: PID 1 opens the sources itself.
func (p *Process) rootSources(s *Spec) ([]int, []*os.File, error) {
	if os.Geteuid() != 0 {
		return nil, nil, nil
	}
	return p.maps.sources(s)
}

const (
	// ownSlack keeps the runtime's monitor in PID 1 from waking up every 70 µs
	// throughout a start, to see whether another thread should have the work.
	ownSlack = time.Millisecond
	// usualSlack is what the workload has, as everything on Linux.
	usualSlack = 50 * time.Microsecond
)

// attributes put a process into new namespaces, with the capabilities that
// building needs in its own user namespace and no others.
func attributes(b Base) spawn.Attr {
	id := b.Identity
	return spawn.Attr{
		Namespaces: namespaces,
		UID:        spawn.Map{Inside: id.UID, Outside: id.UID},
		GID:        spawn.Map{Inside: id.GID, Outside: id.GID},
		Setgroups:  os.Geteuid() == 0,
		Caps:       capsFor(b),
		TimerSlack: ownSlack,
	}
}

// fork starts this very binary as PID 1 with the control socket as its
// descriptor 3.
func fork(control *os.File, attr spawn.Attr) (int, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	n := int(null.Fd())
	attr.Files = []int{n, n, n, int(control.Fd())}
	return spawn.Start("/proc/self/exe", []string{"bailey", InitArg}, attr)
}

// pipes makes the workload's ends of descriptors 0–2, /dev/null where the
// terminal is used, and keeps ours.
func (p *Process) pipes(tty [3]bool) (ends []*os.File, err error) {
	ours := [3]**os.File{&p.Stdio.In, &p.Stdio.Out, &p.Stdio.Err}
	for i := range tty {
		if tty[i] {
			null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
			if err != nil {
				return ends, err
			}
			ends = append(ends, null)
			continue
		}
		r, w, err := os.Pipe()
		if err != nil {
			return ends, err
		}
		if i == 0 {
			ends, *ours[i] = append(ends, r), w
		} else {
			ends, *ours[i] = append(ends, w), r
		}
	}
	return ends, nil
}

// await takes what PID 1 sends until the workload runs.
func (p *Process) await() error {
	var early []Notice
	for {
		f, err := p.ctl.receive()
		if err != nil {
			return errors.New("the sandbox's first process ended before the workload ran")
		}
		switch {
		case f.Error != "":
			return &Failure{f.Error, f.Hint}
		case f.Network > 0:
			err = p.takeNetwork(f.Network)
		case f.Pty:
			err = p.takeTerminal()
		case f.Notice != nil: // the workload runs a moment before we hear of it
			early = append(early, *f.Notice)
		case f.Started != nil:
			p.Regime = *f.Started
			p.follow(early)
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (p *Process) takeNetwork(n int) error {
	for range n {
		fd, err := p.ctl.receiveFD()
		if err != nil {
			return err
		}
		f := os.NewFile(uintptr(fd), "listener")
		err = p.adopt(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("listener of the sandbox: %w", err)
		}
	}
	return nil
}

func (p *Process) adopt(f *os.File) error {
	kind, err := unix.GetsockoptInt(int(f.Fd()), unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil {
		return err
	}
	if kind == unix.SOCK_DGRAM {
		pc, err := net.FilePacketConn(f)
		p.Network.DNS = append(p.Network.DNS, pc)
		return err
	}
	l, err := net.FileListener(f)
	p.Network.TCP = append(p.Network.TCP, l)
	return err
}

func (p *Process) takeTerminal() error {
	fd, err := p.ctl.receiveFD()
	if err != nil {
		return err
	}
	// Non-blocking, so that the relay's reads end when it is closed.
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	p.Stdio.Terminal = os.NewFile(uintptr(fd), "terminal")
	return nil
}

// follow receives until PID 1 ends; early is what it had to say before.
func (p *Process) follow(early []Notice) {
	notices := make(chan Notice, 64+len(early))
	for _, n := range early {
		notices <- n
	}
	p.Notices = notices
	p.sockets.answer = make(chan socketAnswer, 1)
	go func() {
		defer close(notices)
		defer close(p.exit)
		defer close(p.sockets.answer)
		for {
			f, err := p.ctl.receive()
			if err != nil {
				return
			}
			switch {
			case f.Exit != nil:
				p.exit <- *f.Exit
			case f.Socket != 0 || f.None != "":
				p.sockets.arrived(p.ctl, f)
			}
			if f.Notice != nil {
				select {
				case notices <- *f.Notice:
				default: // the workload can cause them: never let it block us
				}
			}
		}
	}()
}

// Signal passes a signal on to the workload's foreground process group.
func (p *Process) Signal(s os.Signal) error {
	n, ok := s.(syscall.Signal)
	if !ok {
		return fmt.Errorf("signal %v is none of this system's", s)
	}
	return p.ctl.send(frame{Signal: int(n)})
}

// Pin covers target, an existing file, with content for the rest of the
// sandbox's life.
func (p *Process) Pin(target string, content []byte) error {
	return p.ctl.send(frame{Pin: &File{Target: target, Content: content}})
}

// Protect makes what stands at target, and whatever the host puts in its place,
// read-only for the rest of the sandbox's life. A Repinned follows.
func (p *Process) Protect(target string) error { return p.ctl.send(frame{Protect: target}) }

// Wait returns how the workload ended, once nothing of the sandbox is left.
func (p *Process) Wait() (Exit, error) {
	e, err := p.Ended()
	_ = p.Close() // whatever there is to say, Ended said
	return e, err
}

// Ended returns how the workload ended, once nothing that it started is alive.
// PID 1 takes a moment longer to drop the mounts: Close waits for that.
func (p *Process) Ended() (Exit, error) {
	e, ok := <-p.exit
	p.bounds.settle()
	if ok {
		return breached(e, p.breach.Load()), nil
	}
	err := p.Close()
	if b := p.breach.Load(); b != nil {
		return breached(e, b), nil
	}
	if err == nil {
		err = errors.New("no exit status")
	}
	return Exit{Code: 1}, fmt.Errorf("the sandbox ended early: %w", err)
}

func closeAll(files []*os.File) {
	for _, f := range files {
		if f != nil {
			f.Close()
		}
	}
}
