package sandbox

import (
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/sandbox/cgroup"
)

// bounds is the supervisor's part of keeping a sandbox within its limits.
type bounds struct {
	group  *cgroup.Group // nil where this user can have none
	stop   func()        // ends the watch on the group
	breach atomic.Pointer[limit.Breach]
}

// newGroup is replaced in tests of what an ordinary user has.
var newGroup = cgroup.New

// groups numbers the control groups of this process.
var groups atomic.Uint64

// newBounds makes the control group, so that the sandbox's first process can
// begin in it: to move a process later stops every fork of the machine.
func newBounds() *bounds {
	b := &bounds{stop: func() {}}
	if g, err := newGroup(strconv.FormatUint(groups.Add(1), 10)); err == nil {
		b.group = g
	}
	return b
}

// fork is fork within the control group.
func (b *bounds) fork(control *os.File, attr *syscall.SysProcAttr) (int, error) {
	if b.group == nil {
		return fork(control, attr)
	}
	if name := b.group.Dir(); name != "" {
		dir, err := os.Open(name)
		if err != nil {
			return b.without(control, attr)
		}
		defer dir.Close()
		inside := *attr
		inside.UseCgroupFD, inside.CgroupFD = true, int(dir.Fd())
		pid, err := fork(control, &inside)
		if err != nil {
			return b.without(control, attr)
		}
		return pid, nil
	}
	leave, err := b.group.Enter()
	if err != nil {
		return b.without(control, attr)
	}
	defer leave()
	return fork(control, attr)
}

// without gives up the control group: the meter inside measures instead.
func (b *bounds) without(control *os.File, attr *syscall.SysProcAttr) (int, error) {
	b.group.Remove()
	b.group = nil
	return fork(control, attr)
}

// apply puts limits in force before the workload exists. What the group
// refuses is left to the meter.
func (b *bounds) apply(s *Spec, reached func(limit.Breach)) {
	if b.group == nil || b.group.Limit(s.Limits) != nil {
		return
	}
	s.Quota = b.group.Holds(limit.CPUs)
	if stop, err := b.group.Watch(s.Limits, reached); err == nil {
		b.stop = sync.OnceFunc(stop)
	}
}

// settle ends the watch on the group, after a last look.
func (b *bounds) settle() { b.stop() }

// end takes the group away when nothing is alive in it.
func (b *bounds) end() {
	b.stop()
	if b.group != nil {
		b.group.Remove()
	}
}

// End kills the sandbox because of b, which Wait then returns.
func (p *Process) End(b limit.Breach) {
	p.bounds.breach.CompareAndSwap(nil, &b)
	p.kill()
}

// breached is an exit with the limit that was its reason.
func breached(e Exit, b *limit.Breach) Exit {
	if b == nil {
		return e
	}
	return Exit{Code: 128 + int(unix.SIGKILL), Signal: int(unix.SIGKILL), Breach: b}
}
