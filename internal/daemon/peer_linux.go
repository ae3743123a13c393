package daemon

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/server"
)

func peerOf(c *net.UnixConn) (server.Peer, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return server.Peer{}, err
	}
	var cred *unix.Ucred
	var sysErr error
	err = raw.Control(func(fd uintptr) {
		cred, sysErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	})
	if err != nil {
		return server.Peer{}, err
	}
	if sysErr != nil {
		return server.Peer{}, sysErr
	}
	if !sameNamespace(int(cred.Pid)) {
		return server.Peer{}, errNested
	}
	return server.Peer{UID: int(cred.Uid), PID: int(cred.Pid)}, nil
}

var errNested = errors.New("the peer is in another process namespace")

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
