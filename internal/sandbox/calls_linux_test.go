package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// callArg makes the test binary perform one call and print its errno. The same
// binary does it inside a sandbox and, as the control, outside.
const callArg = "bailey-test-call"

// inside is what the sandbox must answer; outside lists what the kernel may
// answer to the same user without one. They never overlap: a call that fails
// anyway would prove nothing.
type call struct {
	name    string
	do      func() unix.Errno
	inside  unix.Errno
	outside []unix.Errno
}

func raw(nr uintptr, args ...uintptr) unix.Errno {
	var a [6]uintptr
	copy(a[:], args)
	_, _, e := unix.RawSyscall6(nr, a[0], a[1], a[2], a[3], a[4], a[5])
	return e
}

func socket(domain, kind, proto uintptr) func() unix.Errno {
	return func() unix.Errno { return raw(unix.SYS_SOCKET, domain, kind, proto) }
}

// scratch is a file in the working directory that chmod is tried on.
func scratch() *byte {
	_ = os.WriteFile("scratch", nil, 0o600)
	p, _ := unix.BytePtrFromString("scratch")
	return p
}

func calls() []call {
	ok := []unix.Errno{0}
	cwd := unix.AT_FDCWD // a variable, because the constant is negative
	at := uintptr(cwd)
	name := func(s string) uintptr { p, _ := unix.BytePtrFromString(s); return uintptr(unsafe.Pointer(p)) }
	return []call{
		{"unshare-user", func() unix.Errno { return raw(unix.SYS_UNSHARE, unix.CLONE_NEWNS) }, unix.EPERM, ok},
		{"clone3", func() unix.Errno { return raw(unix.SYS_CLONE3, 0, 0) }, unix.ENOSYS, []unix.Errno{unix.EINVAL}},
		{"setns", func() unix.Errno { return raw(unix.SYS_SETNS, ^uintptr(0), 0) }, unix.EPERM, []unix.Errno{unix.EBADF}},
		{"io_uring", func() unix.Errno { return raw(unix.SYS_IO_URING_SETUP, 1, 0) }, unix.ENOSYS, []unix.Errno{unix.EFAULT}},
		{"keyctl", func() unix.Errno { return raw(unix.SYS_KEYCTL, 0, ^uintptr(2), 0) }, unix.EPERM, ok},
		{"add_key", func() unix.Errno { return raw(unix.SYS_ADD_KEY, 0, 0, 0, 0, 0) }, unix.EPERM, []unix.Errno{unix.EFAULT}},
		{"bpf", func() unix.Errno { return raw(unix.SYS_BPF, 9999, 0, 0) }, unix.EPERM, []unix.Errno{unix.EINVAL}},
		{"open_tree", func() unix.Errno { return raw(unix.SYS_OPEN_TREE, at, name("/"), 0) }, unix.EPERM, ok},
		{"fsopen", func() unix.Errno { return raw(unix.SYS_FSOPEN, 0, 0) }, unix.EPERM, []unix.Errno{unix.EFAULT}},
		{"openat2", func() unix.Errno { return raw(unix.SYS_OPENAT2, at, 0, 0, 0) }, unix.ENOSYS, []unix.Errno{unix.EINVAL}},
		{"af-alg", socket(unix.AF_ALG, unix.SOCK_SEQPACKET, 0), unix.EPERM, []unix.Errno{0, unix.EAFNOSUPPORT}},
		{"af-vsock", socket(unix.AF_VSOCK, unix.SOCK_STREAM, 0), unix.EPERM, []unix.Errno{0, unix.EAFNOSUPPORT}},
		{"netlink-audit", socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_AUDIT), unix.EPERM, []unix.Errno{0, unix.EPROTONOSUPPORT}},
		{"netlink-uevent", socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_KOBJECT_UEVENT), unix.EPERM, ok},
		{"mptcp", socket(unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP), unix.EPROTONOSUPPORT, []unix.Errno{0}},
		{"sctp-by-type", socket(unix.AF_INET, unix.SOCK_SEQPACKET, 0), unix.EPERM, []unix.Errno{0, unix.EPROTONOSUPPORT, unix.ESOCKTNOSUPPORT}},
		{"dccp-by-type", socket(unix.AF_INET6, unix.SOCK_DCCP, 0), unix.EPERM, []unix.Errno{0, unix.EPROTONOSUPPORT, unix.ESOCKTNOSUPPORT}},
		{"kernel-tls", func() unix.Errno {
			fd, _ := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			return raw(unix.SYS_SETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_ULP, name("tls"), 3)
		}, unix.ENOPROTOOPT, []unix.Errno{0, unix.ENOENT, unix.ENOTCONN}},
		{"personality", func() unix.Errno { return raw(unix.SYS_PERSONALITY, 0x0400000) }, unix.EPERM, ok},
		{"tiocsti", func() unix.Errno { return raw(unix.SYS_IOCTL, ^uintptr(0), unix.TIOCSTI) }, unix.EPERM, []unix.Errno{unix.EBADF}},
		{"tiocsti-high-bits", func() unix.Errno { return raw(unix.SYS_IOCTL, ^uintptr(0), 1<<32|unix.TIOCSTI) }, unix.EPERM, []unix.Errno{unix.EBADF}},
		{"setuid-fchmodat", func() unix.Errno {
			return raw(unix.SYS_FCHMODAT, at, uintptr(unsafe.Pointer(scratch())), 0o4755)
		}, unix.EPERM, ok},
		{"setuid-fchmodat2", func() unix.Errno {
			return raw(452, at, uintptr(unsafe.Pointer(scratch())), 0o4755, 0)
		}, unix.EPERM, ok},
		{"setgid-create", func() unix.Errno {
			return raw(unix.SYS_OPENAT, at, name("setgid"), unix.O_CREAT|unix.O_WRONLY, 0o2755)
		}, unix.EPERM, ok},
		// What must go on working.
		{"netlink-route", socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE), 0, ok},
		{"tcp", socket(unix.AF_INET6, unix.SOCK_STREAM, 0), 0, ok},
		{"unix", socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0), 0, ok},
		{"chmod", func() unix.Errno { return raw(unix.SYS_FCHMODAT, at, uintptr(unsafe.Pointer(scratch())), 0o755) }, 0, ok},
		{"open-garbage-mode", func() unix.Errno { return raw(unix.SYS_OPENAT, at, name("."), unix.O_RDONLY, 0o7777) }, 0, ok},
	}
}

