package broker

import (
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// refuse answers for a name that must not be made.
func (c *call) refuse(p string) outcome {
	if c.Report != nil {
		c.Report(p)
	}
	return failed(unix.EPERM)
}

// forMaking finds the place of a new name, and judges it.
func (c *call) forMaking(a at) (spot, outcome, bool) {
	s, errno := c.find(a)
	switch {
	case errno != 0:
		return s, failed(errno), false
	case !c.alive():
		return s, outcome{gone: true}, false
	case c.judge(s.path, s.last()) == refused:
		return s, c.refuse(s.full()), false
	}
	return s, outcome{}, true
}

func (c *call) makeDir(dir, p, mode uint64) outcome {
	s, o, ok := c.forMaking(at{dir, p})
	if !ok {
		return o
	}
	c.useMask()
	return done(unix.Mkdirat(s.dir, s.name, uint32(mode)))
}

func (c *call) makeNode(a at, mode, dev uint64) outcome {
	switch mode & unix.S_IFMT {
	case 0, unix.S_IFREG, unix.S_IFIFO, unix.S_IFSOCK, unix.S_IFCHR, unix.S_IFBLK:
	case unix.S_IFDIR:
		return failed(unix.EPERM)
	default:
		return failed(unix.EINVAL)
	}
	s, o, ok := c.forMaking(a)
	if !ok {
		return o
	}
	c.useMask()
	return done(unix.Mknodat(s.dir, s.name, uint32(mode), int(uint32(dev))))
}

func (c *call) makeSymlink(target uint64, a at) outcome {
	text, errno := c.read(target)
	switch {
	case errno != 0:
		return failed(errno)
	case text == "":
		return failed(unix.ENOENT)
	}
	s, o, ok := c.forMaking(a)
	if !ok {
		return o
	}
	return done(unix.Symlinkat(text, s.dir, s.name))
}

func (c *call) move(from, to at, flags uint32) outcome {
	const known = unix.RENAME_NOREPLACE | unix.RENAME_EXCHANGE | unix.RENAME_WHITEOUT
	exchange := flags&unix.RENAME_EXCHANGE != 0
	if flags&^known != 0 || exchange && flags != unix.RENAME_EXCHANGE {
		return failed(unix.EINVAL)
	}
	a, errno := c.find(from)
	if errno != 0 {
		return failed(errno)
	}
	dot, err := unix.Openat(a.dir, ".", unix.O_PATH|unix.O_CLOEXEC, 0) // may it be searched, asks the kernel, before it reads on
	if err != nil {
		return done(err)
	}
	unix.Close(dot)
	b, errno := c.find(to)
	if errno != 0 {
		return failed(errno)
	}
	if !c.alive() {
		return outcome{gone: true}
	}
	old, new := c.judge(a.path, a.last()), c.judge(b.path, b.last())
	switch {
	case new == refused:
		return c.refuse(b.full())
	case exchange && old == refused:
		return c.refuse(a.full())
	case old == loose && new != loose, exchange && new == loose && old != loose:
		return failed(unix.EXDEV) // copied instead, name by name
	}
	return done(unix.Renameat2(a.dir, a.name, b.dir, b.name, uint(flags)))
}

func (c *call) makeLink(from, to at, flags uint32) outcome {
	if flags&^(unix.AT_SYMLINK_FOLLOW|unix.AT_EMPTY_PATH) != 0 {
		return failed(unix.EINVAL)
	}
	p, errno := c.read(from.path)
	if errno != 0 {
		return failed(errno)
	}
	var h int
	if p == "" && flags&unix.AT_EMPTY_PATH != 0 {
		h, errno = c.descriptor(from.dir)
	} else {
		h, errno = c.source(from, flags&unix.AT_SYMLINK_FOLLOW != 0)
	}
	if errno != 0 {
		return failed(errno)
	}
	b, o, ok := c.forMaking(to)
	if !ok {
		return o
	}
	if o, ok := c.writable(h); !ok { // or it could be written under the other name
		return o
	}
	// The name of a descriptor is a link, which is followed to what was judged.
	return done(unix.Linkat(c.self, strconv.Itoa(h), b.dir, b.name, unix.AT_SYMLINK_FOLLOW))
}

// source opens what is to get another name: a link itself, unless follow or a
// slash behind it says otherwise.
func (c *call) source(from at, follow bool) (int, unix.Errno) {
	s, errno := c.find(from)
	if errno != 0 {
		return -1, errno
	}
	if follow || strings.HasSuffix(s.name, "/") {
		return c.hold(s)
	}
	fd, err := unix.Openat(s.dir, s.name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, done(err).errno
	}
	return c.keep(fd), 0
}

// descriptor opens what a descriptor of the caller is of.
func (c *call) descriptor(n uint64) (int, unix.Errno) {
	name := strconv.Itoa(int(c.Pid)) + "/fd/" + strconv.Itoa(int(int32(n)))
	if uint32(n) == uint32(cwd) {
		name = strconv.Itoa(int(c.Pid)) + "/cwd"
	}
	fd, err := unix.Openat(c.proc, name, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, unix.EBADF
	}
	return c.keep(fd), 0
}

// hold opens what a place finally means, without opening it for anything.
func (c *call) hold(s spot) (int, unix.Errno) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS}
	for range maxLinks {
		fd, err := unix.Openat2(s.dir, s.name, &how)
		if err == nil {
			return c.keep(fd), 0
		}
		if err != unix.ELOOP {
			return -1, done(err).errno
		}
		next, handle, errno := c.next(s)
		if errno != 0 || handle >= 0 {
			return handle, errno
		}
		s = next
	}
	return -1, unix.ELOOP
}

// next is where the link at s leads: another place, or an open file.
func (c *call) next(s spot) (spot, int, unix.Errno) {
	text, handle, errno := c.follow(s.dir, s.last())
	switch {
	case errno == unix.EINVAL: // no link any more
		return s, -1, 0
	case errno != 0 || handle >= 0:
		return s, handle, errno
	case text == "":
		return s, -1, unix.ENOENT
	}
	to, errno := c.from(s.dir, text+s.name[len(s.last()):])
	return to, -1, errno
}

// writable judges an open file by the name it has now.
func (c *call) writable(h int) (outcome, bool) {
	p, errno := c.pathOf(h)
	switch {
	case errno != 0:
		return failed(errno), false
	case !c.alive():
		return outcome{gone: true}, false
	case c.judge(path.Dir(p), path.Base(p)) == refused:
		return c.refuse(p), false
	}
	return outcome{}, true
}

func (c *call) truncate() outcome {
	size := int64(c.arg(1))
	if size < 0 {
		return failed(unix.EINVAL)
	}
	s, errno := c.find(at{cwd, c.arg(0)})
	if errno != 0 {
		return failed(errno)
	}
	h, errno := c.hold(s)
	if errno != 0 {
		return failed(errno)
	}
	if o, ok := c.writable(h); !ok {
		return o
	}
	return done(unix.Truncate("/proc/self/fd/"+strconv.Itoa(h), size))
}
