package daemon

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// counted is a listener that knows its open connections from the moment they
// are accepted. http.Server.Shutdown misses one that was accepted while it
// began, and executing another image would then cut it off unanswered.
type counted struct {
	*net.UnixListener
	open atomic.Int64 // also counts a running Accept
}

type countedConn struct {
	*net.UnixConn
	once sync.Once
	done func()
}

// Accept counts what it returns.
func (c *counted) Accept() (net.Conn, error) {
	c.open.Add(1)
	conn, err := c.AcceptUnix()
	if err != nil {
		c.open.Add(-1)
		return nil, err
	}
	return &countedConn{UnixConn: conn, done: func() { c.open.Add(-1) }}, nil
}

// Close counts down once.
func (c *countedConn) Close() error {
	c.once.Do(c.done)
	return c.UnixConn.Close()
}

// wait returns when all connections are closed or ctx ends.
func (c *counted) wait(ctx context.Context) {
	every := time.NewTicker(poll)
	defer every.Stop()
	for c.open.Load() > 0 {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}
