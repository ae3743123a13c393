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
	var p server.Peer
	var sysErr error
	err = raw.Control(func(fd uintptr) {
		cred, err := unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
		if err != nil {
			sysErr = err
			return
		}
		p.UID = int(cred.Uid)
		p.PID, _ = unix.GetsockoptInt(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERPID)
	})
	if err != nil {
		return server.Peer{}, err
	}
	return p, sysErr
}
