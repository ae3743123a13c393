package broker

import "golang.org/x/sys/unix"

// archTable: renameat is the one old call that arm64 was born with.
func archTable() []row {
	return []row{{unix.SYS_RENAMEAT, always, (*call).renameat}}
}

func (c *call) renameat() outcome { return c.move(at{c.arg(0), c.arg(1)}, at{c.arg(2), c.arg(3)}, 0) }
