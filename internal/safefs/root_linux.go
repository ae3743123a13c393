package safefs

import (
	"errors"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Root is an open directory; every name given to its methods is relative to
// it, slash-separated. It is safe for concurrent use until Close.
type Root struct {
	path string
	dir  *os.File
}

const resolve = unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS

// Open opens a directory. Links in root itself are followed, as the user
// meant them; nothing below is.
func Open(root string) (*Root, error) {
	fd, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, pathError("open", root, err)
	}
	return &Root{path: root, dir: os.NewFile(uintptr(fd), root)}, nil
}

// Close releases the directory.
func (r *Root) Close() error { return r.dir.Close() }

// Sub opens a directory below the root as a root of its own.
func (r *Root) Sub(rel string) (*Root, error) {
	fd, err := r.openat(rel, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	p := r.path + "/" + rel
	return &Root{path: p, dir: os.NewFile(uintptr(fd), p)}, nil
}

// openat opens rel below the root. O_NONBLOCK keeps a FIFO or a leased file
// from holding the caller up.
func (r *Root) openat(rel string, flags int, mode uint32) (int, error) {
	c, err := clean(rel)
	if err != nil {
		return -1, err
	}
	flags |= unix.O_CLOEXEC | unix.O_NOFOLLOW
	if flags&unix.O_PATH == 0 {
		flags |= unix.O_NONBLOCK | unix.O_NOCTTY
	}
	how := unix.OpenHow{Flags: uint64(flags), Mode: uint64(mode), Resolve: resolve}
	fd := -1
	// EAGAIN says that a rename raced with the lookup (openat2(2): try again) or
	// that somebody holds a lease, which must not keep us here.
	for try := 0; try < 16; try++ {
		fd, err = unix.Openat2(int(r.dir.Fd()), c, &how)
		if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			break
		}
	}
	switch {
	case err == nil:
		return fd, nil
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.EXDEV):
		err = ErrOutside
	case errors.Is(err, unix.ENXIO):
		err = ErrNotRegular
	}
	return -1, pathError("open", rel, err)
}

// OpenFile opens a regular file for reading.
func (r *Root) OpenFile(rel string) (*os.File, error) {
	fd, err := r.openat(rel, unix.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(fd)
		if err == nil {
			err = ErrNotRegular
		}
		return nil, pathError("open", rel, err)
	}
	return os.NewFile(uintptr(fd), rel), nil
}

// OpenDir opens a directory for reading, or for the kernel to watch.
func (r *Root) OpenDir(rel string) (*os.File, error) {
	fd, err := r.openat(rel, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), rel), nil
}

// at opens the parent of rel and calls fn with it and the last component.
func (r *Root) at(op, rel string, fn func(dirfd int, base string) error) error {
	dir, base, err := split(rel)
	if err != nil {
		return err
	}
	fd, err := r.openat(dir, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := fn(fd, base); err != nil {
		return pathError(op, rel, err)
	}
	return nil
}

// WriteFile replaces rel at once or not at all: a temporary file beside it is
// written, synced and renamed. What stood there before, a link included, is
// replaced and never written through. mode is exact, whatever the umask.
func (r *Root) WriteFile(rel string, data []byte, mode fs.FileMode) error {
	return r.at("write", rel, func(dirfd int, base string) error {
		tmp := tmpName()
		if err := createAt(dirfd, tmp, data, mode); err != nil {
			return err
		}
		if err := unix.Renameat(dirfd, tmp, dirfd, base); err != nil {
			_ = unix.Unlinkat(dirfd, tmp, 0)
			return err
		}
		return syncDir(dirfd)
	})
}

// CreateExclusive writes a file that must not exist yet: fs.ErrExist else.
func (r *Root) CreateExclusive(rel string, data []byte, mode fs.FileMode) error {
	return r.at("create", rel, func(dirfd int, base string) error {
		return createAt(dirfd, base, data, mode)
	})
}

func createAt(dirfd int, base string, data []byte, mode fs.FileMode) error {
	flags := unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Openat(dirfd, base, flags, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), base)
	_, err = f.Write(data)
	err = errors.Join(err, f.Chmod(mode.Perm()), f.Sync(), f.Close())
	if err != nil {
		_ = unix.Unlinkat(dirfd, base, 0)
	}
	return err
}

// syncDir makes a rename survive a power cut; the descriptor at hand is O_PATH.
func syncDir(dirfd int) error {
	fd, err := unix.Openat(dirfd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fsync(fd)
}

// Mkdir makes one directory.
func (r *Root) Mkdir(rel string, mode fs.FileMode) error {
	return r.at("mkdir", rel, func(dirfd int, base string) error {
		return unix.Mkdirat(dirfd, base, uint32(mode.Perm()))
	})
}

// Lstat describes the entry itself, never what a link points to.
func (r *Root) Lstat(rel string) (fs.FileInfo, error) {
	fd, err := r.openat(rel, unix.O_PATH, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), rel)
	defer f.Close()
	return f.Stat()
}

// Readlink returns what a link says, which may be anything.
func (r *Root) Readlink(rel string) (string, error) {
	buf := make([]byte, unix.PathMax)
	var n int
	err := r.at("readlink", rel, func(dirfd int, base string) (err error) {
		n, err = unix.Readlinkat(dirfd, base, buf)
		return err
	})
	return string(buf[:max(n, 0)]), err
}

// Remove removes a file, a link or an empty directory.
func (r *Root) Remove(rel string) error {
	return r.at("remove", rel, func(dirfd int, base string) error {
		err := unix.Unlinkat(dirfd, base, 0)
		if errors.Is(err, unix.EISDIR) {
			err = unix.Unlinkat(dirfd, base, unix.AT_REMOVEDIR)
		}
		return err
	})
}

// Rename renames within the root, replacing what stands at the new name.
func (r *Root) Rename(old, new string) error {
	return r.rename(old, r, new, 0)
}

// MoveTo moves an entry into another root and never replaces anything there
// (fs.ErrExist). Across file systems it fails with syscall.EXDEV.
func (r *Root) MoveTo(rel string, dst *Root, dstRel string) error {
	return r.rename(rel, dst, dstRel, unix.RENAME_NOREPLACE)
}

func (r *Root) rename(old string, dst *Root, new string, flags uint) error {
	return r.at("rename", old, func(oldDir int, oldBase string) error {
		return dst.at("rename", new, func(newDir int, newBase string) error {
			return unix.Renameat2(oldDir, oldBase, newDir, newBase, flags)
		})
	})
}

// Unlock gives the owner access to a directory whose mode took it away. chmod goes through the descriptor, so that a swapped entry is not followed.
func (r *Root) Unlock(rel string) error {
	fd, err := r.openat(rel, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return unix.Fchmodat(unix.AT_FDCWD, "/proc/self/fd/"+strconv.Itoa(fd), 0o700, 0)
}
