package sandbox

import (
	"fmt"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// control is one end of the socket pair between supervisor and PID 1. Frames
// may be sent from several goroutines; one goroutine receives.
type control struct {
	fd    int
	limit uint32 // of a message that is received, bytes
	mu    sync.Mutex
	f     *os.File
}

func newControl(fd int, limit uint32) *control {
	return &control{fd: fd, limit: limit, f: os.NewFile(uintptr(fd), "control")}
}

// socketPair returns the supervisor's and PID 1's end, both close-on-exec.
func socketPair() (*control, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("control socket: %w", err)
	}
	return newControl(fds[0], maxReport), os.NewFile(uintptr(fds[1]), "control"), nil
}

func (c *control) send(f frame) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return writeFrame(c.f, f)
}

// sendFDs sends a frame and then the descriptors, one byte of payload each,
// so that the receiver knows exactly where they are in the stream.
func (c *control) sendFDs(f frame, fds ...int) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := writeFrame(c.f, f); err != nil {
		return err
	}
	for _, fd := range fds {
		if err := unix.Sendmsg(c.fd, []byte{0}, unix.UnixRights(fd), nil, 0); err != nil {
			return fmt.Errorf("passing a descriptor: %w", err)
		}
	}
	return nil
}

func (c *control) receive() (frame, error) { return readFrame(c.f, c.limit) }

// receiveFD takes one descriptor that sendFDs sent.
func (c *control) receiveFD() (int, error) {
	var b [1]byte
	oob := make([]byte, unix.CmsgSpace(4))
	for {
		n, oobn, _, _, err := unix.Recvmsg(c.fd, b[:], oob, unix.MSG_CMSG_CLOEXEC)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return -1, err
		}
		if n != 1 {
			return -1, fmt.Errorf("the sandbox ended before it was ready")
		}
		return rightFrom(oob[:oobn])
	}
}

func rightFrom(oob []byte) (int, error) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil || len(msgs) != 1 {
		return -1, fmt.Errorf("no descriptor in the message")
	}
	fds, err := unix.ParseUnixRights(&msgs[0])
	if err != nil || len(fds) != 1 {
		return -1, fmt.Errorf("not one descriptor in the message")
	}
	return fds[0], nil
}
