//go:build linux

package attack

import (
	"syscall"

	"golang.org/x/sys/unix"
)

const x32Socket = 0x40000000 | unix.SYS_SOCKET

//go:noescape
func int80raw(nr, a, b, c uint32) int32

// int80 makes a socket through the 32-bit entry, where it has number 359.
func int80(t *try) {
	r := int80raw(359, unix.AF_INET, unix.SOCK_STREAM, 0)
	if r >= 0 {
		t.claim = "a socket through int 0x80"
		unix.Close(int(r))
		return
	}
	t.saw(unix.ErrnoName(syscall.Errno(-r)))
}
