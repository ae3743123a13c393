package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// sockets are those that PID 1 makes for us, one at a time: a socket belongs to
// the network namespace that it was made in, whoever connects it. So PID 1 does
// nothing that a program inside could keep waiting.
type sockets struct {
	mu     sync.Mutex
	answer chan socketAnswer // closed when the sandbox ends
}

type socketAnswer struct {
	fd  int
	err error
}

var errEnded = errors.New("the sandbox has ended")

// dialTime bounds one connection attempt: a program inside that accepts
// nothing leaves it waiting.
const dialTime = 10 * time.Second

// Dial connects to a port of the sandbox's own loopback, where the program
// behind it listens on 127.0.0.1 or else on ::1. Ask for it only between Run
// and Ended.
func (p *Process) Dial(ctx context.Context, port uint16) (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	v4 := unix.SockaddrInet4{Port: int(port), Addr: [4]byte{127, 0, 0, 1}}
	c, err := p.dialTo(ctx, unix.AF_INET, &v4)
	if !errors.Is(err, unix.ECONNREFUSED) {
		return c, err
	}
	v6 := unix.SockaddrInet6{Port: int(port), Addr: [16]byte(net.IPv6loopback)}
	return p.dialTo(ctx, unix.AF_INET6, &v6)
}

func (p *Process) dialTo(ctx context.Context, family int, to unix.Sockaddr) (*net.TCPConn, error) {
	fd, err := p.socket(family)
	if err != nil {
		return nil, fmt.Errorf("socket of the sandbox: %w", err)
	}
	begun := unix.Connect(fd, to)
	f := os.NewFile(uintptr(fd), "connection") // only now: what the poller sees before counts for nothing
	defer f.Close()
	if begun == unix.EINPROGRESS {
		begun = connected(ctx, f)
	}
	if begun != nil {
		return nil, fmt.Errorf("connecting: %w", begun)
	}
	c, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	return c.(*net.TCPConn), nil
}

// connected waits for a connection under way (connect(2), EINPROGRESS).
func connected(ctx context.Context, f *os.File) error {
	rc, err := f.SyscallConn()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = f.SetWriteDeadline(time.Unix(1, 0)) })
	defer stop()
	var result error
	err = rc.Write(func(fd uintptr) (done bool) {
		done, result = outcome(int(fd))
		return done
	})
	return errors.Join(err, result)
}

// outcome says whether a connection under way is made or refused.
func outcome(fd int) (done bool, err error) {
	n, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err != nil {
		return true, err
	}
	if n != 0 {
		return true, unix.Errno(n)
	}
	_, err = unix.Getpeername(fd)
	return err == nil, nil
}

// socket has PID 1 make one.
func (p *Process) socket(family int) (int, error) {
	p.sockets.mu.Lock()
	defer p.sockets.mu.Unlock()
	if err := p.ctl.send(frame{Socket: family}); err != nil {
		return -1, err
	}
	a, ok := <-p.sockets.answer
	if !ok {
		return -1, errEnded
	}
	return a.fd, a.err
}

// arrived takes the descriptor that follows f. There is room for the answer to
// the one question; PID 1 gives no other.
func (s *sockets) arrived(ctl *control, f frame) {
	a := socketAnswer{fd: -1, err: errors.New(f.None)}
	if f.None == "" {
		a.fd, a.err = ctl.receiveFD()
	}
	select {
	case s.answer <- a:
	default:
		unix.Close(a.fd)
	}
}

// socket makes one in this network namespace for the supervisor to connect.
func (p *pid1) socket(family int) {
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		_ = p.ctl.send(frame{None: err.Error()})
		return
	}
	defer unix.Close(fd)
	_ = p.ctl.sendFDs(frame{Socket: family}, fd)
}
