//go:build linux

package machine

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// channels makes what does not lie in the file system: a key in the user's
// keyring, shared memory, a message queue and another terminal. A kernel that
// lacks one has no such probe to fail.
func (w *world) channels() error {
	if id, err := unix.AddKey("user", "bailey-probe", []byte(w.canary("the user's keyring")), unix.KEY_SPEC_USER_KEYRING); err == nil {
		_, _ = unix.KeyctlInt(unix.KEYCTL_SETPERM, id, 0x3f3f0000, 0, 0)
		w.target.Key = id
	}
	w.target.Shm = 0x7a11e9
	if id, err := unix.SysvShmGet(w.target.Shm, 4096, unix.IPC_CREAT|0o600); err == nil {
		if mem, err := unix.SysvShmAttach(id, 0, 0); err == nil {
			copy(mem, w.canary("SysV shared memory"))
		}
	}
	w.queue()
	master, name, err := openTerminal()
	if err != nil {
		return err
	}
	// Held open, so that the terminal is alive.
	if _, err := os.OpenFile(name, os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		return err
	}
	w.target.TTY = name
	go func() {
		b := make([]byte, 4096)
		for {
			n, err := master.Read(b)
			if err != nil {
				return
			}
			w.sinks.Note("another terminal of the user", b[:n])
		}
	}()
	return nil
}

// queue leaves a message in a POSIX queue (mq_overview(7)).
func (w *world) queue() {
	name, err := unix.BytePtrFromString("host")
	if err != nil {
		return
	}
	attr := [8]int{0, 10, 256}
	fd, _, e := unix.RawSyscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(name)), unix.O_CREAT|unix.O_RDWR|unix.O_NONBLOCK, 0o600, uintptr(unsafe.Pointer(&attr)), 0, 0)
	if e != 0 {
		return
	}
	text := []byte(w.canary("a POSIX message queue"))
	for range 4 { // each reader takes one
		_, _, _ = unix.RawSyscall6(unix.SYS_MQ_TIMEDSEND, fd, uintptr(unsafe.Pointer(&text[0])), uintptr(len(text)), 0, 0, 0)
	}
}
