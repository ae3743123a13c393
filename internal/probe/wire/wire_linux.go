// Package wire writes the few messages of the network and of the kernel that an
// attacker makes by hand.
//
// It keeps no state and opens nothing that it does not close. Its invariant: a
// message is what its standard says, so that a refusal is never for its form.
package wire

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"net"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"github.com/bailey-project/bailey/internal/probe"

	"golang.org/x/sys/unix"
)

// Addr4 is a socket address.
func Addr4(ip string, port int) *unix.SockaddrInet4 {
	a := &unix.SockaddrInet4{Port: port}
	copy(a.Addr[:], net.ParseIP(ip).To4())
	return a
}

// Addr6 is a socket address.
func Addr6(ip string, port int) *unix.SockaddrInet6 {
	a := &unix.SockaddrInet6{Port: port}
	copy(a.Addr[:], net.ParseIP(ip).To16())
	return a
}

// Checksum is that of RFC 1071.
func Checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(b[i]) << 8
		if i+1 < len(b) {
			sum += uint32(b[i+1])
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}

// Query is a question for name as RFC 1035 writes it.
func Query(name string, kind uint16) []byte {
	b := []byte{0x42, 0x42, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(name, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	b = append(b, 0)
	b = binary.BigEndian.AppendUint16(b, kind)
	return binary.BigEndian.AppendUint16(b, 1)
}

func attribute(kind uint16, b []byte) []byte {
	a := binary.NativeEndian.AppendUint16(nil, uint16(4+len(b)))
	a = append(binary.NativeEndian.AppendUint16(a, kind), b...)
	return append(a, make([]byte, (4-len(a)%4)%4)...)
}

// NewLink asks for an interface of a kind.
func NewLink(kind string) error {
	info := attribute(unix.IFLA_LINKINFO, attribute(unix.IFLA_INFO_KIND, []byte(kind)))
	return routeRequest(unix.RTM_NEWLINK, append(make([]byte, unix.SizeofIfInfomsg), info...))
}

// NewAddress asks for one more address of the loopback.
func NewAddress() error {
	head := []byte{unix.AF_INET, 32, 0, 0, 1, 0, 0, 0} // struct ifaddrmsg
	return routeRequest(unix.RTM_NEWADDR, append(head, attribute(unix.IFA_LOCAL, []byte{10, 99, 99, byte(os.Getpid())})...))
}

// routeRequest makes one request by rtnetlink (rtnetlink(7)).
func routeRequest(kind uint16, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	m := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = binary.NativeEndian.AppendUint16(m, unix.NLM_F_REQUEST|unix.NLM_F_ACK|unix.NLM_F_CREATE|unix.NLM_F_EXCL)
	m = append(append(m, make([]byte, 8)...), body...)
	if err := unix.Sendto(fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	b := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, b, 0)
	if err != nil || n < unix.SizeofNlMsghdr+4 {
		return err
	}
	if e := int32(binary.NativeEndian.Uint32(b[unix.SizeofNlMsghdr:])); e != 0 {
		return syscall.Errno(-e)
	}
	return nil
}

// KeepFlags sets an interface's flags to what they are: whoever may do that may
// take it down.
func KeepFlags(name string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	ifr, err := unix.NewIfreq(name)
	if err != nil {
		return err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFFLAGS, ifr); err != nil {
		return err
	}
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, ifr)
}

// Errno names the system's error in err.
func Errno(err error) string {
	var n syscall.Errno
	if errors.As(err, &n) {
		if name := unix.ErrnoName(n); name != "" {
			return name
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "ENOENT"
	}
	if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) {
		return probe.Silent
	}
	return probe.Nothing
}

// Call makes one system call.
func Call(n uintptr, args ...uintptr) error {
	var a [6]uintptr
	copy(a[:], args)
	_, _, e := unix.RawSyscall6(n, a[0], a[1], a[2], a[3], a[4], a[5])
	if e != 0 {
		return e
	}
	return nil
}

// Pointer is b as an argument of a call.
func Pointer(b []byte) uintptr { return uintptr(unsafe.Pointer(&b[0])) }
