package spawn

import (
	"sync"

	"golang.org/x/sys/unix"
)

// dumpable keeps this process dumpable while it starts another: the files below
// /proc of one that is not, uid_map among them, belong to root (proc(5)). The
// flag is the memory's, which both share, and a change of uid takes it away;
// what is then execed has its own.
var dumpable dumps

// dumps is counted, because several starts may need it at once.
type dumps struct {
	mu  sync.Mutex
	n   int // starts under way
	was int // before the first of them
}

func (d *dumps) enter() (err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.n == 0 {
		if d.was, err = unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0); err != nil {
		return err
	}
	d.n++
	return nil
}

func (d *dumps) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.n--; d.n == 0 {
		back := uintptr(0)
		if d.was == 1 { // 2 can't be asked for (prctl(2))
			back = 1
		}
		_ = unix.Prctl(unix.PR_SET_DUMPABLE, back, 0, 0, 0)
	}
}
