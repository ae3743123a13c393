package forward

import (
	"net/http"
	"sync"
	"time"
)

// maxLatency is how long a written piece may wait for more.
const maxLatency = 2 * time.Millisecond

// latency flushes what was written to w after a moment, or at once.
type latency struct {
	w http.ResponseWriter

	mu      sync.Mutex
	timer   *time.Timer
	pending bool
	stopped bool
}

func (l *latency) write(p []byte, now bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.w.Write(p)
	switch {
	case err != nil || l.pending:
	case now:
		l.flush()
	case l.timer == nil:
		l.timer, l.pending = time.AfterFunc(maxLatency, l.late), true
	default:
		l.pending = true
		l.timer.Reset(maxLatency)
	}
	return err
}

func (l *latency) late() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending && !l.stopped {
		l.pending = false
		l.flush()
	}
}

func (l *latency) flush() {
	if f, ok := l.w.(http.Flusher); ok {
		f.Flush()
	}
}

// stop must be called before the handler returns: nothing is flushed after it.
func (l *latency) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = true
	if l.timer != nil {
		l.timer.Stop()
	}
}
