package session

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/gateway"
)

const (
	eventsFile = "events.jsonl"
	// queue is how many events may wait for the audit log; the session's own
	// file gets all of them in any case.
	queue = 4096
	// maxEvents bounds the session's own file against a program that causes
	// events in a loop; the audit log keeps counting.
	maxEvents = 50000
	flushTime = 5 * time.Second
	// gatherTime is how long the first event of a batch waits for others: a
	// program that uses a key a thousand times a second would otherwise cause as
	// many requests to the vault, and syncs of its log.
	gatherTime = 50 * time.Millisecond
	maxBatch   = 256
)

// record writes what happened in three places: the session's own file, the
// vault's audit log when there is one, and a line for the user when something
// was refused.
type record struct {
	s *Session

	mu      sync.Mutex
	file    *os.File
	count   int
	shown   map[string]bool
	refused []Refusal
	show    func(line string) // where the user can read a line

	audit   chan api.Event
	closing chan struct{}
	done    chan struct{}
}

func newRecord(s *Session) (*record, error) {
	f, err := os.OpenFile(filepath.Join(s.dir, eventsFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("session record: %w", err)
	}
	r := &record{s: s, file: f, shown: map[string]bool{}, show: s.say, closing: make(chan struct{}), done: make(chan struct{})}
	if s.opts.Background == nil {
		close(r.done)
		return r, nil
	}
	r.audit = make(chan api.Event, queue)
	go r.send(s.opts.Background.WithSession(s.ID))
	return r, nil
}

// gateway takes what the gateway decided.
func (r *record) gateway(e gateway.Event) {
	outcome := "done"
	if e.Kind == gateway.Denied || e.Kind == gateway.Alarm {
		outcome = "denied"
	}
	r.add(api.Event{Time: api.Time{Time: e.Time}, Action: "egress." + string(e.Kind), Name: string(e.Secret),
		Host: e.Host, Outcome: outcome, Detail: e.String()})
	if outcome == "denied" {
		r.refuse(strings.TrimPrefix(e.String(), string(e.Kind)+": "), e.Hint)
	}
	if outcome == "denied" || e.Kind == gateway.TLS {
		r.tell(e.String(), e.Hint)
	}
}

// note records anything else that happened in the session.
func (r *record) note(action, outcome, detail string) {
	r.add(api.Event{Time: api.Time{Time: time.Now()}, Action: action, Outcome: outcome, Detail: detail})
}

func (r *record) add(e api.Event) {
	e.Session, e.Actor, e.Project = r.s.ID, "session", ""
	if r.s.keys != nil {
		e.Project = r.s.keys.project
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return
	}
	if r.count++; r.count <= maxEvents {
		if b, err := json.Marshal(e); err == nil {
			_, _ = r.file.Write(append(b, '\n'))
		}
	}
	if r.audit == nil {
		return
	}
	select {
	case r.audit <- e:
	default: // the vault is locked or slow; the session's file has it
	}
}

// tell shows a line once.
func (r *record) tell(line, hint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.shown[line] || len(r.shown) > maxEvents {
		return
	}
	r.shown[line] = true
	r.show(line)
	if hint != "" && !r.shown[hint] {
		r.shown[hint] = true
		r.show("hint: " + hint)
	}
}

// told says that a line was shown.
func (r *record) told(line string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shown[line]
}

// showBy changes where lines are shown.
func (r *record) showBy(show func(line string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.show = show
}

// say shows a line on an ordinary terminal.
func (s *Session) say(line string) { s.opts.Term.Notef("%s", line) }

// send passes events on in batches until the queue is closed. What a locked
// vault refuses is kept and tried again.
func (r *record) send(c *api.Client) {
	defer close(r.done)
	var batch []api.Event
	for e := range r.audit {
		batch = append(batch, e)
		r.gather()
		for len(r.audit) > 0 && len(batch) < maxBatch {
			batch = append(batch, <-r.audit)
		}
		batch = flush(c, batch)
	}
	flush(c, batch)
}

// flush sends a batch and returns what is left of it.
func flush(c *api.Client, batch []api.Event) []api.Event {
	if len(batch) == 0 {
		return batch
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if c.Record(ctx, batch...) == nil || len(batch) > queue {
		return batch[:0]
	}
	return batch
}

// gather waits until a batch is worth sending, or nothing more can come.
func (r *record) gather() {
	if len(r.audit) >= maxBatch {
		return
	}
	t := time.NewTimer(gatherTime)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.closing:
	}
}

func (r *record) close() {
	r.mu.Lock()
	if r.file == nil {
		r.mu.Unlock()
		return
	}
	_ = r.file.Close()
	r.file = nil
	if r.audit != nil {
		close(r.closing)
		close(r.audit)
	}
	r.mu.Unlock()
	<-r.done
}
