package meter

import (
	"bytes"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/limit"
)

// disk is one file system that the sandbox can write to.
type disk struct {
	dirs    []string
	start   room
	reserve room
	// cleared is how much had vanished when it was last found to be others'.
	cleared int64
	at      time.Time
}

// room is what a file system has left.
type room struct{ bytes, inodes int64 }

// reserve is what a session leaves of a disk, in bytes, when it found more.
const reserve = 1 << 30

// disks finds the file systems behind dirs.
func disks(dirs []string) []*disk {
	var all []*disk
	byDevice := map[uint64]*disk{}
	for _, dir := range dirs {
		var st unix.Stat_t
		below := slices.ContainsFunc(dirs, func(other string) bool { return strings.HasPrefix(dir, other+"/") })
		if below || unix.Stat(dir, &st) != nil {
			continue
		}
		if d := byDevice[uint64(st.Dev)]; d != nil {
			d.dirs = append(d.dirs, dir)
			continue
		}
		left, ok := left(dir)
		if !ok {
			continue
		}
		d := &disk{dirs: []string{dir}, start: left,
			reserve: room{min(reserve, left.bytes/4), min(10000, left.inodes/4)}}
		byDevice[uint64(st.Dev)] = d
		all = append(all, d)
	}
	return all
}

func left(dir string) (room, bool) {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil {
		return room{}, false
	}
	r := room{int64(st.Bavail) * st.Bsize, int64(st.Ffree)}
	if st.Files == 0 {
		r.inodes = math.MaxInt64 // made as they are needed
	}
	return r, true
}

func (m *Meter) lookAtDisks() (*limit.Breach, time.Duration) {
	most, limited := m.limits.N(limit.Disk)
	wait := latest
	for _, d := range m.disks {
		now, ok := left(d.dirs[0])
		if !ok {
			continue
		}
		gone := d.start.bytes - now.bytes
		over := limited && gone > most
		full := now.bytes < d.reserve.bytes || now.inodes < d.reserve.inodes
		if !over && !full {
			room := now.bytes - d.reserve.bytes
			if limited {
				room = min(room, most-gone)
			}
			wait = min(wait, until(room))
			continue
		}
		if b := m.blame(d, gone, full, most); b != nil {
			return b, 0
		}
	}
	return nil, wait
}

// blame says whether what vanished from the disk is this sandbox's doing.
func (m *Meter) blame(d *disk, gone int64, full bool, most int64) *limit.Breach {
	// Somebody else fills the disk: look again when much more is gone.
	if time.Since(d.at) < 5*time.Second && gone < d.cleared+d.cleared/8 {
		return nil
	}
	need := most + 1
	if full {
		need = max(gone/2, 1)
	}
	mine := min(m.taken(d, need), max(gone, 1))
	d.cleared, d.at = gone, time.Now()
	switch {
	case mine < need:
		return nil
	case full:
		return &limit.Breach{Name: limit.Disk, Layer: "watch",
			What: "next to nothing is left on the disk of " + d.dirs[0] + ", and this session took " + limit.Size(mine)}
	}
	return &limit.Breach{Name: limit.Disk, Limit: most, Used: mine, Layer: "watch"}
}

// taken is what the sandbox has written, or, where that explains too little
// (fallocate(2) writes nothing), what its new files occupy.
func (m *Meter) taken(d *disk, need int64) int64 {
	if n := written(); n >= need {
		return n
	}
	sum := opened("")
	for _, dir := range d.dirs {
		sum += occupied(dir, m.began)
	}
	return sum
}

// written sums what all processes, also those that ended, made dirty, in
// bytes. One that hides its numbers counts as the worst.
func written() int64 {
	var children unix.Rusage
	if unix.Getrusage(unix.RUSAGE_CHILDREN, &children) != nil {
		return math.MaxInt64
	}
	sum := children.Oublock * 512
	for _, pid := range processes() {
		b, err := os.ReadFile("/proc/" + pid + "/io")
		if err != nil {
			if _, gone := os.Lstat("/proc/" + pid); gone == nil {
				return math.MaxInt64
			}
			continue
		}
		sum += counter(b, "\nwrite_bytes: ")
	}
	return sum
}

func counter(b []byte, name string) int64 {
	_, rest, _ := bytes.Cut(b, []byte(name))
	value, _, _ := bytes.Cut(rest, []byte("\n"))
	n, _ := strconv.ParseInt(string(value), 10, 64)
	return n
}

// occupied is what files below dir take that were made or changed since began,
// in bytes. What was closed to us since then counts as the worst.
func occupied(dir string, began time.Time) int64 {
	sum := int64(0)
	_ = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if e == nil {
			return nil
		}
		info, statErr := e.Info()
		if statErr != nil {
			return nil
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || time.Unix(st.Ctim.Unix()).Before(began.Add(-time.Second)) {
			return nil
		}
		if err != nil && e.IsDir() {
			sum = math.MaxInt64 / 4
			return fs.SkipAll
		}
		sum += st.Blocks * 512
		return nil
	})
	return sum
}
