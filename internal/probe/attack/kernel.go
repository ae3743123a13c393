//go:build linux

package attack

import (
	"errors"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/wire"
)

// reaches makes a call with arguments that the kernel refuses once it looks at
// them: any answer but those of a gate is reached. Some kernels lack the call.
func (t *try) reaches(what string, n uintptr, args ...uintptr) {
	err := wire.Call(n, args...)
	var e syscall.Errno
	switch {
	case errors.As(err, &e) && (e == unix.EPERM || e == unix.EACCES || e == unix.ENOSYS):
		t.saw(wire.Errno(err))
	default:
		t.claim = what + " is reached"
	}
}

func ring(t *try) {
	params := make([]byte, 120) // struct io_uring_params
	fd, _, e := unix.RawSyscall(unix.SYS_IO_URING_SETUP, 4, wire.Pointer(params), 0)
	if e != 0 {
		t.saw(wire.Errno(e))
	} else {
		t.claim = "a ring"
		unix.Close(int(fd))
	}
	t.reaches("io_uring_enter", unix.SYS_IO_URING_ENTER, ^uintptr(0))
	t.reaches("io_uring_register", unix.SYS_IO_URING_REGISTER, ^uintptr(0))
}

func (t *try) socket(what string, family, kind, proto int) {
	fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, proto)
	if err == nil {
		unix.Close(fd)
		t.claim = what
		return
	}
	if e := wire.Errno(err); e == "EPERM" || e == "EACCES" || e == "EPROTONOSUPPORT" {
		t.saw(e)
	}
}

func afALG(t *try) {
	t.socket("AF_ALG", unix.AF_ALG, unix.SOCK_SEQPACKET, 0)
}

// families opens every family but those that programs need.
func families(t *try) {
	for f := 0; f <= 45; f++ {
		if f == unix.AF_UNIX || f == unix.AF_INET || f == unix.AF_INET6 || f == unix.AF_NETLINK {
			continue
		}
		for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_RAW, unix.SOCK_SEQPACKET} {
			t.socket("family "+itoa(f), f, kind, 0)
		}
	}
	fds, err := unix.Socketpair(unix.AF_TIPC, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		t.claim = "a TIPC pair"
	}
}

func netlinks(t *try) {
	for p := 1; p <= 22; p++ { // 0 is ROUTE, which listing interfaces needs
		t.socket("netlink protocol "+itoa(p), unix.AF_NETLINK, unix.SOCK_RAW, p)
	}
}

func rawSockets(t *try) {
	for _, f := range []int{unix.AF_INET, unix.AF_INET6} {
		t.socket("raw", f, unix.SOCK_RAW, unix.IPPROTO_ICMP)
		t.socket("raw", f, unix.SOCK_RAW, unix.IPPROTO_RAW)
		t.socket("packet of old", f, unix.SOCK_PACKET, 0x0300)
	}
	t.socket("AF_PACKET", unix.AF_PACKET, unix.SOCK_RAW, 0x0300)
}

func otherTransports(t *try) {
	for _, s := range [][3]int{{unix.AF_INET, unix.SOCK_STREAM, 132}, {unix.AF_INET, unix.SOCK_SEQPACKET, 132}, {unix.AF_INET, 6, 33},
		{unix.AF_INET, unix.SOCK_DGRAM, 136}, {unix.AF_INET6, unix.SOCK_DGRAM, 136}, {unix.AF_SMC, unix.SOCK_STREAM, 0}, {unix.AF_TIPC, unix.SOCK_STREAM, 0}} {
		t.socket("protocol "+itoa(s[2])+" of family "+itoa(s[0]), s[0], s[1], s[2])
	}
}

// userModeOnly is UFFD_USER_MODE_ONLY: without it the call is root's.
const userModeOnly = 1

func userfault(t *try) {
	fd, _, e := unix.RawSyscall(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|userModeOnly, 0, 0)
	if e != 0 {
		t.saw(wire.Errno(e))
		return
	}
	unix.Close(int(fd))
	t.claim = "userfaultfd"
}

