// Package lack runs a program on a kernel that lacks a layer of the sandbox, or
// has an older one. It does so with a filter on the program's calls, which
// answers as such a kernel does; the program itself has no part in it.
//
// It is no sandbox. Its invariant: what it makes a kernel say is less than that
// kernel has, and never more.
package lack

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rule answers one system call with an errno; a condition holds it to calls
// whose argument arg has one of the bits, or is equal where exact is set.
type rule struct {
	nr    uint32
	errno uint32
	arg   int // -1 for every call
	value uint32
	exact bool
}

// lacks are kernels that miss something, made of answers that the kernel gives
// there. It is what a program can see of such a kernel.
func lacks(layer string) ([]rule, bool) {
	const netfilter = unix.NETLINK_NETFILTER
	all := func(errno syscall.Errno, nrs ...uint32) (rules []rule) {
		for _, nr := range nrs {
			rules = append(rules, rule{nr: nr, errno: uint32(errno), arg: -1})
		}
		return rules
	}
	switch layer {
	case "userns":
		return append(all(unix.ENOSYS, unix.SYS_CLONE3),
			rule{unix.SYS_CLONE, uint32(unix.EPERM), 0, unix.CLONE_NEWUSER, false},
			rule{unix.SYS_UNSHARE, uint32(unix.EPERM), 0, unix.CLONE_NEWUSER, false}), true
	case "landlock":
		return all(unix.ENOSYS, landlockCreate, landlockCreate+1, landlockCreate+2), true
	case "seccomp":
		return all(unix.ENOSYS, unix.SYS_SECCOMP), true
	case "nftables":
		return []rule{{unix.SYS_SOCKET, uint32(unix.EPROTONOSUPPORT), 2, netfilter, true}}, true
	case "mounts":
		return all(unix.ENOSYS, unix.SYS_OPEN_TREE, unix.SYS_MOVE_MOUNT, unix.SYS_MOUNT_SETATTR), true
	}
	return nil, layer == "procfs"
}

const landlockCreate = 444

// program compiles rules to a filter that allows the rest.
func program(rules []rule, otherwise uint32) []unix.SockFilter {
	const (
		load = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		same = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		bits = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
		ret  = unix.BPF_RET | unix.BPF_K
	)
	var p []unix.SockFilter
	for _, r := range rules {
		answer := unix.SockFilter{Code: ret, K: otherwise}
		if r.errno != 0 {
			answer.K = unix.SECCOMP_RET_ERRNO | r.errno
		}
		p = append(p, unix.SockFilter{Code: load, K: 0})
		if r.arg < 0 {
			p = append(p, unix.SockFilter{Code: same, K: r.nr, Jf: 1}, answer)
			continue
		}
		test := uint16(bits)
		if r.exact {
			test = same
		}
		p = append(p, unix.SockFilter{Code: same, K: r.nr, Jf: 3}, unix.SockFilter{Code: load, K: uint32(16 + 8*r.arg)},
			unix.SockFilter{Code: test, K: r.value, Jf: 1}, answer)
	}
	return append(p, unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW})
}

func install(p []unix.SockFilter, flags uintptr) (int, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return -1, err
	}
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	fd, _, e := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&prog)))
	if e != 0 {
		return -1, e
	}
	return int(fd), nil
}

// Layer becomes argv on a kernel that lacks a layer.
func Layer(layer string, argv []string) error {
	rules, ok := lacks(layer)
	if !ok {
		return fmt.Errorf("no layer %q", layer)
	}
	runtime.LockOSThread()
	if layer == "procfs" {
		if err := unix.Mount("/dev/null", "/proc/interrupts", "", unix.MS_BIND, ""); err != nil {
			return err
		}
		if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
			return err
		}
	}
	if len(rules) > 0 {
		if _, err := install(program(rules, 0), 0); err != nil {
			return err
		}
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return err
	}
	return unix.Exec(path, argv, os.Environ())
}

// notification and response are struct seccomp_notif and seccomp_notif_resp.
type notification struct {
	id         uint64
	pid, flags uint32
	nr         int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

type response struct {
	id    uint64
	val   int64
	errno int32
	flags uint32
}

const (
	notifyReceive  = 0xc0502100
	notifySend     = 0xc0182101
	notifyContinue = 1
)

// ABI runs argv on a kernel that says it has Landlock in that version: the
// question for the version is answered by us, the rest by the kernel.
func ABI(version string, argv []string) (int, error) {
	abi, err := strconv.Atoi(version)
	if err != nil {
		return 0, err
	}
	p := program([]rule{{nr: landlockCreate, arg: 2, value: 1, exact: true}}, unix.SECCOMP_RET_USER_NOTIF)
	ready := make(chan error)
	var cmd *exec.Cmd
	go func() {
		runtime.LockOSThread() // never unlocked: it carries the filter
		fd, err := install(p, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
		if err == nil {
			unix.CloseOnExec(fd)
			go answerVersion(fd, int64(abi))
			cmd = exec.Command(argv[0], argv[1:]...)
			cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
			err = cmd.Start()
		}
		ready <- err
		select {}
	}()
	if err := <-ready; err != nil {
		return 0, err
	}
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode(), nil
}

func answerVersion(fd int, abi int64) {
	for {
		var n notification
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), notifyReceive, uintptr(unsafe.Pointer(&n))); e != 0 {
			if e == unix.EINTR || e == unix.ENOENT {
				continue
			}
			return
		}
		r := response{id: n.id, val: abi}
		if n.args[0] != 0 { // not the question for the version
			r.val, r.flags = 0, notifyContinue
		}
		_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(fd), notifySend, uintptr(unsafe.Pointer(&r)))
	}
}
