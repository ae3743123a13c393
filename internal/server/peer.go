package server

import (
	"context"

	"github.com/bailey-project/bailey/internal/peer"
)

// Peer is who is at the other end of a connection.
type Peer = peer.Peer

type peerKey struct{}

// WithPeer marks a request's context as coming from p.
func WithPeer(ctx context.Context, p Peer) context.Context {
	return context.WithValue(ctx, peerKey{}, p)
}

// PeerOf is the peer of a request, if it was established.
func PeerOf(ctx context.Context) (Peer, bool) {
	p, ok := ctx.Value(peerKey{}).(Peer)
	return p, ok
}
