//go:build linux

package attack

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/wire"
)

func itoa(n int) string { return strconv.Itoa(n) }

// trace tries every way into another process's memory and descriptors.
func trace(t *try) {
	runtime.LockOSThread()
	b := make([]byte, 256)
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	n, err := unix.ProcessVMReadv(t.Victim, local, []unix.RemoteIovec{{Base: uintptr(t.Memory), Len: len(b)}}, 0)
	if err == nil {
		t.found(b[:n])
	} else {
		t.saw(wire.Errno(err))
	}
	if mem, err := os.Open("/proc/" + itoa(t.Victim) + "/mem"); err == nil {
		n, _ := mem.ReadAt(b, int64(t.Memory))
		t.found(b[:max(n, 0)])
		mem.Close()
	}
	pidfd, err := unix.PidfdOpen(t.Victim, 0)
	if err != nil {
		t.saw(wire.Errno(err))
	} else if fd, err := unix.PidfdGetfd(pidfd, 3, 0); err == nil {
		k, _ := unix.Pread(fd, b, 0)
		t.found(b[:max(k, 0)])
	} else {
		t.saw(wire.Errno(err))
	}
	if err := unix.PtraceAttach(t.Victim); err == nil {
		t.claim = "attached to " + itoa(t.Victim)
		_, _ = unix.Wait4(t.Victim, nil, 0, nil)
		_ = unix.PtraceDetach(t.Victim)
	} else {
		t.saw(wire.Errno(err))
	}
}

// signals reaches for the victim, which makes the mark when it gets one, for
// its neighbours and for everything.
func signals(t *try) {
	for _, pid := range []int{t.Victim, -t.Victim} {
		t.met(unix.Kill(pid, unix.SIGUSR1), "signalled "+itoa(pid))
	}
	if pidfd, err := unix.PidfdOpen(t.Victim, 0); err == nil {
		t.met(unix.PidfdSendSignal(pidfd, unix.SIGUSR1, nil, 0), "signalled by pidfd")
	}
	if unix.Getpid() != 1 && t.claim == "" { // in a control everything is the fixture itself
		_ = unix.Kill(-1, unix.SIGWINCH)
		t.saw(probe.Nothing)
	}
}

// newMounts calls the mount interface of 5.2 and later.
func newMounts(t *try) {
	root, _ := unix.BytePtrFromString("/")
	tmpfs, _ := unix.BytePtrFromString("tmpfs")
	r, tm := uintptr(unsafe.Pointer(root)), uintptr(unsafe.Pointer(tmpfs))
	at := ^uintptr(99) // AT_FDCWD
	for _, c := range []struct {
		name string
		args []uintptr
	}{
		{"open_tree", []uintptr{unix.SYS_OPEN_TREE, at, r, unix.OPEN_TREE_CLONE}},
		{"fsopen", []uintptr{unix.SYS_FSOPEN, tm, 0}},
		{"fspick", []uintptr{unix.SYS_FSPICK, at, r, 0}},
		{"mount_setattr", []uintptr{unix.SYS_MOUNT_SETATTR, at, r, 0, 0, 0}},
		{"move_mount", []uintptr{unix.SYS_MOVE_MOUNT, at, r, at, r, 0}},
		{"fsmount", []uintptr{unix.SYS_FSMOUNT, ^uintptr(0), 0, 0}},
		{"fsconfig", []uintptr{unix.SYS_FSCONFIG, ^uintptr(0), 0, 0, 0, 0}},
	} {
		t.reaches(c.name, c.args[0], c.args[1:]...)
	}
	runtime.KeepAlive(root)
	runtime.KeepAlive(tmpfs)
}

func namespaces(t *try) {
	runtime.LockOSThread()
	const place = "/run/lock" // nothing of another attack's lies there
	if t.met(unix.Mount("tmpfs", place, "tmpfs", 0, ""), "mounted") {
		_ = unix.Unmount(place, unix.MNT_DETACH)
	}
	t.met(unix.Unshare(unix.CLONE_NEWUSER), "a user namespace")
	t.met(unix.Unshare(unix.CLONE_NEWNET), "a network namespace")
	if fd, err := unix.Open("/proc/1/ns/mnt", unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil {
		t.met(unix.Setns(fd, unix.CLONE_NEWNS), "the mount namespace of PID 1")
	}
	t.met(unix.PivotRoot("/", "/"), "pivot_root")
	child := exec.Command("/bin/true")
	child.SysProcAttr = &unix.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER | unix.CLONE_NEWNS}
	t.met(child.Run(), "a child in new namespaces")
	t.met(wire.Call(unix.SYS_CLONE3, 0, 0), "clone3")
	t.met(unix.Chroot("/"), "chroot")
}

func joinNet(t *try) {
	runtime.LockOSThread()
	for _, p := range []string{"/proc/1/ns/net", "/proc/" + itoa(t.Victim) + "/ns/net", "/run/netns/other"} {
		fd, err := unix.Open(p, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err == nil {
			err = unix.Setns(fd, unix.CLONE_NEWNET)
			unix.Close(fd)
		}
		t.met(err, "joined "+p)
	}
}

// becomeRoot looks for a capability by every door; having one already counts.
func becomeRoot(t *try) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.saw(wire.Errno(err))
	}
	if i := bytes.Index(status, []byte("CapEff:\t")); i >= 0 && !bytes.HasPrefix(status[i+8:], []byte("0000000000000000")) {
		t.claim = "effective capabilities"
	}
	if os.Geteuid() != 0 {
		_, _, e := unix.RawSyscall(unix.SYS_SETUID, 0, 0, 0)
		if e == 0 {
			t.claim = "uid 0"
		} else {
			t.saw(wire.Errno(e))
		}
	}
	if set, _ := filepath.Glob("/usr/bin/su"); len(set) > 0 {
		if out, err := exec.Command("su", "-c", "id -u").Output(); err == nil && string(out) == "0\n" {
			t.claim = "root by su"
		}
	}
}

// otherTerminals writes to every terminal whose name it can guess.
func otherTerminals(t *try) {
	names, _ := filepath.Glob("/dev/pts/[0-9]*")
	for _, p := range append(names, t.TTY, "/dev/tty", "/dev/tty0", "/dev/tty1", "/dev/console") {
		f, err := os.OpenFile(p, os.O_WRONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
		if err != nil {
			t.saw(wire.Errno(err))
			continue
		}
		_, _ = f.WriteString(t.token())
		f.Close()
	}
}
