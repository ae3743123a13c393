package port

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"

	"github.com/bailey-project/bailey/internal/policy"
)

// tries is how often a number of the kernel's choice is asked for: it may be
// free on one loopback address and taken on the other.
const tries = 16

// listen listens under the same number on both loopback addresses: "localhost"
// means either, and on one alone a stranger might answer in our place.
func listen(p policy.Port) (both []net.Listener, at policy.Port, err error) {
	want := p
	if want < policy.FirstPort {
		want = 0
	}
	for range tries {
		if both, at, err = listenAt(want); err == nil {
			return both, at, nil
		}
		want = 0
	}
	return nil, 0, fmt.Errorf("listening on this machine's loopback: %w", err)
}

func listenAt(p policy.Port) ([]net.Listener, policy.Port, error) {
	v4, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(p))))
	if err != nil {
		return nil, 0, err
	}
	at := v4.Addr().(*net.TCPAddr).Port
	v6, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(at)))
	switch {
	case err == nil:
		return []net.Listener{v4, v6}, policy.Port(at), nil
	case errors.Is(err, syscall.EADDRINUSE):
		_ = v4.Close()
		return nil, 0, err
	}
	return []net.Listener{v4}, policy.Port(at), nil // a machine without IPv6
}
