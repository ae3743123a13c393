package server

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/bailey-project/bailey/internal/server/content"
	"github.com/bailey-project/bailey/internal/server/dialect"
)

// lookEvery is how often a stream looks for changes that other processes made.
const lookEvery = time.Second

// changes tells streams to look for changes.
type changes struct {
	mu   sync.Mutex
	next chan struct{}
}

// soon is closed at the next announcement.
func (c *changes) soon() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next == nil {
		c.next = make(chan struct{})
	}
	return c.next
}

func (c *changes) announce() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.next != nil {
		close(c.next)
		c.next = nil
	}
}

// watch streams the changes of a project as server-sent events (WHATWG HTML,
// section 9.2) until the vault locks or the client goes. It looks at the vault,
// so it misses nothing, whoever wrote.
func (s *Server) watch(w http.ResponseWriter, r *http.Request) {
	done := s.leases.current()
	v, err := s.open(r.Context())
	var sub *content.Subscription
	if err == nil {
		sub, err = content.Subscribe(s.ask(v, r))
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.inFlight.Add(-1) // a stream is not a request that keeps the daemon awake
	defer s.inFlight.Add(1)
	flush := http.NewResponseController(w)
	_ = flush.SetReadDeadline(time.Time{})
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for beat := 0; ; beat++ {
		soon := s.changes.soon()
		events, err := sub.News(r.Context())
		if err != nil {
			s.opts.Logf("%s: %s", r.Pattern, dialect.Error(err))
			return
		}
		if beat%int(heartbeat/lookEvery) == 0 {
			if beat > 0 { // a token that was revoked since ends the stream
				if _, err := s.visitor(r); err != nil {
					return
				}
			}
			_, err = w.Write([]byte("event: ping\ndata: {}\n\n"))
		}
		for _, e := range events {
			if b, jerr := json.Marshal(e); jerr == nil && err == nil {
				_, err = w.Write(append(append([]byte("data: "), b...), "\n\n"...))
			}
		}
		if err != nil || flush.Flush() != nil {
			return
		}
		select {
		case <-soon:
		case <-every.C:
		case <-done:
			return
		case <-r.Context().Done():
			return
		}
	}
}
