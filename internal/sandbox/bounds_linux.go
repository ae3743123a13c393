package sandbox

import (
	"os"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/sandbox/cgroup"
	"github.com/bailey-project/bailey/internal/sandbox/spawn"
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
	if g, err := newGroup(strconv.FormatUint(groups.Add(1), 10), kernelVersion() < namespacedTasks); err == nil {
		b.group = g
	}
	return b
}

// fork is fork within the control group. Where that is refused the group is
// given up: the meter inside measures instead.
func (b *bounds) fork(control *os.File, attr spawn.Attr) (int, error) {
	if b.group == nil {
		return fork(control, attr)
	}
	inside, done, err := b.within(attr)
	if err == nil {
		var pid int
		pid, err = fork(control, inside)
		done()
		if err == nil {
			return pid, nil
		}
	}
	b.group.Remove()
	b.group = nil
	return fork(control, attr)
}

// within has a process begin in the control group.
func (b *bounds) within(attr spawn.Attr) (inside spawn.Attr, done func(), err error) {
	files, err := b.group.Open()
	if err != nil {
		return attr, nil, err
	}
	if b.group.Unified() {
		attr.CgroupDir = int(files[0].Fd())
	} else {
		for _, f := range files {
			attr.Enter = append(attr.Enter, int(f.Fd()))
		}
	}
	return attr, func() { closeAll(files) }, nil
}

// apply puts limits in force before the workload exists. What the group
// refuses is left to the meter.
func (b *bounds) apply(s *Spec, pid int, reached func(limit.Breach)) {
	if b.group == nil || b.group.Limit(s.Limits, pid) != nil {
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
