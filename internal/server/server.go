// Package server answers the HTTP API over a vault: the Infisical dialect and
// Bailey's own routes. The same handler serves the daemon on its Unix socket
// and a command in its own process.
//
// It keeps no secrets of its own and decides nothing about sandboxes. Its
// invariants: no request is served without a known peer; no answer leaves
// before the vault has recorded the access; an error never carries a value.
package server

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/server/table"
	"github.com/bailey-project/bailey/internal/vault"
)

// Options of a server.
type Options struct {
	VaultDir string
	AuditDir string
	Version  string
	Idle     time.Duration // shown by status; the daemon enforces it
	Cost     int           // scrypt work factor of new seals; 0 measures the machine

	// Exact answers as the original does where doc/compatibility.md says that
	// this server knows better.
	Exact bool

	// OnLock runs after the answer to a lock request was sent. The daemon
	// ends its process there; without it the keys are wiped in this process.
	OnLock func()
	// OnReplace runs after a client of a newer build was turned away.
	OnReplace func()
	// Logf receives the detail of internal errors; never a value.
	Logf func(format string, args ...any)
}

// Server answers for one vault, which need not exist yet.
type Server struct {
	opts    Options
	build   api.Build
	mux     *http.ServeMux
	router  *desk.Router
	changes changes
	knocks  knocks
	started time.Time

	mu    sync.RWMutex
	vault *vault.Vault // nil until it exists and could be opened
	log   *audit.Log

	opening  sync.Mutex // unlocking costs half a second and much memory: one at a time
	leases   leases
	lastSeen atomic.Int64 // wall clock, Unix nanoseconds: a suspended laptop is idle, too
	lastTick atomic.Int64 // nanoseconds since started: a clock that is set back keeps nothing open
	inFlight atomic.Int64
	ending   atomic.Bool // the daemon is about to end this process: nothing is acted on
}

// New makes a server. Nothing is opened until a request needs it.
func New(opts Options) *Server {
	if opts.Logf == nil {
		opts.Logf = func(string, ...any) {}
	}
	s := &Server{opts: opts, build: api.OwnBuild(opts.Version), started: time.Now()}
	s.seen()
	s.router = desk.NewRouter(table.Routes())
	s.mux = s.routes()
	return s
}

// Vault opens the vault if there is one. It comes locked.
func (s *Server) open(ctx context.Context) (*vault.Vault, error) {
	s.mu.RLock()
	v := s.vault
	s.mu.RUnlock()
	if v != nil {
		return v, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.vault != nil {
		return s.vault, nil
	}
	if !vault.Exists(s.opts.VaultDir) {
		return nil, noVault()
	}
	log, err := audit.Open(s.opts.AuditDir)
	if err != nil {
		return nil, err
	}
	if v, err = vault.Open(ctx, s.opts.VaultDir, log); err != nil {
		_ = log.Close()
		return nil, err
	}
	s.vault, s.log = v, log
	return v, nil
}

func noVault() *api.Error {
	return api.Errorf(api.Missing, "there is no vault yet").WithHint("make one with: bailey init")
}

// Locked says whether there is an unlocked vault.
func (s *Server) Locked() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.vault == nil || s.vault.Locked()
}

// Close ends leases, wipes the keys and closes the files. Requests in flight
// must have ended.
func (s *Server) Close() error {
	s.leases.end()
	s.changes.announce()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.vault == nil {
		return nil
	}
	err := s.vault.Close()
	if logErr := s.log.Close(); err == nil {
		err = logErr
	}
	s.vault, s.log = nil, nil
	return err
}

// End makes the server refuse everything from now on, in a way that a client
// asks again shortly, and ends the leases: its process is about to end.
func (s *Server) End() {
	s.ending.Store(true)
	s.leases.end()
}

// IdleFor is how long nobody has asked for anything.
func (s *Server) IdleFor() time.Duration {
	if s.inFlight.Load() > 0 {
		return 0
	}
	wall := time.Now().UnixNano() - s.lastSeen.Load()
	ticks := int64(time.Since(s.started)) - s.lastTick.Load()
	return time.Duration(max(wall, ticks))
}

// seen notes that somebody asked.
func (s *Server) seen() {
	s.lastSeen.Store(time.Now().UnixNano())
	s.lastTick.Store(int64(time.Since(s.started)))
}

func (s *Server) caller(r *http.Request) vault.Caller {
	peer, _ := PeerOf(r.Context())
	switch who := desk.VisitorOf(r.Context()); {
	case !who.Local && who.Principal.Name() == "":
		return vault.Caller{Actor: "network", Pid: peer.PID}
	case !who.Local:
		return vault.Caller{Actor: who.Actor(), Pid: peer.PID}
	}
	c := vault.Caller{Actor: "cli", Session: r.Header.Get(api.HeaderSession), Pid: peer.PID}
	if c.Session != "" {
		c.Actor = "session"
	}
	return c
}
