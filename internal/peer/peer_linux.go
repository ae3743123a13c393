package peer

import (
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Of asks the kernel who is at the other end of c.
func Of(c *net.UnixConn) (Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return Peer{}, err
	}
	var cred *unix.Ucred
	var sysErr error
	err = raw.Control(func(fd uintptr) {
		cred, sysErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil {
		return Peer{}, err
	}
	if sysErr != nil {
		return Peer{}, sysErr
	}
	if !sameNamespace(int(cred.Pid)) {
		return Peer{}, ErrNested
	}
	return Peer{UID: int(cred.Uid), PID: int(cred.Pid)}, nil
}

// sameNamespace says whether a process is in our pid namespace: one that is in
// a sandbox below it has a number there too (proc_pid_status(5), NSpid). Nothing
// in a sandbox can reach the socket; this holds should it ever.
func sameNamespace(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(b)) {
		if numbers, ok := strings.CutPrefix(line, "NSpid:"); ok {
			return len(strings.Fields(numbers)) == 1
		}
	}
	return false
}