func bpfPerf(t *try) {
	t.reaches("bpf", unix.SYS_BPF, 0, 0, 0)
	t.reaches("perf_event_open", unix.SYS_PERF_EVENT_OPEN, 0, 0, 0, ^uintptr(0), 0)
	t.reaches("fanotify_init", unix.SYS_FANOTIFY_INIT, ^uintptr(0), 0)
}

// machineCalls makes each with arguments that are refused by everybody who
// looks at them, so that nothing happens where they are reached.
func machineCalls(t *try) {
	bad := ^uintptr(0)
	t.reaches("init_module", unix.SYS_INIT_MODULE, 0, 0, 0)
	t.reaches("finit_module", unix.SYS_FINIT_MODULE, bad, 0, bad)
	t.reaches("kexec_load", unix.SYS_KEXEC_LOAD, 0, 0, 0, bad)
	t.reaches("reboot", unix.SYS_REBOOT, 0, 0, 0, 0)
	t.reaches("swapon", unix.SYS_SWAPON, bad, 0)
	t.reaches("acct", unix.SYS_ACCT, bad)
	t.reaches("settimeofday", unix.SYS_SETTIMEOFDAY, bad, 0)
	t.reaches("clock_settime", unix.SYS_CLOCK_SETTIME, bad, bad)
	t.reaches("quotactl", unix.SYS_QUOTACTL, bad, bad, 0, 0)
	t.reaches("syslog", unix.SYS_SYSLOG, 10, 0, 0)
	t.reaches("sethostname", unix.SYS_SETHOSTNAME, bad, 1)
	t.reaches("kexec_file_load", unix.SYS_KEXEC_FILE_LOAD, bad, bad, 0, 0, bad)
}

// filterProg returns a filter of one instruction: allow.
func filterProg() (*unix.SockFprog, *[1]unix.SockFilter) {
	f := &[1]unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW}}
	return &unix.SockFprog{Len: 1, Filter: &f[0]}, f
}

func listener(t *try) {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	prog, keep := filterProg()
	fd, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(prog)))
	runtime.KeepAlive(keep)
	if e != 0 {
		t.saw(wire.Errno(e))
		return
	}
	t.claim = "a listener, descriptor " + itoa(int(fd))
}

func unlock(t *try) {
	t.met(unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), "no_new_privs is off")
	t.met(unix.Prctl(unix.PR_SET_SECCOMP, 0, 0, 0, 0), "the filter is off")
}

// x32 asks for a socket under its number in the x32 table.
func x32(t *try) {
	if x32Socket == 0 {
		t.saw("SIGSYS") // no such table on this architecture
		return
	}
	fd, _, e := unix.RawSyscall(x32Socket, unix.AF_INET, unix.SOCK_STREAM, 0)
	if e == 0 {
		t.claim = "an x32 socket"
		unix.Close(int(fd))
		return
	}
	t.saw(wire.Errno(e))
}

func persona(t *try) {
	for _, p := range []uintptr{0x0100000, 0x0400000, 0x0800000, 0x0080000} { // MMAP_PAGE_ZERO, READ_IMPLIES_EXEC, ADDR_LIMIT_32BIT, ADDR_COMPAT_LAYOUT
		t.met(wire.Call(unix.SYS_PERSONALITY, p), "personality "+itoa(int(p)))
		_ = wire.Call(unix.SYS_PERSONALITY, 0)
	}
}

const (
	landlockCreate   = 444
	landlockRestrict = 446
)

// layers stacks domains that deny nothing of use until the kernel has no room.
func layers(t *try) {
	runtime.LockOSThread()
	_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	rights := uint64(unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK)
	for range 20 {
		fd, _, e := unix.RawSyscall(landlockCreate, uintptr(unsafe.Pointer(&rights)), 8, 0)
		if e != 0 {
			break
		}
		_ = wire.Call(landlockRestrict, fd, 0)
		unix.Close(int(fd))
	}
	t.read(t.Out + "/secret")
}

// mute asks for a domain whose denials, and those of what it starts, are not
// recorded.
func mute(t *try) {
	runtime.LockOSThread()
	const subdomainsOff = 4
	if err := wire.Call(landlockRestrict, ^uintptr(0), subdomainsOff); err != nil {
		t.saw(wire.Errno(err))
		return
	}
	t.saw(probe.Nothing)
}
