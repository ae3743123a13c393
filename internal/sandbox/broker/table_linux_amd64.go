package broker

import "golang.org/x/sys/unix"

// archTable are the calls without a directory, which only x86-64 still has.
func archTable() []row {
	return []row{
		{unix.SYS_OPEN, 1, (*call).open},
		{unix.SYS_CREAT, always, (*call).creat},
		{unix.SYS_MKDIR, always, (*call).mkdir},
		{unix.SYS_MKNOD, always, (*call).mknod},
		{unix.SYS_RENAME, always, (*call).rename},
		{unix.SYS_RENAMEAT, always, (*call).renameat},
		{unix.SYS_LINK, always, (*call).link},
		{unix.SYS_SYMLINK, always, (*call).symlink},
	}
}

func (c *call) open() outcome  { return c.openFile(cwd, c.arg(0), c.arg(1), c.arg(2)) }
func (c *call) creat() outcome { return c.openFile(cwd, c.arg(0), creating, c.arg(1)) }
func (c *call) mkdir() outcome { return c.makeDir(cwd, c.arg(0), c.arg(1)) }
func (c *call) mknod() outcome { return c.makeNode(at{cwd, c.arg(0)}, c.arg(1), c.arg(2)) }
func (c *call) link() outcome  { return c.makeLink(at{cwd, c.arg(0)}, at{cwd, c.arg(1)}, 0) }

func (c *call) rename() outcome   { return c.move(at{cwd, c.arg(0)}, at{cwd, c.arg(1)}, 0) }
func (c *call) renameat() outcome { return c.move(at{c.arg(0), c.arg(1)}, at{c.arg(2), c.arg(3)}, 0) }
func (c *call) symlink() outcome  { return c.makeSymlink(c.arg(0), at{cwd, c.arg(1)}) }

const creating = unix.O_CREAT | unix.O_WRONLY | unix.O_TRUNC
