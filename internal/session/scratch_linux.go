package session

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// untouched says that dir is ours, has this mode, holds nothing but empty
// directories of points, and carries nothing that model, which no workload ever
// saw, does not carry.
func untouched(model, dir string, mode fs.FileMode, points map[string]bool) bool {
	m, err := os.Open(model)
	if err != nil {
		return false
	}
	defer m.Close()
	want, err := marksOf(int(m.Fd()))
	if err != nil {
		return false
	}
	return want.match(dir, "", func(have fs.FileMode) bool { return have == fs.ModeDir|mode }, points)
}

// marks are all that a directory can carry besides entries, owner and mode.
type marks struct {
	xattrs string // their names: labels of the system's, but no access lists
	flags  int    // FS_IOC_GETFLAGS; 0 where the file system has none
}

func marksOf(fd int) (marks, error) {
	names := make([]byte, 4096)
	n, err := unix.Flistxattr(fd, names)
	if err != nil && err != unix.ENOTSUP {
		return marks{}, err
	}
	flags, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
	if err == unix.ENOTTY || err == unix.ENOTSUP {
		err = nil
	}
	return marks{string(names[:max(n, 0)]), flags}, err
}

func (want marks) match(top, rel string, mode func(fs.FileMode) bool, points map[string]bool) bool {
	fd, err := unix.Open(filepath.Join(top, rel), unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	f := os.NewFile(uintptr(fd), top)
	defer f.Close()
	st, err := f.Stat()
	if err != nil || !mode(st.Mode()) || !ours(fd) {
		return false
	}
	if have, err := marksOf(fd); err != nil || have != want {
		return false
	}
	names, err := f.Readdirnames(len(points) + 1)
	if err != nil && err != io.EOF {
		return false
	}
	for _, name := range names {
		name = filepath.Join(rel, name)
		if !points[name] || !want.match(top, name, plain, points) {
			return false
		}
	}
	return true
}

// plain is the mode of a mount point under any umask.
func plain(m fs.FileMode) bool { return m&^0o755 == fs.ModeDir }

func ours(fd int) bool {
	var st unix.Stat_t
	return unix.Fstat(fd, &st) == nil && int(st.Uid) == os.Geteuid() && int(st.Gid) == os.Getegid()
}
