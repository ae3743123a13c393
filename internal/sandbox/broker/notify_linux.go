package broker

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// request is struct seccomp_notif with its struct seccomp_data (seccomp.h).
type request struct {
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

	waitKillable = 1 << 5 // SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, Linux 5.19
)

// listener is the kernel's side of the broker.
type listener int

func (l listener) ioctl(op uintptr, p unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(l), op, uintptr(p))
	return errno
}

func (l listener) receive(r *request) unix.Errno {
	*r = request{}
	return l.ioctl(ioctlReceive, unsafe.Pointer(r))
}

// valid says that the caller still waits: what was read from below its number
// in /proc was its own.
func (l listener) valid(id uint64) bool {
	return l.ioctl(ioctlValid, unsafe.Pointer(&id)) == 0
}

// fail answers with an error, 0 for success.
func (l listener) fail(id uint64, errno unix.Errno) {
	resp := response{ID: id, Error: -int32(errno)}
	_ = l.ioctl(ioctlSend, unsafe.Pointer(&resp)) // ENOENT: the caller is gone
}

// proceed lets a call without pointers go on as it is.
func (l listener) proceed(id uint64) {
	resp := response{ID: id, Flags: flagContinue}
	_ = l.ioctl(ioctlSend, unsafe.Pointer(&resp))
}

// hand gives the caller a copy of fd as the call's result.
func (l listener) hand(id uint64, fd int, cloexec bool) {
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
			l.fail(id, errno)
			return
		}
	}
}
