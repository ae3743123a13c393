package sandbox

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/sandbox/meter"
	"github.com/bailey-project/bailey/internal/sandbox/seccomp"
)

// controlFD is where PID 1 finds its end of the control socket.
const controlFD = 3

// PID1 is the whole life of a sandbox's first process: it builds the sandbox
// around itself, starts the workload, keeps the pinned mounts where they
// belong, and reaps. It never returns.
//
// The thread that starts the workload gives up everything and is not used for
// anything else. The others keep setupCaps in the sandbox's own user
// namespace, to lay a cover anew; the process is not dumpable, so that the
// workload, which has its uid, can't reach them.
func PID1(names NameRules) {
	if os.Getpid() != 1 {
		exit(1) // started by hand: it would build on the host's own mounts
	}
	ctl := newControl(controlFD, maxFrame)
	// The workload gets 0–2 and nothing else.
	if err := unix.CloseRange(controlFD, 1<<31-1, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		os.Exit(1)
	}
	deafen()
	p := &pid1{ctl: ctl, names: names}
	if err := p.run(); err != nil {
		_ = ctl.send(frame{Error: err.Error(), Hint: hint(err)})
		exit(1)
	}
	exit(0)
}

// deafen takes the runtime's handlers away, so that no signal from inside means
// anything: the kernel drops what the first process of a pid namespace leaves
// at its default (pid_namespaces(7)). os/signal would do it too, at the price of
// two context switches for each of 64 signals. The runtime keeps the two that
// it sends itself: to preempt, and to reach every thread.
func deafen() {
	const preempt, perThread = int(unix.SIGURG), 33
	var byDefault [4]uint64 // struct sigaction of the kernel: SIG_DFL, no flags, empty mask
	for sig := 1; sig <= 64; sig++ {
		if sig != preempt && sig != perThread {
			_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
		}
	}
}

// exit ends the sandbox at once: nothing is left to be done at exit, and every
// other process inside dies with us.
func exit(code int) {
	for {
		_, _, _ = unix.RawSyscall(unix.SYS_EXIT_GROUP, uintptr(code), 0, 0)
	}
}

type pid1 struct {
	ctl    *control
	spec   *Spec
	tree   *tree
	pins   pins
	meter  *meter.Meter
	breach atomic.Pointer[limit.Breach] // why the workload was killed
	std    [3]int                       // the workload's pipes, or /dev/null for a terminal
	tty    *os.File                     // the workload's terminal, PID 1's controlling one
	pid    int
	names  NameRules
}

func (p *pid1) run() error {
	// Whoever started us may be gone already; the control socket tells.
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return err
	}
	volunteer()
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return err
	}
	// The network and the part of the tree that is always the same need no
	// specification, nor each other.
	net := make(chan error, 1)
	go func() { net <- p.network() }()
	err := p.base()
	if err := errors.Join(err, <-net); err != nil {
		return err
	}
	if err := p.accept(); err != nil {
		return err
	}
	if err := p.build(); err != nil {
		return err
	}
	if f, err := p.ctl.receive(); err != nil || !f.Go {
		return fmt.Errorf("no word to start: %w", err)
	}
	regime, err := p.start()
	if err != nil {
		return err
	}
	if err := p.ctl.send(frame{Started: regime}); err != nil {
		return err
	}
	go p.obey()
	go p.pins.watch(p)
	go spareThreads()
	p.measure()
	return p.reap()
}

// accept takes the specification and the descriptors that belong to it.
func (p *pid1) accept() error {
	f, err := p.ctl.receive()
	if err != nil || f.Spec == nil || f.Files < len(p.std) {
		return fmt.Errorf("no specification: %w", err)
	}
	p.spec = f.Spec
	files := make([]int, f.Files)
	for i := range files {
		if files[i], err = p.ctl.receiveFD(); err != nil {
			return fmt.Errorf("no specification: %w", err)
		}
	}
	copy(p.std[:], files)
	for i := range p.spec.Mounts {
		p.spec.Mounts[i].fd = -1
		if i < len(f.Sources) && f.Sources[i] >= 0 {
			p.spec.Mounts[i].fd = files[len(p.std)+f.Sources[i]]
		}
	}
	return nil
}

// network hands the listeners to the supervisor and keeps none.
func (p *pid1) network() error {
	listeners, err := network()
	if err != nil {
		return err
	}
	if err := p.ctl.sendFDs(frame{Network: len(listeners)}, listeners...); err != nil {
		return err
	}
	for _, l := range listeners {
		unix.Close(l)
	}
	return nil
}

