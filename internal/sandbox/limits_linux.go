package sandbox

import (
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/sandbox/meter"
)

// volunteer makes this process and all that it starts the first that the
// kernel kills when memory runs out. To be called while /proc/self is still
// our own.
func volunteer() {
	fd, err := unix.Open("/proc/self/oom_score_adj", unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return // no procfs: the limits below hold all the same
	}
	_, _ = unix.Write(fd, []byte("1000"))
	unix.Close(fd)
}

// spareTasks is what the first process may have beyond the workload: a fork
// that is refused to it would end it.
const spareTasks = 512

// namespacedTasks is the first kernel that counts tasks per user namespace:
// an older one would count all of the user's (user_namespaces(7), 5.14).
const namespacedTasks = 5*1000 + 14

// inherit sets what the workload is born with: no core dumps, its open files,
// and a number of tasks beyond which forks are refused, until the meter has
// counted them.
func (p *pid1) inherit() {
	_ = unix.Prlimit(0, unix.RLIMIT_CORE, &unix.Rlimit{}, nil)
	if n, ok := p.spec.Limits.N(limit.OpenFiles); ok {
		openFiles(uint64(n))
	}
	if n, ok := p.spec.Limits.N(limit.Processes); ok && kernelVersion() >= namespacedTasks {
		soft := uint64(n + n/4 + spareTasks/4)
		lower(0, soft, soft+spareTasks)
	}
	if n, ok := p.spec.Limits.N(limit.CPUs); ok && !p.spec.Quota {
		useOnly(int((n + 999) / 1000))
	}
}

// restrain completes inherit: the workload can't have what is spare for us.
func (p *pid1) restrain() {
	if n, ok := p.spec.Limits.N(limit.Processes); ok && kernelVersion() >= namespacedTasks {
		soft := uint64(n + n/4 + spareTasks/4)
		lower(p.pid, soft, soft)
		lower(0, soft+spareTasks, soft+spareTasks)
	}
}

// openFiles lowers what this process and the workload may open. Soft and hard
// are one: Go has raised the soft limit long ago and lost what it was.
func openFiles(n uint64) {
	var now syscall.Rlimit
	if syscall.Getrlimit(unix.RLIMIT_NOFILE, &now) == nil {
		n = min(n, now.Max)
		_ = syscall.Setrlimit(unix.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: n})
	}
}

// lower sets how many tasks a process may see, within what it had.
func lower(pid int, soft, hard uint64) {
	var now unix.Rlimit
	if unix.Prlimit(pid, unix.RLIMIT_NPROC, nil, &now) != nil {
		return
	}
	hard = min(hard, now.Max)
	_ = unix.Prlimit(pid, unix.RLIMIT_NPROC, &unix.Rlimit{Cur: min(soft, hard), Max: hard}, nil)
}

// useOnly keeps the calling thread, and what it forks, on the first n of the
// processors it may use.
func useOnly(n int) {
	var all, some unix.CPUSet
	if unix.SchedGetaffinity(0, &all) != nil {
		return
	}
	for cpu := 0; n > 0 && cpu < len(all)*64; cpu++ {
		if all.IsSet(cpu) {
			some.Set(cpu)
			n--
		}
	}
	_ = unix.SchedSetaffinity(0, &some)
}

// spares is how many threads PID 1 holds in reserve: one for each call that may
// block while all others do.
const spares = 5

// spareAfter is before the fastest bomb has taken a hundred processes.
const spareAfter = 3 * time.Millisecond

// spareThreads makes the runtime have threads in reserve, which it keeps. One
// that it can't get any more, because the workload took all processes that
// there may be, ends the whole program (newosproc): restrain leaves some for us,
// but not where the limit that we came with is narrower. A workload that is over
// at once takes none.
func spareThreads() {
	time.Sleep(spareAfter)
	done := make(chan struct{})
	var all sync.WaitGroup
	for range spares {
		all.Add(1)
		go func() {
			runtime.LockOSThread() // so that each has its own
			defer runtime.UnlockOSThread()
			all.Done()
			<-done
		}()
	}
	all.Wait()
	close(done)
}

// measure ends the sandbox when it takes more than it may.
func (p *pid1) measure() {
	var dirs []string
	for _, m := range p.spec.Mounts {
		if m.Kind == Overlay || m.Kind == Bind && m.Writable && m.fd >= 0 && m.Target != OverlayUpper {
			dirs = append(dirs, m.Target)
		}
	}
	p.meter = meter.New(p.spec.Limits, dirs)
	go func() {
		b := p.meter.Watch()
		p.breach.Store(&b)
		_ = unix.Kill(-1, unix.SIGKILL) // and reap does the rest
	}()
}

// final is e, unless the workload ended because of a limit that it ran into
// between two looks.
func (p *pid1) final(e Exit) *Exit {
	b := p.breach.Load()
	if b == nil {
		b, _ = p.meter.Look()
	}
	e = breached(e, b)
	return &e
}

// kernelVersion is major*1000 + minor.
func kernelVersion() int {
	f := strings.FieldsFunc(kernelRelease(), func(r rune) bool { return r < '0' || r > '9' })
	if len(f) < 2 {
		return 0
	}
	major, _ := strconv.Atoi(f[0])
	minor, _ := strconv.Atoi(f[1])
	return major*1000 + minor
}
