package broker

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/sandbox/notify"
)

// row is one call that is asked about, unless all of its flags argument lies
// outside of mask.
type row struct {
	nr   uint32
	flag int8 // the argument with open's flags; -1: always
	do   func(*call) outcome
}

const always = -1

// writing are the flags of open that create or change something.
const writing = unix.O_ACCMODE | unix.O_CREAT | unix.O_TRUNC | (unix.O_TMPFILE &^ unix.O_DIRECTORY)

func table() []row {
	return append(archTable(), []row{
		{unix.SYS_OPENAT, 2, (*call).openat},
		{unix.SYS_MKDIRAT, always, (*call).mkdirat},
		{unix.SYS_MKNODAT, always, (*call).mknodat},
		{unix.SYS_RENAMEAT2, always, (*call).renameat2},
		{unix.SYS_LINKAT, always, (*call).linkat},
		{unix.SYS_SYMLINKAT, always, (*call).symlinkat},
		{unix.SYS_TRUNCATE, always, (*call).truncate},
		{unix.SYS_UMASK, always, (*call).umask},
	}...)
}

const (
	load  = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	equal = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	anyOf = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	ret   = unix.BPF_RET | unix.BPF_K

	offNr   = 0
	offArgs = 16
)

// program needs no check of the architecture: the sandbox's own filter, which
// stands beside it, kills every foreign one, and the stricter answer wins.
//
// A nested Landlock domain could not hold against a broker that acts outside
// of it, so there is none: programs are told that Landlock is switched off.
func program() []unix.SockFilter {
	const (
		allow  = unix.SECCOMP_RET_ALLOW
		notify = unix.SECCOMP_RET_USER_NOTIF
	)
	p := append([]unix.SockFilter{{Code: load, K: offNr}}, naming()...)
	p = append(p, []unix.SockFilter{
		{Code: equal, K: unix.SYS_LANDLOCK_CREATE_RULESET, Jf: 1},
		{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EOPNOTSUPP)}}...)
	for _, r := range table() {
		if r.flag == always {
			p = append(p, unix.SockFilter{Code: equal, K: r.nr, Jf: 1}, unix.SockFilter{Code: ret, K: notify})
			continue
		}
		p = append(p, unix.SockFilter{Code: equal, K: r.nr, Jf: 5},
			unix.SockFilter{Code: load, K: offArgs + 8*uint32(r.flag)},
			unix.SockFilter{Code: anyOf, K: unix.O_PATH, Jt: 2}, // opens nothing
			unix.SockFilter{Code: anyOf, K: writing, Jf: 1},
			unix.SockFilter{Code: ret, K: notify},
			unix.SockFilter{Code: ret, K: allow})
	}
	return append(p, unix.SockFilter{Code: ret, K: allow})
}

// makers are ioctl(2) requests, type and number, that make a name without a
// call of its own: subvolumes and snapshots of btrfs, subvolumes of bcachefs,
// and a reflink of ocfs2. An ordinary user may use them.
var makers = []uint32{0x9401, 0x940e, 0x9417, 0x9418, 0xbc10, 0x6f04}

// naming refuses those, and leaves the call's number in the accumulator.
func naming() []unix.SockFilter {
	last := uint8(len(makers))
	p := []unix.SockFilter{
		{Code: equal, K: unix.SYS_IOCTL, Jf: last + 4},
		{Code: load, K: offArgs + 8},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: 0xffff},
	}
	for i, m := range makers {
		p = append(p, unix.SockFilter{Code: equal, K: m, Jt: last - uint8(i)})
	}
	return append(p, unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)})
}

// ErrKernel says that the kernel is too old for a broker.
var ErrKernel = errors.New("--strict-names needs Linux 5.19: older kernels restart a call that a signal meets, and it would be done twice")

// Install puts the filter on the calling thread, which must be locked and have
// no_new_privs, and must not be one that serves. It returns the listener; the
// sandbox's own filter, which forbids further ones, comes after it.
func Install() (int, error) {
	fd, errno := notify.Install(program(), notify.WaitKillable)
	switch {
	case errno == unix.EINVAL:
		return -1, ErrKernel
	case errno != 0:
		return -1, fmt.Errorf("name broker: %w", errno)
	}
	return fd, nil
}
