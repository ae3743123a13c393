package broker

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/sandbox/notify"
)

const (
	// workers take calls at the same time: one is busy while another waits for
	// a disk. More than that gain nothing, whatever a program inside floods.
	workers = 4
	// maxWaiting bounds the calls that wait for the other end of a FIFO, or
	// for a lease to be given up.
	maxWaiting = 64
)

// broker is shared by the workers.
type broker struct {
	Config
	listener notify.Listener
	calls    map[int32]func(*call) outcome
	root     int // "/", O_PATH
	proc     int // "/proc", O_PATH
	self     int // our own "/proc/self/fd", O_PATH
	masks    masks
	waiting  chan struct{}
}

// Serve answers for the life of the process. It returns when the workers are
// ready; dead is called if one of them can't go on, and must end the process.
func Serve(fd int, c Config, dead func(error)) error {
	b := &broker{Config: c, listener: notify.Listener(fd), calls: map[int32]func(*call) outcome{}, waiting: make(chan struct{}, maxWaiting)}
	for _, r := range table() {
		b.calls[int32(r.nr)] = r.do
	}
	for path, at := range map[string]*int{"/": &b.root, "/proc": &b.proc, "/proc/self/fd": &b.self} {
		var err error
		if *at, err = unix.Open(path, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return fmt.Errorf("name broker: %s: %w", path, err)
		}
	}
	b.listener.WakeTogether()
	ready := make(chan error)
	for range workers {
		go func() {
			err := prepareThread()
			ready <- err
			if err == nil {
				b.work(dead)
			}
		}()
	}
	for range workers {
		if err := <-ready; err != nil {
			return fmt.Errorf("name broker: %w", err)
		}
	}
	return nil
}

// prepareThread gives the calling goroutine a thread of its own: with a umask
// of its own, no capability but to read what a program that hides its memory
// asks for, and no signal that could interrupt a call in the middle (a
// descriptor would be handed over and the call be told EINTR).
func prepareThread() error {
	runtime.LockOSThread()
	all := ^uint64(0)
	if _, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, unix.SIG_SETMASK, uintptr(unsafe.Pointer(&all)), 0, 8, 0, 0); errno != 0 {
		return errno
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil {
		return err
	}
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var keep [2]unix.CapUserData // two 32-bit words a set (capset(2))
	keep[0].Effective, keep[0].Permitted = 1<<unix.CAP_SYS_PTRACE, 1<<unix.CAP_SYS_PTRACE
	return unix.Capset(&head, &keep[0])
}

func (b *broker) work(dead func(error)) {
	defer func() {
		if r := recover(); r != nil { // the caller of this moment waits for ever: end it all
			dead(fmt.Errorf("name broker: %v", r))
		}
	}()
	c := &call{broker: b}
	for {
		switch errno := b.listener.Receive(&c.Request); errno {
		case 0:
			c.serve()
		case unix.EINTR, unix.ENOENT: // the caller was killed before we looked
		default:
			dead(os.NewSyscallError("seccomp listener", errno))
			return
		}
	}
}

// mounted says that something is mounted at path.
func mounted(path string) bool {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, unix.STATX_TYPE, &st)
	return err == nil && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}
