package server

import (
	"net/http"
	"sync"
	"time"

	"github.com/bailey-project/bailey/internal/server/dialect"
)

// heartbeat keeps a lease's connection from looking dead to anything between.
const heartbeat = time.Minute

// leases is the set of answers that end when the vault locks.
type leases struct {
	mu   sync.Mutex
	done chan struct{}
}

// current is closed when the vault locks next.
func (l *leases) current() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = make(chan struct{})
	}
	return l.done
}

func (l *leases) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done != nil {
		close(l.done)
		l.done = nil
	}
}

// lease answers with one newline a minute until the vault locks.
func (s *Server) lease(w http.ResponseWriter, r *http.Request) {
	done := s.leases.current()
	v, err := s.open(r.Context())
	if err == nil && v.Locked() {
		err = dialect.Locked()
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.inFlight.Add(-1) // a lease is not a request that keeps the daemon awake
	defer s.inFlight.Add(1)
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(http.StatusOK)
	flush := http.NewResponseController(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		if _, err := w.Write([]byte("\n")); err != nil {
			return
		}
		_ = flush.Flush()
		select {
		case <-beat.C:
		case <-done:
			return
		case <-r.Context().Done():
			return
		}
	}
}
