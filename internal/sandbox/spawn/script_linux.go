package spawn

import (
	"errors"
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call is one system call of a script, laid out for clone.
type call struct {
	number uintptr
	args   [6]uintptr
	result uintptr
}

const (
	maxCalls   = 120
	scriptSize = 16 << 10 // of the calls and all that they point to
)

var errScript = errors.New("more to start a process with than fits")

// script is what a new process does. It lies in memory of its own: the Go
// runtime may move stacks while another process reads them.
type script struct {
	mem   []byte
	calls *[maxCalls]call
	n     int
	names [maxCalls]string
	free  int // offset in mem
	full  bool
}

func newScript() (*script, error) {
	mem, err := unix.Mmap(-1, 0, scriptSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, fmt.Errorf("memory to start a process with: %w", err)
	}
	calls := (*[maxCalls]call)(unsafe.Pointer(&mem[0]))
	return &script{mem: mem, calls: calls, free: int(unsafe.Sizeof(*calls))}, nil
}

func (s *script) close() { _ = unix.Munmap(s.mem) }

// add appends a call; name is what is said when it fails.
func (s *script) add(name string, number uintptr, args ...uintptr) {
	if s.n == maxCalls {
		s.full = true
		return
	}
	c := &s.calls[s.n]
	c.number = number
	copy(c.args[:], args)
	s.names[s.n] = name
	s.n++
}

// bytes reserves zeroed memory, aligned for any kernel structure.
func (s *script) bytes(n int) (at uintptr, b []byte) {
	n = (n + 7) &^ 7
	if s.free+n > len(s.mem) {
		s.full = true
		return 0, make([]byte, n)
	}
	b = s.mem[s.free : s.free+n]
	s.free += n
	return uintptr(unsafe.Pointer(&b[0])), b
}

// text is a string with a zero after it.
func (s *script) text(t string) uintptr {
	at, b := s.bytes(len(t) + 1)
	copy(b, t)
	return at
}

// texts is an array of strings with a null pointer after it.
func (s *script) texts(list []string) uintptr {
	const word = int(unsafe.Sizeof(uintptr(0)))
	at, b := s.bytes((len(list) + 1) * word)
	for i, t := range list {
		*(*uintptr)(unsafe.Pointer(&b[i*word])) = s.text(t)
	}
	return at
}

// failed is the error of the call that ended the process, nil when it got to
// the end.
func (s *script) failed() error {
	for i := range s.n {
		if r := -int(s.calls[i].result); r > 0 && r < 4096 {
			return &os.SyscallError{Syscall: s.names[i], Err: unix.Errno(r)}
		}
	}
	return nil
}
