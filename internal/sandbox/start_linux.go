package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// namespaces are all that exist but time, which isolates nothing here.
const namespaces = unix.CLONE_NEWUSER | unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
	unix.CLONE_NEWIPC | unix.CLONE_NEWUTS | unix.CLONE_NEWCGROUP

// Process is a running sandbox.
type Process struct {
	Network Network
	Stdio   Stdio
	Regime  Regime
	Notices <-chan Notice // closed when the sandbox ends

	ctl  *control
	cmd  *exec.Cmd
	exit chan Exit
}

// Start builds the sandbox and runs its workload.
//
// The calling goroutine must be locked to its thread (runtime.LockOSThread)
// and that thread must live as long as the sandbox: PR_SET_PDEATHSIG follows
// the thread that forked, not the process.
func Start(ctx context.Context, s Spec) (*Process, error) {
	ctl, child, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer child.Close()
	p := &Process{ctl: ctl, exit: make(chan Exit, 1)}
	ends, err := p.pipes(s.TTY)
	defer closeAll(ends)
	if err != nil {
		return nil, err
	}
	mapFDs, sourceFiles, err := rootSources(&s)
	defer closeAll(sourceFiles)
	if err != nil {
		return nil, err
	}
	p.cmd = command(s.Identity)
	p.cmd.ExtraFiles = append(append([]*os.File{child}, ends...), sourceFiles...)
	if err := startDumpable(p.cmd); err != nil {
		return nil, startFailure(err)
	}
	for i := range mapFDs {
		if mapFDs[i] >= 0 {
			mapFDs[i] += controlFD + 1 + len(ends)
		}
	}
	child.Close()
	if err := p.await(frame{Spec: &s, MapFDs: mapFDs}); err != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = p.cmd.Process.Kill() })
	return p, nil
}

func rootSources(s *Spec) ([]int, []*os.File, error) {
	if os.Geteuid() != 0 {
		return nil, nil, nil
	}
	return sources(s)
}

// command starts this very binary as PID 1 in new namespaces, with the
// capabilities that building needs in its own user namespace and no others.
func command(id Identity) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe")
	cmd.Args = []string{"bailey", InitArg}
	cmd.Env = []string{}
	cmd.Dir = "/"
	attr := &syscall.SysProcAttr{
		Cloneflags:  namespaces,
		Pdeathsig:   unix.SIGKILL,
		AmbientCaps: setupCaps,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: id.UID, HostID: id.UID, Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: id.GID, HostID: id.GID, Size: 1}},
	}
	if os.Geteuid() == 0 {
		attr.GidMappingsEnableSetgroups = true
		attr.Credential = &syscall.Credential{Uid: uint32(id.UID), Gid: uint32(id.GID)}
	}
	cmd.SysProcAttr = attr
	return cmd
}

// startDumpable starts cmd from a process that may have hidden its memory: the
// files below /proc of one that is not dumpable, uid_map of the new process
// among them, belong to root (proc(5)). What it execs is dumpable by itself.
func startDumpable(cmd *exec.Cmd) error {
	was, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		return err
	}
	if was != 1 {
		if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
			return err
		}
		defer func() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, uintptr(was), 0, 0, 0) }()
	}
	return cmd.Start()
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

// await sends the specification and takes what PID 1 sends back until the
// workload runs.
func (p *Process) await(spec frame) error {
	if err := p.ctl.send(spec); err != nil {
		return fmt.Errorf("starting the sandbox: %w", err)
	}
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
		case f.Started != nil:
			p.Regime = *f.Started
			p.follow()
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

// follow receives until PID 1 ends.
func (p *Process) follow() {
	notices := make(chan Notice, 64)
	p.Notices = notices
	go func() {
		defer close(notices)
		defer close(p.exit)
		for {
			f, err := p.ctl.receive()
			if err != nil {
				return
			}
			if f.Exit != nil {
				p.exit <- *f.Exit
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

// Wait returns how the workload ended, once nothing inside is alive.
func (p *Process) Wait() (Exit, error) {
	e, ok := <-p.exit
	err := p.cmd.Wait()
	if ok {
		return e, nil
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
