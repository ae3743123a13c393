package meter

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"github.com/bailey-project/bailey/internal/limit"
)

// memory is what the machine has, and what it had at the start.
type memory struct {
	info  source
	shmem int64 // of the machine at the start
	last  int64 // of the sandbox at the last look that counted
}

func (m *memory) open() {
	m.info.open("/proc/meminfo")
	m.shmem = m.machine().shmem
}

// machine is /proc/meminfo in bytes.
type machine struct {
	total, available, shmem, swapTotal, swapFree int64
}

func (m machine) used() int64 { return m.total - m.available + m.swapTotal - m.swapFree }

// short says that the machine itself has next to nothing left.
func (m machine) short() bool {
	return m.available < m.total/32 && m.swapFree <= m.swapTotal/16
}

func (m *memory) machine() machine {
	var now machine
	fields := map[string]*int64{"MemTotal": &now.total, "MemAvailable": &now.available, "Shmem": &now.shmem,
		"SwapTotal": &now.swapTotal, "SwapFree": &now.swapFree}
	for line := range bytes.Lines(m.info.read()) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		if field := fields[string(name)]; field != nil {
			*field = kilobytes(value)
		}
	}
	return now
}

func kilobytes(text []byte) int64 {
	n, err := strconv.ParseInt(string(bytes.TrimSuffix(bytes.TrimSpace(text), []byte(" kB"))), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}

func (m *Meter) lookAtMemory() (*limit.Breach, time.Duration) {
	most, ok := m.limits.N(limit.Memory)
	if !ok {
		return nil, latest
	}
	now := m.memory.machine()
	if used := now.used(); used < most && !now.short() {
		return nil, until(most - used) // all that there is in use is not that much
	}
	used := m.memory.rough(now)
	if used > most || now.short() && used > now.total/4 {
		used = m.memory.exact(now)
	}
	switch {
	case used > most:
		return &limit.Breach{Name: limit.Memory, Limit: most, Used: used, Layer: "watch"}, 0
	case now.short() && used > now.total/4:
		return &limit.Breach{Name: limit.Memory, Used: used, Layer: "watch",
			What: "the machine has " + limit.Size(now.available) + " left, and " + limit.Size(used) + " are this session's"}, 0
	}
	return nil, m.patience(used, most)
}

// patience is short while the sandbox grows and long while it does not.
func (m *Meter) patience(used, most int64) time.Duration {
	grew := used > m.memory.last+most/64
	m.memory.last = used
	if grew {
		m.quiet = until(most - used)
		return m.quiet
	}
	m.quiet = min(max(2*m.quiet, until(most-used)), latest/2)
	return m.quiet
}

// rough is at least what the sandbox uses: memory that processes share is
// counted for each.
func (m *memory) rough(now machine) int64 {
	sum := m.hidden(now)
	for _, pid := range processes() {
		sum += resident(pid, now)
	}
	return sum
}

// exact counts shared memory once. It walks page tables, so it is not for
// every look.
func (m *memory) exact(now machine) int64 {
	sum := m.hidden(now)
	for _, pid := range processes() {
		b, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
		pss, found := field(b, "Pss:")
		swap, _ := field(b, "SwapPss:")
		if err != nil || !found {
			pss, swap = resident(pid, now), 0 // hides itself, or has ended
		}
		sum += pss + swap
	}
	return sum
}

// resident is what a process has in memory, and in swap when any is in use.
func resident(pid string, now machine) int64 {
	b, err := os.ReadFile("/proc/" + pid + "/status")
	if err != nil {
		return 0
	}
	sum := int64(0)
	if rss, ok := field(b, "VmRSS:"); ok {
		sum = rss
	}
	if now.swapFree < now.swapTotal {
		if swap, ok := field(b, "VmSwap:"); ok {
			sum += swap
		}
	}
	return sum
}

func field(b []byte, name string) (int64, bool) {
	_, rest, ok := bytes.Cut(b, []byte("\n"+name))
	if !ok {
		return 0, false
	}
	value, _, _ := bytes.Cut(rest, []byte("\n"))
	return kilobytes(value), true
}

// much is from when on unmapped memory files are worth looking for.
const much = 64 << 20

// hidden is memory in files that no process has mapped, as of memfd_create(2).
func (m *memory) hidden(now machine) int64 {
	if now.shmem-m.shmem < much {
		return 0
	}
	return opened("/memfd:")
}
