package meter

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// deleted is how procfs marks a file without a name.
const deleted = " (deleted)"

// opened sums what files take that processes hold open, each once: those whose
// name procfs gives with the prefix. Without one it is every file on disk that
// has no name any more.
func opened(prefix string) int64 {
	seen := map[[2]uint64]bool{}
	sum := int64(0)
	for _, pid := range processes() {
		dir := "/proc/" + pid + "/fd/"
		d, err := os.Open(dir)
		if err != nil {
			continue
		}
		names, _ := d.Readdirnames(-1)
		d.Close()
		for _, n := range names {
			to, err := os.Readlink(dir + n)
			memfd := strings.HasPrefix(to, "/memfd:")
			if err != nil || prefix != "" && !strings.HasPrefix(to, prefix) || prefix == "" && (memfd || !strings.HasSuffix(to, deleted)) {
				continue
			}
			var st unix.Stat_t
			if unix.Stat(dir+n, &st) != nil {
				continue
			}
			key := [2]uint64{uint64(st.Dev), st.Ino}
			if !seen[key] {
				sum += st.Blocks * 512
			}
			seen[key] = true
		}
	}
	return sum
}
