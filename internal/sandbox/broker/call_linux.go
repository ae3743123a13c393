package broker

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/sandbox/notify"
)

// call is one call of the workload, on its way through a worker.
type call struct {
	*broker
	notify.Request
	texts  []text // what was read of the caller's memory
	opened []int  // closed when the call is answered
	who    *process
	mask   int // of this thread, if maskSet
	set    bool
}

type text struct {
	at uint64
	s  string
}

// outcome is how a call ends: with an error, with a descriptor, with zero.
type outcome struct {
	errno   unix.Errno
	fd      int // 0: none
	cloexec bool
	proceed bool // no pointer in it: let the kernel do it
	gone    bool // nobody waits for an answer
	wait    bool // what would have blocked: try again
}

func failed(e unix.Errno) outcome { return outcome{errno: e} }

// done turns the result of a call made in the caller's stead into its outcome.
func done(err error) outcome {
	errno, _ := err.(unix.Errno)
	if err != nil && errno == 0 {
		errno = unix.EIO
	}
	return outcome{errno: errno}
}

func (c *call) arg(i int) uint64 { return c.Args[i] }

func (c *call) serve() {
	c.texts, c.who = c.texts[:0], nil
	do := c.calls[c.Nr]
	if do == nil {
		c.listener.Fail(c.ID, unix.ENOSYS)
		return
	}
	if !c.answer(do(c)) {
		c.park(do)
	}
}

// answer is false when there is none yet.
func (c *call) answer(o outcome) bool {
	switch {
	case o.wait:
	case o.gone:
	case o.proceed:
		c.listener.Proceed(c.ID)
	case o.fd > 0:
		c.listener.Hand(c.ID, o.fd, o.cloexec)
	default:
		c.listener.Fail(c.ID, o.errno)
	}
	for _, fd := range c.opened {
		unix.Close(fd)
	}
	c.opened = c.opened[:0]
	return !o.wait
}

// keep closes fd once the call is answered.
func (c *call) keep(fd int) int {
	c.opened = append(c.opened, fd)
	return fd
}

const (
	firstPause = time.Millisecond
	lastPause  = 50 * time.Millisecond
)

// park tries a call that would block again and again, on a thread of its own:
// opening a FIFO waits for its other end, and a file under a lease for its
// holder. A worker that waited in the kernel could not be called back when the
// caller is killed, and four of them would stop the sandbox.
func (c *call) park(do func(*call) outcome) {
	select {
	case c.waiting <- struct{}{}:
	default:
		c.listener.Fail(c.ID, unix.EAGAIN)
		return
	}
	own := &call{broker: c.broker, Request: c.Request, texts: append([]text(nil), c.texts...)}
	go func() {
		defer func() { <-own.waiting }()
		if err := prepareThread(); err != nil {
			own.listener.Fail(own.ID, unix.EAGAIN)
			return
		}
		for pause := firstPause; ; pause = min(2*pause, lastPause) {
			time.Sleep(pause)
			if own.interrupted() {
				own.listener.Fail(own.ID, unix.EINTR)
				return
			}
			own.who = nil
			if own.answer(do(own)) {
				return
			}
		}
	}()
}

// at is a path as a call names it: a directory's descriptor and where in the
// caller's memory the text stands.
type at struct{ dir, path uint64 }

// cwd stands for AT_FDCWD; only the low half of an int argument counts.
const cwd = uint64(0xffffff9c)

func (c *call) openat() outcome { return c.openFile(c.arg(0), c.arg(1), c.arg(2), c.arg(3)) }

// mkdirat and its like are called with what the caller gave.
func (c *call) mkdirat() outcome { return c.makeDir(c.arg(0), c.arg(1), c.arg(2)) }

func (c *call) mknodat() outcome { return c.makeNode(at{c.arg(0), c.arg(1)}, c.arg(2), c.arg(3)) }

func (c *call) renameat2() outcome {
	return c.move(at{c.arg(0), c.arg(1)}, at{c.arg(2), c.arg(3)}, uint32(c.arg(4)))
}

func (c *call) linkat() outcome {
	return c.makeLink(at{c.arg(0), c.arg(1)}, at{c.arg(2), c.arg(3)}, uint32(c.arg(4)))
}

func (c *call) symlinkat() outcome { return c.makeSymlink(c.arg(0), at{c.arg(1), c.arg(2)}) }
