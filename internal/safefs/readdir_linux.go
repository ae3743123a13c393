package safefs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"time"

	"golang.org/x/sys/unix"
)

// readDir lists a directory unsorted, at most lim.Entries names (0: no limit).
// more is true when there are further ones.
//
// It reads the kernel's records itself, because package os drops the inode
// number, which costs a stat for each file to get back.
func (r *Root) readDir(rel string, lim Limits, buf []byte) (list []Entry, more bool, err error) {
	fd, err := r.openat(rel, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, false, err
	}
	defer unix.Close(fd)
	for {
		n, err := unix.Getdents(fd, buf)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return list, false, pathError("readdir", rel, err)
		}
		if n <= 0 {
			return list, false, nil
		}
		from := len(list)
		list = parseDirents(fd, buf[:n], list)
		if lim.Changed {
			readChanged(fd, list[from:])
		}
		if lim.Stat {
			readStat(fd, list[from:])
		}
		if lim.Entries > 0 && len(list) > lim.Entries {
			return list[:lim.Entries], true, nil
		}
	}
}

// parseDirents reads struct linux_dirent64 records, see getdents64(2).
func parseDirents(fd int, b []byte, list []Entry) []Entry {
	const head = 19 // d_ino 8, d_off 8, d_reclen 2, d_type 1
	for len(b) > head {
		size := int(binary.NativeEndian.Uint16(b[16:]))
		if size < head || size > len(b) {
			return list
		}
		name := b[head:size]
		if i := bytes.IndexByte(name, 0); i >= 0 {
			name = name[:i]
		}
		if s := string(name); s != "." && s != ".." {
			e := Entry{Name: s, Ino: binary.NativeEndian.Uint64(b)}
			e.Type = direntType(fd, s, b[18])
			list = append(list, e)
		}
		b = b[size:]
	}
	return list
}

func readChanged(fd int, list []Entry) {
	var st unix.Stat_t
	for i, e := range list {
		if !e.IsDir() && unix.Fstatat(fd, e.Name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			list[i].Changed = time.Unix(st.Ctim.Unix())
		}
	}
}

func direntType(fd int, name string, t byte) fs.FileMode {
	switch t {
	case unix.DT_REG:
		return 0
	case unix.DT_DIR:
		return fs.ModeDir
	case unix.DT_LNK:
		return fs.ModeSymlink
	case unix.DT_SOCK:
		return fs.ModeSocket
	case unix.DT_FIFO:
		return fs.ModeNamedPipe
	case unix.DT_UNKNOWN: // some file systems do not say
		var st unix.Stat_t
		if unix.Fstatat(fd, name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil {
			return direntType(fd, name, byte(st.Mode&unix.S_IFMT>>12))
		}
	}
	return fs.ModeIrregular
}
