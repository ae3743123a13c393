// Package peer says who is at the other end of a Unix socket, as the kernel
// knows it and not as the other end says.
//
// It decides nothing but one thing, its invariant: whoever is in a pid namespace
// below ours is nobody's peer. Nothing in a sandbox can reach one of our sockets; this holds
// should it ever.
package peer

import "errors"

// Peer is a process at the other end of a connection: the one that made it,
// whoever uses it later.
type Peer struct {
	UID int
	PID int // 0 when the kernel does not say
}

// ErrNested: the other end is in a pid namespace below ours.
var ErrNested = errors.New("the peer is in another process namespace")
