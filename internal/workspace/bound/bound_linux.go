// Package bound knows which files the Unix sockets of the host are bound to.
//
// It connects to none. Its invariant: a list that is not whole is an error, so
// that a socket is not taken for one that was made inside.
package bound

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

const (
	sockDiagByFamily = 20  // SOCK_DIAG_BY_FAMILY
	showVFS          = 0x2 // UDIAG_SHOW_VFS
	vfsAttribute     = 1   // UNIX_DIAG_VFS: inode and device, 4 bytes each
	requestSize      = unix.SizeofNlMsghdr + 24
	answerHead       = unix.SizeofNlMsghdr + 16 // struct unix_diag_msg
)

// Sockets are the inode numbers, low 32 bits, of the files that sockets of our
// own network namespace are bound to (sock_diag(7), UDIAG_SHOW_VFS). Those made
// in another one, as inside of a sandbox, are not among them.
func Sockets() (map[uint32]bool, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	b := make([]byte, requestSize)
	n := binary.NativeEndian
	n.PutUint32(b, requestSize)
	n.PutUint16(b[4:], sockDiagByFamily)
	n.PutUint16(b[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	b[16] = unix.AF_UNIX
	n.PutUint32(b[20:], ^uint32(0)) // every state
	n.PutUint32(b[28:], showVFS)
	if err := unix.Sendto(fd, b, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	list := map[uint32]bool{}
	buf := make([]byte, 64<<10)
	for {
		size, _, err := unix.Recvfrom(fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, err
		}
		done, err := parseSockets(buf[:size], list)
		if done || err != nil {
			return list, err
		}
	}
}

func parseSockets(b []byte, list map[uint32]bool) (done bool, err error) {
	n := binary.NativeEndian
	for len(b) >= unix.SizeofNlMsghdr {
		size := int(n.Uint32(b))
		if size < unix.SizeofNlMsghdr || size > len(b) {
			return true, unix.EBADMSG
		}
		switch n.Uint16(b[4:]) {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			return true, unix.ENOTSUP
		}
		for a := b[min(answerHead, size):size]; len(a) >= 4; {
			length := int(n.Uint16(a))
			if length < 4 || length > len(a) {
				break
			}
			if n.Uint16(a[2:]) == vfsAttribute && length >= 8 {
				list[n.Uint32(a[4:])] = true
			}
			a = a[min((length+3)&^3, len(a)):]
		}
		b = b[min((size+3)&^3, len(b)):]
	}
	return false, nil
}
