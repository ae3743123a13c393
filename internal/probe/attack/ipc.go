//go:build linux

package attack

import (
	"net"
	"os"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/wire"
)

// patience is how long an answer is waited for.
const patience = time.Second

// place fills in what the catalogue leaves open in a path.
func (t *try) place(p string) string {
	return strings.NewReplacer("UID", itoa(t.UID), "HOME", t.Home, "SOCKS", t.Dir, "WS", t.WS).Replace(p)
}

// exchange sends the token and waits for a sink's answer.
func (t *try) exchange(c net.Conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte(t.token() + "\n")); err != nil {
		t.saw(wire.Errno(err))
		return
	}
	b := make([]byte, 256)
	n, err := c.Read(b)
	switch {
	case strings.Contains(string(b[:n]), "SINK"):
		t.claim = "an answer from " + c.RemoteAddr().String()
	case err != nil && os.IsTimeout(err):
		t.saw(probe.Silent)
	default:
		t.saw(probe.Closed)
	}
}

func (t *try) unix(path string) {
	c, err := net.DialTimeout("unix", path, patience)
	if err != nil {
		t.saw(wire.Errno(err))
		return
	}
	t.exchange(c)
}

func unixSockets(t *try) {
	for _, p := range t.args {
		t.unix(t.place(p))
	}
}

func unixDatagram(t *try) {
	for _, p := range t.args {
		c, err := net.Dial("unixgram", t.place(p))
		if err != nil {
			t.saw(wire.Errno(err))
			continue
		}
		_, err = c.Write([]byte(t.token()))
		t.met(err, "sent to "+p)
		c.Close()
	}
}

func abstract(t *try) {
	for _, name := range []string{"@bailey-probe", "@/tmp/.X11-unix/X0", "@/tmp/dbus-probe"} {
		t.unix(name)
	}
}

// lateSocket asks the host, by a file, for a socket in the project, and
// connects a second after it is there: the watch may take that long.
func lateSocket(t *try) {
	if err := os.WriteFile(t.WS+"/want-socket", nil, 0o644); err != nil {
		t.saw(wire.Errno(err))
		return
	}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Lstat(t.WS + "/late.sock"); err == nil {
			time.Sleep(time.Second)
			break
		}
	}
	t.unix(t.WS + "/late.sock")
}

func keyrings(t *try) {
	b := make([]byte, 256)
	for _, ring := range []int{unix.KEY_SPEC_USER_KEYRING, unix.KEY_SPEC_SESSION_KEYRING, unix.KEY_SPEC_USER_SESSION_KEYRING} {
		_, err := unix.KeyctlInt(unix.KEYCTL_GET_KEYRING_ID, ring, 0, 0, 0)
		t.met(err, "keyring "+itoa(ring))
	}
	if n, err := unix.KeyctlBuffer(unix.KEYCTL_READ, t.Key, b, 0); err == nil {
		t.found(b[:min(n, len(b))])
	} else {
		t.saw(wire.Errno(err))
	}
	_, err := unix.AddKey("user", "bailey-probe-x", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
	t.met(err, "added a key")
	_, err = unix.RequestKey("user", "bailey-probe", "", unix.KEY_SPEC_PROCESS_KEYRING)
	t.met(err, "requested a key")
}

func sharedMemory(t *try) {
	id, err := unix.SysvShmGet(t.Shm, 0, 0)
	if err == nil {
		if mem, err := unix.SysvShmAttach(id, 0, unix.SHM_RDONLY); err == nil {
			t.found(mem)
			_ = unix.SysvShmDetach(mem)
		}
	} else {
		t.saw(wire.Errno(err))
	}
	t.read("/dev/shm/host-canary")
	t.read("/dev/mqueue/host")
	name := append([]byte("host"), 0)
	fd, _, e := unix.RawSyscall6(unix.SYS_MQ_OPEN, wire.Pointer(name), unix.O_RDONLY|unix.O_NONBLOCK, 0, 0, 0, 0)
	if e != 0 {
		t.saw(wire.Errno(e))
		return
	}
	b := make([]byte, 8192)
	n, _, e := unix.RawSyscall6(unix.SYS_MQ_TIMEDRECEIVE, fd, wire.Pointer(b), uintptr(len(b)), 0, uintptr(unsafe.Pointer(&unix.Timespec{})), 0)
	if e == 0 {
		t.found(b[:n])
	}
}
