package session

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/bailey-project/bailey/internal/peer"
	"github.com/bailey-project/bailey/internal/policy"
)

// socketName is the session's control socket in its directory, which only the
// user can enter and which no sandbox sees.
const socketName = "control.sock"

// maxRequest bounds a control request, bytes.
const maxRequest = 64 << 10

// Change is what "bailey allow" asks of a running session.
type Change struct {
	Rule   string `json:"rule"` // as in agent.network
	Remove bool   `json:"remove,omitempty"`
}

// shortPath names the socket through a descriptor of its directory: a socket's
// path may have at most 108 bytes (unix(7)), a home can be deeper.
func shortPath(dir string) (string, func(), error) {
	d, err := os.Open(dir)
	if err != nil {
		return "", nil, err
	}
	return "/proc/self/fd/" + strconv.Itoa(int(d.Fd())) + "/" + socketName, func() { d.Close() }, nil
}

// listen serves the control socket until ctx ends.
func (s *Session) listen(ctx context.Context) error {
	path, done, err := shortPath(s.dir)
	if err != nil {
		return err
	}
	defer done()
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("control socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return fmt.Errorf("control socket: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /rules", s.changeRules)
	mux.HandleFunc("GET /rules", s.listRules)
	mux.HandleFunc("GET /map", s.showChart)
	mux.HandleFunc("POST /ports", s.changePorts)
	mux.HandleFunc("GET /ports", s.listPorts)
	mux.HandleFunc("POST /stop", func(http.ResponseWriter, *http.Request) { _ = s.box.Signal(os.Interrupt) })
	srv := &http.Server{Handler: mux, ReadTimeout: 5 * time.Second, ConnContext: onlyOurs}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go func() { _ = srv.Serve(l) }()
	return nil
}

// onlyOurs closes a connection that comes from another user or from a sandbox.
func onlyOurs(ctx context.Context, c net.Conn) context.Context {
	u, ok := c.(*net.UnixConn)
	if ok {
		p, err := peer.Of(u)
		ok = err == nil && p.UID == os.Getuid()
	}
	if !ok {
		_ = c.Close()
	}
	return ctx
}

func (s *Session) changeRules(w http.ResponseWriter, r *http.Request) {
	var c Change
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(&c); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	rule, err := policy.ParseRule(c.Rule, allowOrigin)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if c.Remove {
		if !s.rules.remove(rule.Host) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		s.gate.Refresh()
		s.record.note("rule.remove", "done", rule.String())
		return
	}
	s.rules.add(rule)
	s.record.note("rule.add", "done", rule.String())
}

func (s *Session) listRules(w http.ResponseWriter, _ *http.Request) {
	var texts []string
	for _, r := range s.rules.current() {
		texts = append(texts, r.String()+"  # "+r.Origin)
	}
	_ = json.NewEncoder(w).Encode(texts)
}

// dial returns a client for the control socket in a session's directory.
func dial(dir string) *http.Client {
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			path, done, err := shortPath(dir)
			if err != nil {
				return nil, err
			}
			defer done()
			return (&net.Dialer{}).DialContext(ctx, "unix", path)
		},
	}}
}

// controlBase is the base of every control request; the name is only for show.
const controlBase = "http://session"