// build makes everything but the workload.
func (p *pid1) build() error {
	if err := unix.Sethostname([]byte(p.spec.Hostname)); err != nil {
		return fmt.Errorf("host name: %w", err)
	}
	if err := p.mounts(); err != nil {
		return err
	}
	return p.terminal()
}

// base makes the parts of the tree that are known from the beginning, and only
// then asks for what little of it the supervisor has to say.
func (p *pid1) base() error {
	devs, err := openDevices()
	if err != nil {
		return err
	}
	if p.tree, err = newTree(); err != nil {
		return err
	}
	if err := p.tree.mountDev(devs); err != nil {
		return err
	}
	if err := p.tree.mountProc(); err != nil {
		return err
	}
	if err := p.tree.coverFS(); err != nil {
		return err
	}
	f, err := p.ctl.receive()
	if err != nil || f.Base == nil {
		return fmt.Errorf("no specification: %w", err)
	}
	if err := p.tree.copies(f.Base.Copies); err != nil {
		return err
	}
	return p.tree.links(f.Base.Links)
}

// mounts completes the tree and moves in.
func (p *pid1) mounts() error {
	if err := p.openSources(); err != nil {
		return err
	}
	if err := p.files(); err != nil {
		return err
	}
	for i := range p.spec.Mounts {
		if err := p.tree.mount(&p.spec.Mounts[i]); err != nil {
			return err
		}
	}
	if err := p.tree.closeCovers(); err != nil {
		return err
	}
	if err := p.tree.pivot(); err != nil {
		return err
	}
	if err := p.pins.start(p.tree, p.spec.Mounts); err != nil {
		return err
	}
	return p.tree.seal()
}

// files writes what lies in the sandbox's own memory.
func (p *pid1) files() error {
	for _, f := range p.spec.Files {
		if err := p.tree.create(f.Target, f.Content, f.Mode); err != nil {
			return err
		}
	}
	return nil
}

func (p *pid1) openSources() error {
	for i := range p.spec.Mounts {
		m := &p.spec.Mounts[i]
		if m.Kind != Bind || m.fd >= 0 {
			continue
		}
		fd, err := source(*m)
		if m.Optional && (errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES)) {
			continue
		}
		if err != nil {
			return err
		}
		m.fd = fd
	}
	return nil
}

func openDevices() ([]int, error) {
	devs := make([]int, len(devices))
	for i, name := range devices {
		fd, err := openSource("/dev/" + name)
		if err != nil {
			return nil, err
		}
		devs[i] = fd
	}
	return devs, nil
}

// terminal makes the pty inside, so that its name exists there, and hands the
// master to the supervisor. PID 1 leads the session: with a parent in the same
// session the workload's group is not orphaned, so that ^Z works.
func (p *pid1) terminal() error {
	if !p.spec.TTY[0] && !p.spec.TTY[1] && !p.spec.TTY[2] {
		return nil
	}
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	defer master.Close()
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	size := unix.Winsize{Row: p.spec.Rows, Col: p.spec.Cols}
	_ = unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &size)
	if _, err := unix.Setsid(); err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	p.tty, err = os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	if err := unix.IoctlSetInt(int(p.tty.Fd()), unix.TIOCSCTTY, 0); err != nil {
		return fmt.Errorf("terminal: %w", err)
	}
	return p.ctl.sendFDs(frame{Pty: true}, int(master.Fd()))
}

// start runs the workload from a thread of its own.
func (p *pid1) start() (*Regime, error) {
	done := make(chan started)
	go p.onThread(done)
	r := <-done
	return r.regime, r.err
}

type started struct {
	regime *Regime
	err    error
}

// onThread confines the thread it runs on and forks the workload from it. It
// never returns: a thread under Landlock and seccomp must not go back to the
// pool, and the workload's parent must not end.
//
// It must not be the first thread of the process: Landlock judges a signal by
// the domain of the receiver's first thread, and PID 1 would be in the
// workload's own.
func (p *pid1) onThread(done chan<- started) {
	runtime.LockOSThread()
	if unix.Gettid() == unix.Getpid() {
		go p.onThread(done)
		select {}
	}
	r, err := p.confineAndFork()
	done <- started{r, err}
	select {}
}

