package spawn

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

//go:noescape
func clone(trap, a1, a2 uintptr, next *call) (pid uintptr)

// Start runs path with args and no environment. The process is killed when the
// thread that calls this ends: a caller that wants more than that locks its
// goroutine to one (PR_SET_PDEATHSIG).
func Start(path string, args []string, a Attr) (pid int, err error) {
	p, err := begin(a)
	if err != nil {
		return 0, err
	}
	defer p.close()
	p.become(a)
	p.execute(path, args)
	if err := p.clone(a); err != nil {
		return 0, err
	}
	if err := p.admit(a); err != nil {
		p.reap()
		if said := p.script.failed(); said != nil {
			err = said // it was gone before we had a look at it
		}
		return 0, err
	}
	return p.pid, nil
}

// Hold makes a process that does nothing in its namespaces until look, which is
// told its number, returns.
func Hold(a Attr, look func(pid int) error) error {
	p, err := begin(a)
	if err != nil {
		return err
	}
	defer p.close()
	p.script.add("exit_group", unix.SYS_EXIT_GROUP, 0)
	if err := p.clone(a); err != nil {
		return err
	}
	defer p.reap()
	if err := writeMaps(p.pid, a); err != nil {
		return err
	}
	return look(p.pid)
}

// process is one that is being started.
type process struct {
	script *script
	pid    int
	gate   [2]*os.File // it waits here until its maps are written
	done   [2]*os.File // closed by exec and by exit
	mask   uintptr     // of this thread's signals, in the script's memory
}

func begin(a Attr) (p *process, err error) {
	p = &process{}
	if p.script, err = newScript(); err != nil {
		return nil, err
	}
	for _, pair := range []*[2]*os.File{&p.gate, &p.done} {
		if err := pipe(pair, len(a.Files)); err != nil {
			p.close()
			return nil, err
		}
	}
	p.mask, _ = p.script.bytes(8)
	s := p.script
	s.add("prctl", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL))
	self := s.text("0")
	for _, fd := range a.Enter {
		s.add("control group", unix.SYS_WRITE, uintptr(fd), self, 1)
	}
	s.add("close", unix.SYS_CLOSE, p.gate[1].Fd())
	word, _ := s.bytes(1)
	s.add("read", unix.SYS_READ, p.gate[0].Fd(), word, 1)
	return p, nil
}

// pipe is os.Pipe without the poller, which these have no need of, and above
// the descriptors that the new process gets.
func pipe(p *[2]*os.File, above int) error {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return os.NewSyscallError("pipe2", err)
	}
	for i, fd := range fds {
		p[i] = os.NewFile(uintptr(fd), "pipe")
	}
	for i, fd := range fds {
		if fd >= above {
			continue
		}
		higher, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, above)
		if err != nil {
			return os.NewSyscallError("fcntl", err)
		}
		p[i].Close()
		p[i] = os.NewFile(uintptr(higher), "pipe")
	}
	return nil
}

// become takes on the new uid, and the capabilities that it is to have there.
func (p *process) become(a Attr) {
	s := p.script
	s.add("prctl", unix.SYS_PRCTL, unix.PR_SET_KEEPCAPS, 1)
	if a.Setgroups {
		s.add("setgroups", unix.SYS_SETGROUPS, 0, 0)
	}
	s.add("setgid", unix.SYS_SETGID, uintptr(a.GID.Inside))
	s.add("setuid", unix.SYS_SETUID, uintptr(a.UID.Inside))
	head, hb := s.bytes(int(unsafe.Sizeof(unix.CapUserHeader{})))
	*(*unix.CapUserHeader)(unsafe.Pointer(&hb[0])) = unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	data, db := s.bytes(2 * int(unsafe.Sizeof(unix.CapUserData{})))
	sets := (*[2]unix.CapUserData)(unsafe.Pointer(&db[0])) // two 32-bit words a set (capset(2))
	for _, c := range a.Caps {
		word, bit := &sets[c/32], uint32(1)<<(c%32)
		word.Effective |= bit
		word.Permitted |= bit
		word.Inheritable |= bit
	}
	s.add("capset", unix.SYS_CAPSET, head, data)
	for _, c := range a.Caps {
		s.add("prctl", unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, c)
	}
	s.add("prctl", unix.SYS_PRCTL, unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL)) // a change of uid took it away
	s.add("chdir", unix.SYS_CHDIR, s.text("/"))
	if a.TimerSlack > 0 {
		s.add("prctl", unix.SYS_PRCTL, unix.PR_SET_TIMERSLACK, uintptr(a.TimerSlack.Nanoseconds()))
	}
	p.arrange(a.Files)
}

