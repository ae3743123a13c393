// Package meter notices from within a sandbox that it takes more than it may:
// what a control group does where there is one, for the ordinary user who has
// none, and for the disk, which no control group counts.
//
// It ends nothing: it says what was reached. It is no busy loop: the time to
// the next look is what the fastest program would need to reach a limit, and a
// look at a session that is far from all of them reads two small files.
//
// Its invariant: what others on the machine use is never counted as the
// sandbox's, and what a process hides from it is counted as the worst.
package meter

import (
	"sync"
	"time"

	"github.com/bailey-project/bailey/internal/limit"
)

const (
	// fastest is how quickly memory or disk can be filled, bytes per second.
	fastest = 8 << 30
	soonest = 20 * time.Millisecond
	latest  = 2 * time.Second
)

// Meter watches the processes of this pid namespace.
type Meter struct {
	mu     sync.Mutex
	limits limit.Set
	quiet  time.Duration // the next wait while nothing grows
	memory memory
	count  count
	disks  []*disk
	began  time.Time
}

// New opens what is looked at. dirs are what the sandbox can write to on disk.
func New(limits limit.Set, dirs []string) *Meter {
	m := &Meter{limits: limits, quiet: soonest, began: time.Now()}
	m.memory.open()
	m.count.open()
	m.disks = disks(dirs)
	return m
}

// Watch blocks until a limit is reached.
func (m *Meter) Watch() limit.Breach {
	for {
		b, wait := m.Look()
		if b != nil {
			return *b
		}
		time.Sleep(wait)
	}
}

// Look looks once. Without a breach it says when to look again.
func (m *Meter) Look() (*limit.Breach, time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := latest
	for _, look := range []func() (*limit.Breach, time.Duration){m.lookAtCount, m.lookAtMemory, m.lookAtDisks} {
		b, w := look()
		if b != nil {
			return b, 0
		}
		wait = min(wait, w)
	}
	return nil, wait
}

// until is when room, in bytes, could be used up at the earliest.
func until(room int64) time.Duration {
	d := time.Duration(float64(room) / fastest * float64(time.Second))
	return min(max(d, soonest), latest)
}
