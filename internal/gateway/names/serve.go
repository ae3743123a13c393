package names

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"
)

// maxQuery is the longest query read: no question that we answer is longer.
const maxQuery = 4096

// maxErrors is how many reads in a row may fail before a socket counts as
// broken. One may well: a program that left before its answer shows as
// ECONNREFUSED.
const maxErrors = 100

// ServePacket answers the queries of one UDP socket until it is closed.
func (r *Resolver) ServePacket(c net.PacketConn) error {
	buf := make([]byte, maxQuery)
	for failed := 0; failed < maxErrors; failed++ {
		n, from, err := c.ReadFrom(buf)
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			continue
		}
		failed = 0
		if reply := r.Answer(buf[:n]); reply != nil {
			_, _ = c.WriteTo(reply, from)
		}
	}
	return errors.New("the DNS socket is broken")
}

// Limits of DNS over TCP (RFC 7766).
const (
	idle       = 10 * time.Second
	maxQueries = 100
)

// ServeStream answers the queries of one TCP connection and closes it.
func (r *Resolver) ServeStream(c net.Conn) {
	defer func() { _ = c.Close() }()
	buf := make([]byte, 2+maxQuery)
	for range maxQueries {
		_ = c.SetDeadline(time.Now().Add(idle))
		if _, err := io.ReadFull(c, buf[:2]); err != nil {
			return
		}
		n := int(binary.BigEndian.Uint16(buf))
		if n > maxQuery {
			return
		}
		if _, err := io.ReadFull(c, buf[2:2+n]); err != nil {
			return
		}
		reply := r.Answer(buf[2 : 2+n])
		if reply == nil {
			return
		}
		framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(reply)), uint16(len(reply)))
		if _, err := c.Write(append(framed, reply...)); err != nil {
			return
		}
	}
}