// arrange makes files the descriptors from 0 on. They are put out of the way
// first, so that none is overwritten before it has its place: above all that is
// of use to the process, which loses what else is there.
func (p *process) arrange(files []int) {
	aside := int(max(p.gate[0].Fd(), p.gate[1].Fd(), p.done[0].Fd(), p.done[1].Fd()))
	for _, fd := range files {
		aside = max(aside, fd)
	}
	aside++
	for i, fd := range files {
		p.script.add("dup3", unix.SYS_DUP3, uintptr(fd), uintptr(aside+i), unix.O_CLOEXEC)
	}
	for i := range files {
		p.script.add("dup3", unix.SYS_DUP3, uintptr(aside+i), uintptr(i), 0)
	}
}

// execute ends a script. Nothing is blocked or ignored in the program (Go
// restores neither what it was started with): the handlers go before the mask,
// because ours would run on our own memory.
func (p *process) execute(path string, args []string) {
	s := p.script
	standard, _ := s.bytes(32) // struct sigaction of the kernel: SIG_DFL, no flags, empty mask
	for sig := uintptr(1); sig <= 64; sig++ {
		if sig != uintptr(unix.SIGKILL) && sig != uintptr(unix.SIGSTOP) {
			s.add("rt_sigaction", unix.SYS_RT_SIGACTION, sig, standard, 0, 8)
		}
	}
	s.add("rt_sigprocmask", unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, p.mask, 0, 8)
	s.add("execve", unix.SYS_EXECVE, s.text(path), s.texts(args), s.texts(nil))
}

// clone makes the process, with all signals blocked in it and, until it is
// made, in this thread.
func (p *process) clone(a Attr) error {
	if p.script.full {
		return errScript
	}
	trap, a1, a2 := uintptr(unix.SYS_CLONE), a.Namespaces|unix.CLONE_VM|uintptr(unix.SIGCHLD), uintptr(0)
	if a.CgroupDir > 0 {
		at, b := p.script.bytes(int(unsafe.Sizeof(cloneArgs{})))
		*(*cloneArgs)(unsafe.Pointer(&b[0])) = cloneArgs{
			flags:      uint64(a.Namespaces | unix.CLONE_VM | unix.CLONE_INTO_CGROUP),
			exitSignal: uint64(unix.SIGCHLD), cgroup: uint64(a.CgroupDir)}
		trap, a1, a2 = unix.SYS_CLONE3, at, unsafe.Sizeof(cloneArgs{})
	}
	if err := dumpable.enter(); err != nil {
		return err
	}
	syscall.ForkLock.Lock()
	defer syscall.ForkLock.Unlock()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	all := ^uint64(0)
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), p.mask, 8, 0, 0)
	r := clone(trap, a1, a2, &p.script.calls[0])
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, p.mask, 0, 8, 0, 0)
	if e := -int(r); e > 0 && e < 4096 {
		dumpable.leave()
		return unix.Errno(e)
	}
	p.pid = int(r)
	return nil
}

// cloneArgs is struct clone_args of clone(2), version 2 (Linux 5.7).
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls, setTID, setTIDSize, cgroup uint64
}

// admit lets a cloned process go on and waits until it is another program.
func (p *process) admit(a Attr) error {
	if err := writeMaps(p.pid, a); err != nil {
		return err
	}
	if _, err := p.gate[1].Write([]byte{0}); err != nil {
		return fmt.Errorf("new process: %w", err)
	}
	shut(&p.done[1])
	_, _ = p.done[0].Read(make([]byte, 1))
	return p.script.failed()
}

// close lets go of everything but the process, which by then uses none of it.
func (p *process) close() {
	for _, f := range []**os.File{&p.gate[0], &p.gate[1], &p.done[0], &p.done[1]} {
		shut(f)
	}
	if p.pid > 0 {
		dumpable.leave()
	}
	p.script.close()
}

// reap ends a process that did not become a program.
func (p *process) reap() {
	_ = unix.Kill(p.pid, unix.SIGKILL)
	for {
		if _, err := unix.Wait4(p.pid, nil, 0, nil); err != unix.EINTR {
			return
		}
	}
}

func shut(f **os.File) {
	if *f != nil {
		(*f).Close()
		*f = nil
	}
}

// writeMaps gives a process its uid and gid (user_namespaces(7)).
func writeMaps(pid int, a Attr) error {
	dir := "/proc/" + strconv.Itoa(pid) + "/"
	if err := write(dir+"uid_map", a.UID.line()); err != nil {
		return err
	}
	if !a.Setgroups {
		if err := write(dir+"setgroups", "deny"); err != nil {
			return err
		}
	}
	return write(dir+"gid_map", a.GID.line())
}

func (m Map) line() string { return fmt.Sprintf("%d %d 1\n", m.Inside, m.Outside) }

func write(name, text string) error {
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		return &os.PathError{Op: "write", Path: name, Err: err}
	}
	return nil
}
