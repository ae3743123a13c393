package safefs

import (
	"os"

	"golang.org/x/sys/unix"
)

// Birth tells an entry from every other that has or had its name: numbers of
// inodes are given again. It is zero when there is no entry.
type Birth struct {
	Ino uint64
	Sec int64  // when it was made; zero where the file system doesn't know
	Ns  uint32 // of that second
}

// Birth reads it.
func (r *Root) Birth(rel string) (Birth, error) {
	fd, err := r.openat(rel, unix.O_PATH, 0)
	if err != nil {
		return Birth{}, err
	}
	defer unix.Close(fd)
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_SYMLINK_NOFOLLOW, unix.STATX_INO|unix.STATX_BTIME, &st); err != nil {
		return Birth{}, &os.PathError{Op: "statx", Path: rel, Err: err}
	}
	b := Birth{Ino: st.Ino}
	if st.Mask&unix.STATX_BTIME != 0 {
		b.Sec, b.Ns = st.Btime.Sec, st.Btime.Nsec
	}
	return b, nil
}
