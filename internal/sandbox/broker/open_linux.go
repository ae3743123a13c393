package broker

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// validFlags are those that openat(2) looks at; it ignores any other, where
// openat2(2) fails.
const validFlags = unix.O_ACCMODE | unix.O_CREAT | unix.O_EXCL | unix.O_NOCTTY | unix.O_TRUNC | unix.O_APPEND |
	unix.O_NONBLOCK | unix.O_SYNC | unix.O_DSYNC | unix.O_ASYNC | unix.O_DIRECT | unix.O_LARGEFILE | unix.O_DIRECTORY |
	unix.O_NOFOLLOW | unix.O_NOATIME | unix.O_CLOEXEC | unix.O_PATH | unix.O_TMPFILE

// ours are set on every open: it must not block, must not give PID 1 a
// terminal, and the copy that the caller gets has a flag of its own.
const ours = unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC

const exclusive = unix.O_CREAT | unix.O_EXCL

func (c *call) openFile(dir, p, flags, mode uint64) outcome {
	how := unix.OpenHow{Flags: flags & validFlags, Resolve: unix.RESOLVE_NO_SYMLINKS}
	if flags&(unix.O_CREAT|(unix.O_TMPFILE&^unix.O_DIRECTORY)) != 0 {
		how.Mode = mode & 0o7777
	}
	s, errno := c.find(at{dir, p})
	if errno != 0 {
		return failed(flagsFirst(how, errno))
	}
	if !c.alive() {
		return outcome{gone: true}
	}
	if how.Mode != 0 {
		c.useMask()
	}
	return c.openSpot(s, how)
}

// flagsFirst: the kernel looks at the flags before it reads the path. Without
// a path it tells of them alone.
func flagsFirst(how unix.OpenHow, errno unix.Errno) unix.Errno {
	if _, err := unix.Openat2(unix.AT_FDCWD, "", &how); err == unix.EINVAL {
		return unix.EINVAL
	}
	return errno
}

// openSpot opens the name without following it; a link is read, and judged
// anew where it leads.
func (c *call) openSpot(s spot, how unix.OpenHow) outcome {
	for range maxLinks {
		if c.judge(s.path, s.last()) == refused {
			return c.refuse(s.full())
		}
		o, again := c.openOnce(s, how)
		if !again {
			return o
		}
		next, handle, errno := c.next(s)
		switch {
		case errno != 0:
			return failed(errno)
		case handle >= 0:
			return c.reopen(handle, how.Flags)
		}
		s = next
	}
	return failed(unix.ELOOP)
}

// openOnce: again is true for a link that the caller wants followed.
func (c *call) openOnce(s spot, how unix.OpenHow) (o outcome, again bool) {
	switch {
	case s.path == "/dev" && s.name == "tty":
		return c.openTerminal(s, how), false
	case c.foreignMemory(s):
		return failed(flagsFirst(how, unix.EACCES)), false
	}
	flags := how.Flags
	how.Flags |= ours
	if flags&exclusive == exclusive { // a new file blocks nobody
		how.Flags = flags | ours&^unix.O_NONBLOCK
	}
	fd, err := unix.Openat2(s.dir, s.name, &how)
	if err == unix.ELOOP && (flags&unix.O_NOFOLLOW == 0 || strings.HasSuffix(s.name, "/")) {
		return outcome{}, true
	}
	if err != nil {
		isFIFO := func() bool {
			var st unix.Stat_t
			return unix.Fstatat(s.dir, s.name, &st, unix.AT_SYMLINK_NOFOLLOW) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
		}
		return c.notOpened(err, flags, isFIFO), false
	}
	return c.give(fd, flags), false
}

// openTerminal opens the caller's own terminal: to /dev/tty itself the kernel
// would give PID 1's.
func (c *call) openTerminal(s spot, how unix.OpenHow) outcome {
	name, flags := c.terminal(), how.Flags
	if name != "" {
		s.name = "pts/" + name
	}
	how.Flags |= ours
	fd, err := unix.Openat2(s.dir, s.name, &how)
	switch {
	case err != nil:
		return done(err)
	case name == "":
		unix.Close(fd)
		return failed(unix.ENXIO)
	}
	return c.give(fd, flags)
}

// reopen opens what a magic link of the caller meant.
func (c *call) reopen(h int, flags uint64) outcome {
	if o, ok := c.writable(h); !ok {
		return o
	}
	fd, err := unix.Openat(c.self, strconv.Itoa(h), int(flags|ours), 0)
	if err != nil {
		isFIFO := func() bool {
			var st unix.Stat_t
			return unix.Fstat(h, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFIFO
		}
		return c.notOpened(err, flags, isFIFO)
	}
	return c.give(fd, flags)
}

// notOpened: where the caller would have waited, it waits.
func (c *call) notOpened(err error, flags uint64, isFIFO func() bool) outcome {
	blocks := flags&unix.O_NONBLOCK == 0 && (err == unix.EAGAIN || err == unix.ENXIO && isFIFO())
	if blocks {
		return outcome{wait: true}
	}
	return done(err)
}

// give takes back what the caller did not ask for.
func (c *call) give(fd int, flags uint64) outcome {
	c.keep(fd)
	if flags&unix.O_NONBLOCK == 0 && flags&exclusive != exclusive {
		const settable = unix.O_APPEND | unix.O_ASYNC | unix.O_DIRECT | unix.O_NOATIME
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, int(flags&settable)); err != nil {
			return done(err)
		}
	}
	return outcome{fd: fd, cloexec: flags&unix.O_CLOEXEC != 0}
}

// foreignMemory: PID 1 could open what the caller may not trace. Everything
// else below /proc has an owner and a mode that say who may write it.
func (c *call) foreignMemory(s spot) bool {
	pid, ok := s.process()
	if !ok || s.last() != "mem" {
		return false
	}
	own, _, _ := strings.Cut(pid, "/")
	who := c.process()
	return who == nil || own != strconv.Itoa(who.tgid)
}