func (p *pid1) confineAndFork() (*Regime, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("no_new_privs: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(usualSlack.Nanoseconds()), 0, 0, 0); err != nil {
		return nil, fmt.Errorf("timer slack: %w", err)
	}
	if err := dropCapabilities(); err != nil {
		return nil, err
	}
	r := &Regime{UID: p.spec.Identity.UID, Kernel: kernelRelease()}
	var err error
	if r.LandlockABI, r.Errata, err = landlock(p.writable()); err != nil {
		return nil, err
	}
	if r.StrictNames, err = p.broker(); err != nil {
		return nil, err
	}
	if err = p.tellPorts(); err != nil {
		return nil, err
	}
	if r.Seccomp, err = seccomp.Install(); err != nil {
		return nil, err
	}
	if err := r.attest(); err != nil {
		return nil, err
	}
	p.inherit()
	p.pid, err = syscall.ForkExec(p.spec.Path, p.spec.Args, &syscall.ProcAttr{
		Dir: p.spec.Dir, Env: p.spec.Env, Files: p.stdio(), Sys: p.attributes(),
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.spec.Path, err)
	}
	p.restrain()
	for _, fd := range p.std {
		unix.Close(fd)
	}
	return r, nil
}

// writable lists what Landlock lets the workload write.
func (p *pid1) writable() []string {
	paths := []string{"/dev", "/proc"}
	for _, m := range p.spec.Mounts {
		if m.Kind == Tmpfs || m.Kind == Overlay || m.Kind == Bind && m.Writable && m.fd >= 0 && m.Target != OverlayUpper {
			paths = append(paths, m.Target)
		}
	}
	return paths
}

func (p *pid1) stdio() []uintptr {
	files := make([]uintptr, 3)
	for i := range files {
		files[i] = uintptr(p.std[i])
		if p.spec.TTY[i] {
			files[i] = p.tty.Fd()
		}
	}
	return files
}

func (p *pid1) attributes() *syscall.SysProcAttr {
	if p.tty == nil {
		return &syscall.SysProcAttr{Setsid: true}
	}
	return &syscall.SysProcAttr{Foreground: true, Ctty: int(p.tty.Fd())}
}

// reap waits for the workload and for every orphan. When the workload ends,
// so does everything else inside, before the supervisor hears of it.
func (p *pid1) reap() error {
	for {
		var ws unix.WaitStatus
		pid, err := unix.Wait4(-1, &ws, unix.WUNTRACED, nil)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return fmt.Errorf("waiting for the workload: %w", err)
		}
		if pid != p.pid {
			continue
		}
		if ws.Stopped() {
			_ = p.ctl.send(frame{Notice: &Notice{Kind: Stopped}})
			continue
		}
		e := Exit{Code: ws.ExitStatus()}
		if ws.Signaled() {
			e.Code, e.Signal = 128+int(ws.Signal()), int(ws.Signal())
		}
		end := p.final(e)
		killAll()
		return p.ctl.send(frame{Exit: end})
	}
}

// killAll ends every other process inside and returns when none is left. Each
// has PID 1 for an ancestor and becomes its child when those between end, so
// without children it is alone; and a fork is not finished by a process that is
// to be killed (kill(2), pid_namespaces(7)).
func killAll() {
	_ = unix.Kill(-1, unix.SIGKILL)
	for {
		if _, err := unix.Wait4(-1, nil, 0, nil); err != nil && err != unix.EINTR {
			return
		}
	}
}

// obey does what the supervisor asks. When the supervisor is gone, so are we.
func (p *pid1) obey() {
	for {
		f, err := p.ctl.receive()
		if err != nil {
			exit(1)
		}
		switch {
		case f.Signal != 0:
			p.signal(unix.Signal(f.Signal))
		case f.Pin != nil:
			p.pins.add(p, *f.Pin)
		case f.Protect != "":
			p.pins.protect(p, f.Protect)
		case f.Socket != 0:
			p.socket(f.Socket)
		}
	}
}

// signal reaches the group in the foreground of the terminal, or else the
// workload's own, as the terminal driver and a shell would do it.
func (p *pid1) signal(s unix.Signal) {
	group := p.pid
	if p.tty != nil {
		if fg, err := unix.IoctlGetInt(int(p.tty.Fd()), unix.TIOCGPGRP); err == nil && fg > 1 {
			group = fg
		}
	}
	_ = unix.Kill(-group, s)
}

func kernelRelease() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return ""
	}
	return strings.TrimRight(string(u.Release[:]), "\x00")
}
