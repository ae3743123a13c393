package port

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// serve accepts until the listener is closed.
func (s *Set) serve(e *entry, l net.Listener) {
	for {
		select {
		case s.room <- struct{}{}:
		case <-e.ctx.Done():
			return
		}
		c, err := l.Accept()
		if err == nil {
			go s.one(e, c.(*net.TCPConn))
			continue
		}
		<-s.room
		if errors.Is(err, net.ErrClosed) {
			return
		}
		select { // no descriptor left, or a client that is gone already
		case <-time.After(50 * time.Millisecond):
		case <-e.ctx.Done():
		}
	}
}

// one carries a connection. Where nothing listens inside it is broken off,
// which is the nearest to a refusal once it was accepted.
func (s *Set) one(e *entry, outside *net.TCPConn) {
	defer func() { <-s.room }()
	inside, err := s.dial(e.ctx, uint16(e.Port))
	if err != nil {
		abort(outside)
		return
	}
	stop := context.AfterFunc(e.ctx, func() { abort(outside, inside) })
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { pass(outside, inside) })
	both.Go(func() { pass(inside, outside) })
	both.Wait()
	_ = outside.Close()
	_ = inside.Close()
}

// pass copies one direction and passes its end on, so that the other may go on
// (a half-closed connection). What one side breaks off is broken off for both.
func pass(to, from *net.TCPConn) {
	if _, err := io.Copy(to, from); err != nil {
		abort(to, from)
		return
	}
	_ = to.CloseWrite()
}

// abort closes with a reset, so that nobody takes what came so far for all.
func abort(conns ...*net.TCPConn) {
	for _, c := range conns {
		_ = c.SetLinger(0)
		_ = c.Close()
	}
}
