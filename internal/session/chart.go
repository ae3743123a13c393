package session

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/why"
)

// chartFile is where a session's own map lies inside it.
const chartFile = runDir + "/session.json"

// chartTime is how long a session may take to lay its map, once it runs.
const chartTime = 2 * time.Second

// maxChart bounds a map that is read, bytes.
const maxChart = 4 << 20

// Plan is the map of a session that would start now: everything is prepared
// and nothing is run, asked or left behind.
func Plan(ctx context.Context, o Options) (*why.Map, error) {
	s, err := planned(ctx, o)
	if err != nil {
		return nil, err
	}
	defer s.discard()
	m := s.chart(s.spec([3]bool{}))
	m.Session = ""
	return m, nil
}

// planned is a session that is prepared and will not run. The caller discards
// it.
func planned(ctx context.Context, o Options) (*Session, error) {
	o.Client, o.Background, o.Quiet = nil, nil, true
	o.Term = &term.Term{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}
	s := &Session{opts: o, home: home.User(), startedAt: time.Now(), ID: newID(), plan: true}
	if err := s.prepare(ctx); err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

// chart is the map of this session.
func (s *Session) chart(spec sandbox.Spec) *why.Map {
	spec.Base = s.base()
	m := why.New(spec, s.view, s.rules.current())
	m.Session = s.ID
	if s.pending != nil {
		if rules, err := s.pending.Rules(); err == nil {
			m.Pending = why.Texts(rules)
		}
	}
	return m
}

// showChart answers with the map of the running session, rules as they are now.
func (s *Session) showChart(w http.ResponseWriter, _ *http.Request) {
	m := *s.charted()
	m.Rules = why.Texts(s.rules.current())
	_ = json.NewEncoder(w).Encode(m)
}

// layChart puts the map into the sandbox, once its workload runs: few ever ask
// for it, and it would be a tenth of a start.
func (s *Session) layChart() {
	if b, err := json.Marshal(s.charted()); err == nil {
		_ = s.box.Pin(chartFile, b)
	}
}

// Map asks the running session for its map.
func (s Stored) Map(ctx context.Context) (*why.Map, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, controlBase+"/map", nil)
	if err != nil {
		return nil, err
	}
	resp, err := dial(s.dir).Do(req)
	if err != nil {
		return nil, fmt.Errorf("session %s does not answer: %w", s.ID, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("session %s: %s", s.ID, resp.Status)
	}
	return readMap(resp.Body)
}

// Inside is the map of the session that this process runs in.
func Inside() (*why.Map, error) {
	for deadline := time.Now().Add(chartTime); ; time.Sleep(chartTime / 100) {
		b, err := os.ReadFile(chartFile)
		if err != nil || len(b) == 0 && time.Now().After(deadline) {
			return nil, errors.New("this session has no map of itself")
		}
		if len(b) > 0 {
			return readMap(bytes.NewReader(b))
		}
	}
}

func readMap(r io.Reader) (*why.Map, error) {
	var m why.Map
	if err := json.NewDecoder(io.LimitReader(r, maxChart)).Decode(&m); err != nil {
		return nil, fmt.Errorf("map of the session: %w", err)
	}
	return &m, nil
}
