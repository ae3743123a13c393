package daemon

import (
	"net"

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
	return server.Peer{UID: int(cred.Uid), PID: int(cred.Pid)}, nil
}
