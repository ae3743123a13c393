package meter

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/limit"
)

// count knows how many tasks there were and which number the newest had: while
// no more were made than fit, nothing needs counting.
type count struct {
	loadavg source
	newest  int64
	tasks   int64
}

func (c *count) open() { c.loadavg.open("/proc/loadavg") }

func (m *Meter) lookAtCount() (*limit.Breach, time.Duration) {
	most, ok := m.limits.N(limit.Processes)
	if !ok {
		return nil, latest
	}
	c := &m.count
	newest := c.last()
	// Numbers wrap around, so a smaller one tells nothing.
	if made := newest - c.newest; c.tasks > 0 && made >= 0 && c.tasks+made <= most {
		return nil, time.Second
	}
	wait := time.Second
	if newest-c.newest > most/16 {
		wait /= 16 // somebody makes many
	}
	c.newest, c.tasks = newest, 0
	for _, pid := range processes() {
		c.tasks += threads(pid)
		if c.tasks > most {
			return &limit.Breach{Name: limit.Processes, Limit: most, Layer: "watch", What: "more than " + strconv.FormatInt(most, 10) + " at one time"}, 0
		}
	}
	return nil, wait
}

// last is the newest number of this pid namespace (proc(5), /proc/loadavg).
func (c *count) last() int64 {
	text := bytes.TrimSpace(c.loadavg.read())
	n, err := strconv.ParseInt(string(text[bytes.LastIndexByte(text, ' ')+1:]), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// processes lists the numbers of all processes but the first, our own.
func processes() []string {
	d, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	var pids []string
	for _, n := range names {
		if n[0] >= '0' && n[0] <= '9' && n != "1" {
			pids = append(pids, n)
		}
	}
	return pids
}

// threads counts those of a process: each is a directory, so a link more.
func threads(pid string) int64 {
	var st unix.Stat_t
	if unix.Stat("/proc/"+pid+"/task", &st) != nil || st.Nlink < 3 {
		return 1
	}
	return int64(st.Nlink) - 2
}

// source is a file of procfs that is read again and again.
type source struct {
	fd  int
	buf [4096]byte
}

func (s *source) open(path string) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	s.fd = fd
}

// read is empty when the file can't be read.
func (s *source) read() []byte {
	n, err := unix.Pread(s.fd, s.buf[:], 0)
	if err != nil {
		return nil
	}
	return s.buf[:n]
}
