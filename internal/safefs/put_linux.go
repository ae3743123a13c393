package safefs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// Stat describes one entry.
func (r *Root) Stat(rel string) (Stat, error) {
	fd, err := r.openat(rel, unix.O_PATH, 0)
	if err != nil {
		return Stat{}, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return Stat{}, pathError("stat", rel, err)
	}
	return statOf(&st), nil
}

func statOf(st *unix.Stat_t) Stat {
	return Stat{Type: typeOf(st.Mode), Perm: st.Mode & 0o7777, UID: st.Uid, GID: st.Gid, Size: st.Size,
		Modified: st.Mtim.Nano(), Changed: st.Ctim.Nano(), Ino: st.Ino, Links: uint64(st.Nlink), Device: uint64(st.Rdev)}
}

func typeOf(mode uint32) fs.FileMode {
	switch mode & unix.S_IFMT {
	case unix.S_IFREG:
		return 0
	case unix.S_IFDIR:
		return fs.ModeDir
	case unix.S_IFLNK:
		return fs.ModeSymlink
	case unix.S_IFSOCK:
		return fs.ModeSocket
	case unix.S_IFIFO:
		return fs.ModeNamedPipe
	case unix.S_IFCHR:
		return fs.ModeDevice | fs.ModeCharDevice
	case unix.S_IFBLK:
		return fs.ModeDevice
	}
	return fs.ModeIrregular
}

func readStat(fd int, list []Entry) {
	var st unix.Stat_t
	all := make([]Stat, len(list))
	for i, e := range list {
		if unix.Fstatat(fd, e.Name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			all[i] = statOf(&st)
			list[i].Stat, list[i].Type = &all[i], all[i].Type
		}
	}
}

// Put replaces rel, which may be any entry but a directory, with a regular
// file that holds what src gives: at once or not at all. Unlike WriteFile it
// does not wait for the disk.
func (r *Root) Put(rel string, src io.Reader, a Attr) error {
	return r.at("write", rel, func(dirfd int, base string) error {
		tmp := tmpName()
		fd, err := unix.Openat(dirfd, tmp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
		if err != nil {
			return err
		}
		f := os.NewFile(uintptr(fd), base)
		_, err = io.Copy(f, src)
		err = errors.Join(err, a.set(int(f.Fd()), ""), f.Close())
		if err == nil {
			err = unix.Renameat(dirfd, tmp, dirfd, base)
		}
		if err != nil {
			_ = unix.Unlinkat(dirfd, tmp, 0)
		}
		return err
	})
}

// set gives the file behind fd its attributes; the owner first, because a
// change of it takes set-id bits away. path is "" for a descriptor that is
// open, else a name for it.
func (a Attr) set(fd int, path string) error {
	var err error
	if a.Owned {
		err = unix.Fchownat(fd, "", int(a.UID), int(a.GID), unix.AT_EMPTY_PATH)
	}
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(a.Modified)}
	if path == "" {
		err = errors.Join(err, unix.Fchmod(fd, a.Perm))
		path = procFD(fd)
	} else {
		err = errors.Join(err, unix.Fchmodat(unix.AT_FDCWD, path, a.Perm, 0))
	}
	if a.Modified != 0 {
		err = errors.Join(err, unix.UtimesNanoAt(unix.AT_FDCWD, path, times, 0))
	}
	return err
}

func procFD(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// Symlink replaces rel, which may be any entry but a directory, with a link
// that says target. It may say anything: nothing here follows it.
func (r *Root) Symlink(target, rel string, a Attr) error {
	return r.at("symlink", rel, func(dirfd int, base string) error {
		tmp := tmpName()
		if err := unix.Symlinkat(target, dirfd, tmp); err != nil {
			return err
		}
		err := a.setLink(dirfd, tmp)
		if err == nil {
			err = unix.Renameat(dirfd, tmp, dirfd, base)
		}
		if err != nil {
			_ = unix.Unlinkat(dirfd, tmp, 0)
		}
		return err
	})
}

func (a Attr) setLink(dirfd int, name string) error {
	var err error
	if a.Owned {
		err = unix.Fchownat(dirfd, name, int(a.UID), int(a.GID), unix.AT_SYMLINK_NOFOLLOW)
	}
	if a.Modified != 0 {
		times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, unix.NsecToTimespec(a.Modified)}
		err = errors.Join(err, unix.UtimesNanoAt(dirfd, name, times, unix.AT_SYMLINK_NOFOLLOW))
	}
	return err
}

// SetAttr changes a file or a directory, never what a link points to.
func (r *Root) SetAttr(rel string, a Attr) error {
	fd, err := r.openat(rel, unix.O_PATH, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return pathError("chmod", rel, err)
	}
	if t := st.Mode & unix.S_IFMT; t != unix.S_IFREG && t != unix.S_IFDIR {
		return pathError("chmod", rel, ErrNotRegular)
	}
	if err := a.set(fd, procFD(fd)); err != nil {
		return pathError("chmod", rel, err)
	}
	return nil
}

// DirAttr reads an extended attribute of a directory; nil if it has none.
func (r *Root) DirAttr(rel, name string) ([]byte, error) {
	fd, err := r.openat(rel, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	buf := make([]byte, 256)
	n, err := unix.Fgetxattr(fd, name, buf)
	switch {
	case errors.Is(err, unix.ENODATA), errors.Is(err, unix.EOPNOTSUPP):
		return nil, nil
	case err != nil:
		return nil, pathError("getxattr", rel, err)
	}
	return buf[:n], nil
}

// Clone makes dst, an open empty file, share the content of src where the file
// system can do that (ioctl_ficlone(2)); false where it has to be copied.
func Clone(dst, src *os.File) bool {
	return unix.IoctlFileClone(int(dst.Fd()), int(src.Fd())) == nil
}
