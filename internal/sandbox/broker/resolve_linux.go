package broker

import (
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// spot is a place for a name: an open directory, and a name in it that is
// passed to the kernel as it is, trailing slashes included.
type spot struct {
	dir  int
	path string // of dir, as the kernel names it
	name string
}

// process is what follows /proc/ in the path of a directory that belongs to a
// process.
func (s spot) process() (pid string, ok bool) {
	pid, ok = strings.CutPrefix(s.path, "/proc/")
	return pid, ok && pid[0] >= '1' && pid[0] <= '9'
}

// last is the name without trailing slashes.
func (s spot) last() string { return strings.TrimRight(s.name, "/") }

func (s spot) full() string { return path.Join(s.path, s.last()) }

func (s spot) inProc() bool { return s.path == "/proc" || strings.HasPrefix(s.path, "/proc/") }

// find resolves everything of a path but its last name.
func (c *call) find(a at) (spot, unix.Errno) {
	p, errno := c.read(a.path)
	switch {
	case errno != 0:
		return spot{}, errno
	case p == "":
		return spot{}, unix.ENOENT
	}
	dir := c.root
	if p[0] != '/' {
		if dir, errno = c.base(a.dir); errno != 0 {
			return spot{}, errno
		}
	}
	return c.from(dir, p)
}

const maxLinks = 40 // as the kernel's MAXSYMLINKS

// from resolves p, which is relative to dir unless it begins with a slash.
//
// The kernel does it in one step, as the caller's own: uid, groups and root are
// the same. Only below /proc does the answer depend on who asks, so there, and
// where it meets a magic link, it is done name by name.
func (c *call) from(dir int, p string) (spot, unix.Errno) {
	s, errno := c.parent(dir, p)
	if errno != 0 {
		return s, errno
	}
	// PID 1 may look into its own directories, the caller may not.
	if pid, ok := s.process(); ok && strings.Contains(pid, "/") && !c.mayEnter(s.dir, pid) {
		return s, unix.EACCES
	}
	return s, 0
}

// parent opens the directory that p's last name is in.
func (c *call) parent(dir int, p string) (spot, unix.Errno) {
	parent, name := cut(p)
	s := spot{dir: dir, name: name}
	switch {
	case parent == "" && p[0] == '/': // the root itself
		s.dir, s.name = c.root, "/"
	case parent != "":
		how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_MAGICLINKS}
		fd, err := unix.Openat2(dir, parent+".", &how) // the dot asks for the right to search it
		if err == unix.ELOOP {
			return c.byName(s, parent)
		}
		if err != nil {
			return s, done(err).errno
		}
		s.dir = c.keep(fd)
	}
	var errno unix.Errno
	if s.path, errno = c.pathOf(s.dir); errno == 0 && s.inProc() && parent != "" {
		s.dir = dir
		return c.byName(s, parent)
	}
	return s, errno
}

// cut splits off the last name with its trailing slashes.
func cut(p string) (parent, name string) {
	end := len(strings.TrimRight(p, "/"))
	i := strings.LastIndexByte(p[:end], '/') + 1
	return p[:i], p[i:]
}

// pathOf is the name of an open file as the kernel knows it now.
func (c *call) pathOf(fd int) (string, unix.Errno) {
	var b [unix.PathMax]byte
	n, err := unix.Readlinkat(c.self, strconv.Itoa(fd), b[:])
	if err != nil {
		return "", done(err).errno
	}
	if n == len(b) {
		return "", unix.ENAMETOOLONG
	}
	return string(b[:n]), 0
}

// byName resolves parent name by name, as the caller.
func (c *call) byName(s spot, parent string) (spot, unix.Errno) {
	at, rest := s.dir, parent
	for links := 0; rest != ""; {
		if rest[0] == '/' {
			at, rest = c.root, strings.TrimLeft(rest, "/")
			continue
		}
		name, more, _ := strings.Cut(rest, "/")
		rest = strings.TrimLeft(more, "/")
		next, err := unix.Openat(at, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			return s, done(err).errno
		}
		c.keep(next)
		var st unix.Stat_t
		if err := unix.Fstat(next, &st); err != nil {
			return s, done(err).errno
		}
		if st.Mode&unix.S_IFMT != unix.S_IFLNK {
			at = next
			continue
		}
		if links++; links > maxLinks {
			return s, unix.ELOOP
		}
		text, handle, errno := c.follow(at, name)
		switch {
		case errno != 0:
			return s, errno
		case handle >= 0:
			at = handle
		default:
			rest = text + "/" + rest
		}
	}
	dir, err := unix.Openat(at, ".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0) // also asks for the right to search it
	if err != nil {
		return s, done(err).errno
	}
	s.dir = c.keep(dir)
	var errno unix.Errno
	s.path, errno = c.pathOf(dir)
	return s, errno
}

// follow reads the link name in dir: it is a text, or, for a magic link, the
// file that it means, opened.
func (c *call) follow(dir int, name string) (text string, handle int, errno unix.Errno) {
	var b [unix.PathMax]byte
	p, errno := c.pathOf(dir)
	if errno != 0 {
		return "", -1, errno
	}
	if pid, ok := (spot{path: p}).process(); ok {
		if !c.mayEnter(dir, pid) {
			return "", -1, unix.EACCES
		}
		fd, err := unix.Openat(dir, name, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return "", -1, done(err).errno
		}
		return "", c.keep(fd), 0
	}
	if p == "/proc" && (name == "self" || name == "thread-self") {
		who := c.process()
		if who == nil {
			return "", -1, unix.ENOENT
		}
		if name == "self" {
			return strconv.Itoa(who.tgid), -1, 0
		}
		return strconv.Itoa(who.tgid) + "/task/" + strconv.Itoa(int(c.Pid)), -1, 0
	}
	n, err := unix.Readlinkat(dir, name, b[:])
	if err != nil {
		return "", -1, done(err).errno
	}
	return string(b[:n]), -1, 0
}

// mayEnter says whether the caller may use what lies below /proc/PID. dir is a
// directory there, and names the process whatever becomes of its number; the
// kernel would judge by who asks, and here that is PID 1.
//
// Its own process it may, and every other that may be traced: to those, and no
// others, the owner of their fd directory is their own (proc(5)).
func (c *call) mayEnter(dir int, pid string) bool {
	pid, inner, _ := strings.Cut(pid, "/")
	if pid == "1" || c.ours(pid) {
		return false
	}
	if who := c.process(); who != nil && strconv.Itoa(who.tgid) == pid {
		return true
	}
	fd := "fd"
	switch base := path.Base(inner); {
	case base == "fd":
		fd = "."
	case base != "." && strings.Trim(base, "0123456789") != "": // ns, map_files, attr
		fd = "../fd"
	}
	var st unix.Stat_t
	err := unix.Fstatat(dir, fd, &st, unix.AT_SYMLINK_NOFOLLOW)
	return err == nil && int(st.Uid) == unix.Getuid()
}

// ours says that a number is that of one of PID 1's own threads.
func (c *call) ours(pid string) bool {
	var st unix.Stat_t
	return unix.Fstatat(c.proc, "1/task/"+pid, &st, unix.AT_SYMLINK_NOFOLLOW) == nil
}
