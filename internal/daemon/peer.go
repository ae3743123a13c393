package daemon

import (
	"context"
	"net"

	"github.com/bailey-project/bailey/internal/peer"
	"github.com/bailey-project/bailey/internal/server"
)

// connContext is http.Server.ConnContext for Unix sockets: only processes of
// the given user become peers. A connection's peer is the process that made
// it, whoever uses it later.
func connContext(uid int) func(context.Context, net.Conn) context.Context {
	return func(ctx context.Context, c net.Conn) context.Context {
		u, ok := c.(*countedConn)
		if !ok {
			return ctx
		}
		p, err := peer.Of(u.UnixConn)
		if err != nil || p.UID != uid {
			return ctx
		}
		return server.WithPeer(ctx, p)
	}
}
