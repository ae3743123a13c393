package session

import (
	"encoding/json"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/term"
)

// listener is a vault that takes events, or with status says that it cannot.
type listener struct {
	mu       sync.Mutex
	status   int
	requests int
	got      []string
}

func (l *listener) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	var m struct{ Events []api.Event }
	if err := json.NewDecoder(r.Body).Decode(&m); err != nil {
		return nil, err
	}
	if l.status == http.StatusOK {
		for _, e := range m.Events {
			l.got = append(l.got, e.Detail)
		}
	}
	return &http.Response{StatusCode: l.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: http.NoBody, Request: r}, nil
}

func (l *listener) set(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

func (l *listener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.requests
}

func recordTo(t *testing.T, l *listener) *record {
	t.Helper()
	r, err := newRecord(&Session{dir: t.TempDir(), opts: Options{Term: &term.Term{}, Background: api.New(l, api.LocalBase)}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Every event arrives, in order, in far fewer requests.
func TestRecordGathers(t *testing.T) {
	l := &listener{status: http.StatusOK}
	r := recordTo(t, l)
	var want []string
	for i := range 1000 {
		want = append(want, strconv.Itoa(i))
		r.note("test", "done", want[i])
	}
	r.close()
	r.close()
	if strings.Join(l.got, " ") != strings.Join(want, " ") {
		t.Errorf("%d of %d events came, or out of order", len(l.got), len(want))
	}
	if l.requests > 10 {
		t.Errorf("%d requests for 1000 events", l.requests)
	}
}

// What a locked vault refused is offered again, at the latest at the end.
func TestRecordWaitsForTheVault(t *testing.T) {
	l := &listener{status: http.StatusForbidden}
	r := recordTo(t, l)
	r.note("test", "done", "early")
	for deadline := time.Now().Add(10 * time.Second); l.count() == 0 && time.Now().Before(deadline); {
		runtime.Gosched()
	}
	l.set(http.StatusOK)
	r.close()
	if l.count() != 2 || strings.Join(l.got, " ") != "early" {
		t.Errorf("%q came", l.got)
	}
}
