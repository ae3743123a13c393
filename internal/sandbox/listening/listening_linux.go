package listening

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/sandbox/notify"
)

// firstEphemeral begins the range from which the kernel gives a port to who
// asked for none, as test runners do; a new network namespace has this one
// (ip(7), ip_local_port_range).
const firstEphemeral = 32768

// Install puts the filter on the calling thread, see notify.Install. It needs
// no check of the architecture: the sandbox's own filter kills foreign ones.
func Install() (int, error) {
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the call's number
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: unix.SYS_LISTEN, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	fd, errno := notify.Install(program, notify.WaitKillable)
	if errno == unix.EINVAL { // before 5.19; a call that is begun anew is only seen twice
		fd, errno = notify.Install(program, 0)
	}
	if errno != 0 {
		return -1, fmt.Errorf("watching for ports: %w", errno)
	}
	return fd, nil
}

// Serve answers for the life of the process. report is called once for each
// port of the loopback below the ephemeral range and must not block; it says
// false to be told again. dead is called if it can't go on, and must end the
// process: callers would wait for ever.
func Serve(fd int, report func(port uint16) bool, dead func(error)) {
	go func() {
		defer func() {
			if r := recover(); r != nil {
				dead(fmt.Errorf("watching for ports: %v", r))
			}
		}()
		runtime.LockOSThread()
		var seen [firstEphemeral]bool
		l := notify.Listener(fd)
		var r notify.Request
		for {
			switch errno := l.Receive(&r); errno {
			case 0:
				p, ok := portOf(l, &r)
				if ok && !seen[p] {
					seen[p] = report(p)
				}
				l.Proceed(r.ID)
			case unix.EINTR, unix.ENOENT: // the caller was killed before we looked
			default:
				dead(os.NewSyscallError("watching for ports", errno))
				return
			}
		}
	}()
}

// portOf is the port that the caller's socket is bound to, where a connection
// to the loopback would reach it.
func portOf(l notify.Listener, r *notify.Request) (uint16, bool) {
	pid, err := unix.PidfdOpen(process(r.Pid), 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(pid)
	fd, err := unix.PidfdGetfd(pid, int(int32(r.Args[0])), 0)
	if err != nil {
		return 0, false
	}
	defer unix.Close(fd)
	if !l.Valid(r.ID) { // the number was another process's by then
		return 0, false
	}
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	if err != nil || kind != unix.SOCK_STREAM {
		return 0, false
	}
	name, _ := unix.Getsockname(fd)
	var at netip.AddrPort
	switch a := name.(type) {
	case *unix.SockaddrInet4:
		at = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		at = netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	reached := at.Addr() == netip.AddrFrom4([4]byte{127, 0, 0, 1}) || at.Addr() == netip.IPv6Loopback() || at.Addr().IsUnspecified()
	return at.Port(), reached && at.Port() > 0 && at.Port() < firstEphemeral
}

// process is the one that a thread belongs to.
func process(thread uint32) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(int(thread)) + "/status")
	if err != nil {
		return int(thread)
	}
	_, rest, _ := bytes.Cut(b, []byte("\nTgid:\t"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.Atoi(string(line))
	if err != nil {
		return int(thread)
	}
	return n
}
