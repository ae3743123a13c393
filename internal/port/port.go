// Package port offers what programs in a sandbox listen on to this machine: a
// listener on the host's loopback, and for each of its connections one to the
// inside.
//
// It decides nothing and understands nothing of what it carries. Its
// invariant: it listens on 127.0.0.1 and ::1 and nowhere else, and dials
// through the function it was given and no other way.
package port

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"

	"github.com/bailey-project/bailey/internal/policy"
)

const (
	// maxOpen bounds the ports of one set: a program inside may choose them.
	maxOpen = 64
	// maxConnections bounds those of one set at one time; further ones wait to
	// be accepted. Each takes up to six descriptors (splice(2) wants pipes).
	maxConnections = 512
)

// ErrFull says that a set has as many ports as it may.
var ErrFull = fmt.Errorf("%d ports are open already: close one first", maxOpen)

// Dialer connects to a port of the sandbox's own loopback.
type Dialer func(ctx context.Context, port uint16) (*net.TCPConn, error)

// Opened is a port of the inside, and where this machine's loopback has it.
type Opened struct {
	Port policy.Port `json:"port"`
	At   policy.Port `json:"at"`
}

// URL is where a browser finds it. Most of what listens speaks HTTP; to the
// rest it says the address as well.
func (o Opened) URL() string { return fmt.Sprintf("http://localhost:%d", o.At) }

// Set are the open ports of one sandbox. It may be used concurrently.
type Set struct {
	dial Dialer
	room chan struct{} // a token a connection

	mu    sync.Mutex
	open  map[policy.Port]*entry
	ended bool
}

type entry struct {
	Opened
	listeners []net.Listener
	ctx       context.Context // of its connections
	cancel    context.CancelFunc
}

// New returns an empty set.
func New(dial Dialer) *Set {
	return &Set{dial: dial, room: make(chan struct{}, maxConnections), open: map[policy.Port]*entry{}}
}

// Open offers a port, under its own number where that is free and may be had,
// else under another. A port that is open already stays as it is; fresh says
// that this one was not.
func (s *Set) Open(p policy.Port) (o Opened, fresh bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.open[p]; e != nil {
		return e.Opened, false, nil
	}
	switch {
	case s.ended:
		return o, false, net.ErrClosed
	case len(s.open) >= maxOpen:
		return o, false, ErrFull
	}
	listeners, at, err := listen(p)
	if err != nil {
		return o, false, err
	}
	e := &entry{Opened: Opened{p, at}, listeners: listeners}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	s.open[p] = e
	for _, l := range listeners {
		go s.serve(e, l)
	}
	return e.Opened, true, nil
}

// Close takes a port back, with its connections. It reports whether it was open.
func (s *Set) Close(p policy.Port) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.open[p]
	if e != nil {
		e.close()
		delete(s.open, p)
	}
	return e != nil
}

// End closes all, for good.
func (s *Set) End() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	for _, e := range s.open {
		e.close()
	}
	clear(s.open)
}

// List is what is open, in order.
func (s *Set) List() []Opened {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []Opened{}
	for _, e := range s.open {
		list = append(list, e.Opened)
	}
	slices.SortFunc(list, func(a, b Opened) int { return int(a.Port) - int(b.Port) })
	return list
}

func (e *entry) close() {
	e.cancel()
	for _, l := range e.listeners {
		_ = l.Close()
	}
}
