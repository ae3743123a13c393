package notify

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Request is struct seccomp_notif with its struct seccomp_data (seccomp.h).
type Request struct {
	ID    uint64
	Pid   uint32 // the calling thread, in our pid namespace
	Flags uint32
	Nr    int32
	Arch  uint32
	IP    uint64
	Args  [6]uint64
}

// response is struct seccomp_notif_resp.
type response struct {
	ID    uint64
	Val   int64
	Error int32
	Flags uint32
}

// addition is struct seccomp_notif_addfd.
type addition struct {
	ID    uint64
	Flags uint32
	Src   uint32
	New   uint32
	Attr  uint32
}

// The requests of a listener, see seccomp_unotify(2).
const (
	ioctlReceive  = 0xc0502100
	ioctlSend     = 0xc0182101
	ioctlValid    = 0x40082102
	ioctlAdd      = 0x40182103
	ioctlSetFlags = 0x40082104

	syncWakeUp   = 1 // SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP: the two run on one processor, in turn
	flagContinue = 1 // SECCOMP_USER_NOTIF_FLAG_CONTINUE
	addAndSend   = 2 // SECCOMP_ADDFD_FLAG_SEND

	// WaitKillable keeps a signal from interrupting a call that was received:
	// SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19.
	WaitKillable = 1 << 5
)

// Listener is the kernel's side: where calls that wait are asked for, and answered.
type Listener int

// Install puts a filter with a listener on the calling thread, which must be
// locked and have no_new_privs, and must not be one that answers. A thread has
// at most one such filter.
func Install(program []unix.SockFilter, flags uintptr) (fd int, errno unix.Errno) {
	prog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	n, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER,
		unix.SECCOMP_FILTER_FLAG_NEW_LISTENER|flags, uintptr(unsafe.Pointer(&prog)))
	return int(n), errno
}

// WakeTogether has caller and listener run on one processor, in turn. Only
// Linux 6.6 and later; without it all is the same, but slower.
func (l Listener) WakeTogether() {
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(l), ioctlSetFlags, syncWakeUp)
}

func (l Listener) ioctl(op uintptr, p unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l), op, uintptr(p))
	return errno
}

// Receive waits for a call. EINTR and ENOENT mean: ask again.
func (l Listener) Receive(r *Request) unix.Errno {
	*r = Request{}
	return l.ioctl(ioctlReceive, unsafe.Pointer(r))
}

// Valid says that the caller still waits: what was read from below its number
// in /proc was its own.
func (l Listener) Valid(id uint64) bool {
	return l.ioctl(ioctlValid, unsafe.Pointer(&id)) == 0
}

// Fail answers with an error, 0 for success.
func (l Listener) Fail(id uint64, errno unix.Errno) {
	resp := response{ID: id, Error: -int32(errno)}
	_ = l.ioctl(ioctlSend, unsafe.Pointer(&resp)) // ENOENT: the caller is gone
}

// Proceed lets a call without pointers go on as it is.
func (l Listener) Proceed(id uint64) {
	resp := response{ID: id, Flags: flagContinue}
	_ = l.ioctl(ioctlSend, unsafe.Pointer(&resp))
}

// Hand gives the caller a copy of fd as the call's result.
func (l Listener) Hand(id uint64, fd int, cloexec bool) {
	a := addition{ID: id, Flags: addAndSend, Src: uint32(fd)}
	if cloexec {
		a.Attr = unix.O_CLOEXEC
	}
	for {
		switch errno := l.ioctl(ioctlAdd, unsafe.Pointer(&a)); errno {
		case 0, unix.ENOENT:
			return
		case unix.EINTR, unix.EAGAIN:
		default: // the caller may have no more descriptors
			l.Fail(id, errno)
			return
		}
	}
}