// performCall is the child's side.
func performCall(name string) {
	for _, c := range calls() {
		if c.name == name {
			fmt.Println(int(c.do()))
		}
	}
}

func TestCalls(t *testing.T) {
	exe, err := filepath.EvalSymlinks("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range calls() {
		t.Run(c.name, func(t *testing.T) {
			s, ws := baseSpec(t, "")
			s.Path, s.Args = exe, []string{exe, callArg, c.name}
			s.Mounts = append(s.Mounts, Mount{Source: exe, Target: exe})
			out, _ := run(t, s)
			if got := strings.TrimSpace(out); got != fmt.Sprint(int(c.inside)) {
				t.Errorf("inside: errno %s, want %d (%v)", got, c.inside, c.inside)
			}
			control := exec.Command(exe, callArg, c.name)
			control.Dir, control.Env = ws, s.Env
			b, err := control.Output()
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range c.outside {
				if strings.TrimSpace(string(b)) == fmt.Sprint(int(want)) {
					return
				}
			}
			if os.Getuid() != 0 && strings.TrimSpace(string(b)) == fmt.Sprint(int(unix.EPERM)) {
				t.Logf("control needs root: errno %s", b)
				return
			}
			t.Errorf("control: errno %s, want one of %v", b, c.outside)
		})
	}
}

// PID 1 must be out of reach for every signal, whichever of its threads
// forked the workload: tried often, because the scheduler chooses that.
func TestFirstProcessCannotBeSignalled(t *testing.T) {
	for range 20 {
		s, _ := baseSpec(t, `kill -0 1 2>/dev/null && echo reached; kill -TERM 1 2>/dev/null; echo alive`)
		if out, e := run(t, s); out != "alive\n" || e.Code != 0 {
			t.Fatalf("%q, %+v", out, e)
		}
	}
}

// A foreign ABI must not answer but die: its numbers mean other calls.
func TestX32Dies(t *testing.T) {
	exe, err := filepath.EvalSymlinks("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	s, _ := baseSpec(t, "")
	s.Path, s.Args = exe, []string{exe, callArg, "x32"}
	s.Mounts = append(s.Mounts, Mount{Source: exe, Target: exe})
	if _, e := run(t, s); e.Signal != int(unix.SIGSYS) {
		t.Fatalf("ended with %+v, want SIGSYS", e)
	}
}
