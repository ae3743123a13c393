package event

import (
	"strconv"
	"strings"
	"sync"
	"time"
)

// quiet says how long an event like the last one stays unsaid.
func (k Kind) quiet() time.Duration {
	switch k {
	case Injected:
		return 0
	case Alarm:
		return 5 * time.Second
	}
	return time.Minute
}

// Recorder hands events on, each kind of thing once in a while. It is safe for
// concurrent use; a nil Sink hears nothing.
type Recorder struct {
	Sink func(Event)

	mu    sync.Mutex
	said  map[string]time.Time
	swept time.Time
}

// maxSaid bounds what is remembered: a program that tries a million names makes
// the recorder silent about further ones, not large.
const maxSaid = 2048

// Record sets the time and hands the event on, unless a like one was said lately.
func (r *Recorder) Record(e Event) {
	if r.Sink == nil {
		return
	}
	e.Time = time.Now()
	if q := e.Kind.quiet(); q > 0 && !r.fresh(e, q) {
		return
	}
	if len(e.Path) > 256 {
		e.Path = e.Path[:256]
	}
	r.Sink(e)
}

// fresh reports whether nothing alike was said lately. Alike is what a person
// would call the same: for a request the method's class counts, not the path.
func (r *Recorder) fresh(e Event, quiet time.Duration) bool {
	class := ""
	if e.Method != "" {
		class = "write"
		if e.Method == "GET" || e.Method == "HEAD" || e.Method == "OPTIONS" {
			class = "read"
		}
	}
	key := strings.Join([]string{string(e.Kind), e.Scheme, e.Host, strconv.Itoa(int(e.Port)), class, string(e.Secret), e.Reason}, "\x00")
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.said[key]; ok && e.Time.Sub(last) < quiet {
		return false
	}
	if len(r.said) >= maxSaid {
		r.forget(e.Time)
	}
	if len(r.said) >= maxSaid {
		return false
	}
	if r.said == nil {
		r.said = map[string]time.Time{}
	}
	r.said[key] = e.Time
	return true
}

// forget drops what is older than any quiet time, at most once a second.
func (r *Recorder) forget(now time.Time) {
	if now.Sub(r.swept) < time.Second {
		return
	}
	r.swept = now
	for key, last := range r.said {
		if now.Sub(last) > time.Minute {
			delete(r.said, key)
		}
	}
}
