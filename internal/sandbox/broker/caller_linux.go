package broker

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// read returns the text at an address of the caller's memory. It is read once
// for a call: what another thread writes there later is not seen.
func (c *call) read(addr uint64) (string, unix.Errno) {
	for _, t := range c.texts {
		if t.at == addr {
			return t.s, 0
		}
	}
	var buf [unix.PathMax]byte
	have := 0
	for have < len(buf) {
		// Not beyond the end of a page: the next one may not be mapped.
		page := uint64(os.Getpagesize())
		from := addr + uint64(have)
		size := min(len(buf)-have, int(page-from%page))
		n, errno := c.readMemory(from, buf[have:have+size])
		if errno != 0 {
			return "", errno
		}
		if i := bytes.IndexByte(buf[have:have+n], 0); i >= 0 {
			s := string(buf[:have+i])
			c.texts = append(c.texts, text{addr, s})
			return s, 0
		}
		have += n
	}
	return "", unix.ENAMETOOLONG
}

func (c *call) readMemory(addr uint64, b []byte) (int, unix.Errno) {
	local := []unix.Iovec{{Base: &b[0], Len: uint64(len(b))}}
	remote := []unix.RemoteIovec{{Base: uintptr(addr), Len: len(b)}}
	n, err := unix.ProcessVMReadv(int(c.Pid), local, remote, 0)
	switch errno, _ := err.(unix.Errno); {
	case err == nil && n > 0:
		return n, 0
	case errno == unix.EFAULT || err == nil:
		return 0, unix.EFAULT
	default:
		return 0, unix.EACCES // gone, or not to be read: not to be believed either
	}
}

// alive says that the caller still waits, so that all that was read under its
// number was its own. Nothing is done before.
func (c *call) alive() bool { return c.listener.Valid(c.ID) }

// base opens the directory that a relative path starts from.
func (c *call) base(dir uint64) (int, unix.Errno) {
	name := strconv.Itoa(int(c.Pid)) + "/cwd"
	if uint32(dir) != uint32(cwd) {
		if int32(dir) < 0 {
			return -1, unix.EBADF
		}
		name = strconv.Itoa(int(c.Pid)) + "/fd/" + strconv.Itoa(int(int32(dir)))
	}
	fd, err := unix.Openat(c.proc, name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err == unix.EACCES { // it hides its memory, and with it this directory
		return c.duplicate(int(int32(dir)))
	}
	switch err {
	case nil:
		return c.keep(fd), 0
	case unix.ENOTDIR:
		return -1, unix.ENOTDIR
	}
	return -1, unix.EBADF
}

// duplicate is the long way to a directory that the caller has open.
func (c *call) duplicate(n int) (int, unix.Errno) {
	who := c.process()
	if who == nil {
		return -1, unix.EBADF
	}
	pid, err := unix.PidfdOpen(who.tgid, 0)
	if err != nil {
		return -1, unix.EBADF
	}
	defer unix.Close(pid)
	fd, err := unix.PidfdGetfd(pid, n, 0)
	if err != nil {
		return -1, unix.EBADF
	}
	defer unix.Close(fd)
	dir, err := unix.Openat(c.self, strconv.Itoa(fd), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, done(err).errno
	}
	return c.keep(dir), 0
}

// process is what is known of a caller's process.
type process struct {
	tgid, umask int
	until       time.Time
}

// masks remembers umasks, which only /proc/PID/status tells, and slowly. A
// process that changes its own is seen doing so. An entry is believed for a
// moment only: numbers of processes are given again.
type masks struct {
	mu    sync.Mutex
	tgids map[uint32]*process // by thread
	byTG  map[int]*process
}

const (
	believed = time.Second
	maxKnown = 4096
)

// process of the caller; nil when it is gone.
func (c *call) process() *process {
	if c.who != nil {
		return c.who
	}
	c.masks.mu.Lock()
	defer c.masks.mu.Unlock()
	now := time.Now()
	if p := c.masks.tgids[c.Pid]; p != nil && now.Before(p.until) {
		c.who = p
		return p
	}
	if len(c.masks.tgids) >= maxKnown || c.masks.tgids == nil {
		c.masks.tgids, c.masks.byTG = map[uint32]*process{}, map[int]*process{}
	}
	tgid, mask, ok := c.status()
	if !ok {
		return nil
	}
	p := c.masks.byTG[tgid]
	if p == nil || !now.Before(p.until) {
		p = &process{tgid: tgid, umask: mask, until: now.Add(believed)}
		c.masks.byTG[tgid] = p
	}
	c.masks.tgids[c.Pid] = p
	c.who = p
	return p
}

// status reads the caller's process and umask.
func (c *call) status() (tgid, mask int, ok bool) {
	b := c.procFile("status")
	group, ok1 := field(b, "\nTgid:\t", 10)
	mask, ok2 := field(b, "\nUmask:\t", 8)
	return group, mask, ok1 && ok2
}

func (c *call) procFile(name string) string {
	fd, err := unix.Openat(c.proc, strconv.Itoa(int(c.Pid))+"/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	b := make([]byte, 4096)
	n, _ := unix.Read(fd, b)
	return string(b[:max(n, 0)])
}

func field(b, name string, radix int) (int, bool) {
	_, rest, ok := strings.Cut(b, name)
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseUint(line, radix, 64)
	return int(n), ok && err == nil
}

// umask is watched, not done: it has no pointer, so the kernel goes on with it.
func (c *call) umask() outcome {
	if p := c.process(); p != nil {
		c.masks.mu.Lock()
		p.umask = int(c.arg(0) & 0o777)
		c.masks.mu.Unlock()
	}
	return outcome{proceed: true}
}

// useMask gives this thread the caller's umask. The kernel applies it, not we:
// with a default ACL it does not count.
func (c *call) useMask() {
	p := c.process()
	if p == nil {
		return
	}
	c.masks.mu.Lock()
	m := p.umask
	c.masks.mu.Unlock()
	if !c.set || c.mask != m {
		unix.Umask(m)
		c.mask, c.set = m, true
	}
}

// interrupted says that a signal waits which the caller would handle: a call
// that blocks would have ended with it.
func (c *call) interrupted() bool {
	b := c.procFile("status")
	pending, ok := 0, true
	for _, name := range []string{"\nSigPnd:\t", "\nShdPnd:\t"} {
		n, found := field(b, name, 16)
		pending, ok = pending|n, ok && found
	}
	blocked, ok1 := field(b, "\nSigBlk:\t", 16)
	caught, ok2 := field(b, "\nSigCgt:\t", 16)
	return ok && ok1 && ok2 && pending&^blocked&caught != 0
}

// terminal is the caller's controlling terminal as a name below /dev/pts, ""
// for none (proc_pid_stat(5), tty_nr).
func (c *call) terminal() string {
	b := c.procFile("stat")
	f := strings.Fields(b[strings.LastIndexByte(b, ')')+1:])
	if len(f) < 5 {
		return ""
	}
	nr, err := strconv.ParseInt(f[4], 10, 64)
	if err != nil || nr>>8&0xfff != ptyMajor {
		return ""
	}
	return strconv.Itoa(int(nr&0xff | nr>>12&0xfff00))
}

// ptyMajor is that of pty slaves (admin-guide/devices.txt).
const ptyMajor = 136
