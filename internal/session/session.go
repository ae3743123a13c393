// Package session is one agent run: it turns a project, a policy and a command
// into a sandbox with a workspace, a gateway and a record, waits for its end
// and brings home what was made.
//
// It is where the engines meet; it confines nothing and decides nothing
// itself. Its invariant: nothing of the workload runs before every refusal had
// its chance, and nothing of it is alive when Run returns.
package session

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/belonging"
	"github.com/bailey-project/bailey/internal/gateway"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/port"
	"github.com/bailey-project/bailey/internal/profile"
	"github.com/bailey-project/bailey/internal/relay"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/toolchain"
	"github.com/bailey-project/bailey/internal/why"
	"github.com/bailey-project/bailey/internal/workspace"
)

// Variable is set inside every session to its name.
const Variable = "BAILEY_SESSION"

// Options say what to run and where.
type Options struct {
	Args        []string
	Dir         string      // absolute working directory
	Env         []string    // the caller's; only an allow-list of it goes in
	Environment string      // "development" when empty
	Network     []string    // further rules for this session, as in agent.network
	Limits      []string    // further limits for this session, such as memory=8G
	Profile     string      // "" for the one that is made for the command
	Client      *api.Client // may ask for the passphrase; used only before anything runs; nil without a vault
	Background  *api.Client // asks nothing and prints nothing: the terminal is the workload's by then
	Term        *term.Term
	Quiet       bool
	Ports       []policy.Port // further ports of programs inside that this machine's loopback offers
	AllPorts    bool          // offers every port that a program inside begins to listen on; not together with StrictNames
	StrictNames bool          // refuse names that host programs execute, in place of moving them away
	Review      bool          // work on an overlay: the project changes only by Apply
	Frozen      bool          // with Review: on a copy of the project
}

// Session is a run in progress.
type Session struct {
	ID   string
	opts Options
	dir  string
	home string // of the user

	manifest  *manifest.Manifest // nil without one, or when it is not confirmed
	root      string             // what the agent may write: the project
	atVarTmp  bool               // the project lies there
	profile   *profile.Profile
	things    *belonging.Things // of the user's home, for the profile's program
	program   toolchain.Result
	work      *workspace.Workspace
	view      workspace.View
	rules     *rules
	limits    limit.Set
	plan      bool               // nothing is run: for Plan
	pending   *manifest.Manifest // of this repository, not confirmed
	charted   func() *why.Map    // of the spec; made when it is asked for
	keys      *keys
	gate      *gateway.Gateway
	record    *record
	box       *sandbox.Process
	ports     atomic.Pointer[port.Set]       // of box, once it runs
	mounts    []sandbox.Mount                // of box
	terminal  atomic.Pointer[relay.Terminal] // once it relays
	startedAt time.Time
	noticed   chan struct{} // closed when all that PID 1 said is dealt with
	nameLines atomic.Int32  // lines shown about names that were refused or moved away
	appeared  atomic.Int32  // and about those that are hidden or kept
}

// Run runs the command in a sandbox and returns its exit code. The code is
// meaningful only without an error.
func Run(ctx context.Context, o Options) (int, error) {
	s := &Session{opts: o, home: home.User(), startedAt: time.Now(), ID: newID()}
	if s.opts.Environment == "" {
		s.opts.Environment = "development"
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var err error
	// The first process needs nothing of what follows to come up.
	if s.box, err = sandbox.Launch(s.base()); err != nil {
		return 0, err
	}
	if err := s.prepare(ctx); err != nil {
		s.box.Kill()
		s.discard()
		return 0, err
	}
	return s.run(ctx)
}

// newID is short enough to type and long enough not to meet another.
func newID() string {
	b := make([]byte, 5)
	_, _ = rand.Read(b)
	return strings.ToLower(base32.StdEncoding.EncodeToString(b))
}

// prepare does everything that can refuse.
func (s *Session) prepare(ctx context.Context) error {
	var err error
	// The workspace has its real path inside, so the command starts there too.
	if s.opts.Dir, err = filepath.EvalSymlinks(s.opts.Dir); err != nil {
		return err
	}
	if s.root, err = workspace.FindRoot(s.opts.Dir, s.home); err != nil {
		return err
	}
	if s.program, err = toolchain.Find(s.opts.Env, s.opts.Args[0], s.opts.Dir, s.home); err != nil {
		return err
	}
	// Before anything is asked or made: what follows is of no use without.
	if s.box != nil {
		if err := s.box.Launched(); err != nil {
			return err
		}
	}
	if s.profile, err = s.findProfile(); err != nil {
		return err
	}
	if err := s.loadManifest(); err != nil {
		return err
	}
	if err := s.findLimits(); err != nil {
		return err
	}
	if err := s.makeDirs(); err != nil {
		return err
	}
	if s.record, err = newRecord(s); err != nil {
		return err
	}
	if s.keys, err = newKeys(ctx, s); err != nil {
		return err
	}
	if !s.plan {
		s.sweep(ctx)
	}
	if err := s.prepareWorkspace(ctx); err != nil {
		return err
	}
	if s.rules, err = newRules(s); err != nil {
		return err
	}
	return s.newGateway()
}

func (s *Session) prepareWorkspace(ctx context.Context) error {
	keep, err := keepFor(s.root)
	if err != nil {
		return err
	}
	s.work, err = workspace.Prepare(ctx, workspace.Options{
		Root: s.root, SessionDir: s.dir, SessionID: s.ID, Home: s.home,
		Substitute: s.keys.substitute, RunDir: runDir, Memory: stateOf("hidden", s.root), Keep: keep, Review: s.opts.Review, Frozen: s.opts.Frozen, Path: lookup(s.opts.Env, "PATH"),
	})
	if err != nil {
		return err
	}
	s.view = s.work.View()
	s.gather()
	if s.plan && s.profile.Keeps() {
		return nil // nothing runs in it, and another session may
	}
	return s.furnishHome()
}

func (s *Session) newGateway() error {
	config, err := loadConfig()
	if err != nil {
		return err
	}
	s.gate, err = gateway.New(gateway.Config{
		Rules: s.rules.current, Bindings: s.keys.currentBindings,
		Value: s.keys.value, Values: s.keys.known,
		Confidants: s.profile.Confidants,
		Event:      s.record.gateway, Pins: config.pins,
	})
	return err
}

// makeDirs makes the session's directory and what the sandbox writes to.
func (s *Session) makeDirs() error {
	s.dir = filepath.Join(home.Sessions(), s.ID)
	for _, dir := range []string{home.Sessions(), s.dir} {
		if err := home.MakeDir(dir); err != nil {
			return fmt.Errorf("session directory: %w", err)
		}
	}
	if err := s.takeScratch(); err != nil {
		return fmt.Errorf("session directory: %w", err)
	}
	if s.profile.Keeps() && !s.plan {
		return home.MakeDir(s.homeDir())
	}
	return nil
}

// homeDir is the private home: kept per profile and repository, so that an
// agent finds its sessions again and one project can't leave anything for
// another; of one session for everything else.
func (s *Session) homeDir() string {
	if s.profile.Keeps() {
		name := strings.TrimSuffix(filepath.Base(stateOf("", manifest.Repository(s.root))), ".json")
		return filepath.Join(home.State(), "homes", s.profile.Name, name)
	}
	return s.ownHome()
}

// discard removes a session that never ran.
func (s *Session) discard() {
	if s.gate != nil {
		_ = s.gate.Close()
	}
	if s.work != nil {
		_ = s.work.Close(true)
	}
	if s.record != nil {
		s.record.close()
	}
	if s.dir != "" {
		_ = os.RemoveAll(s.dir)
	}
}

// loadManifest takes bailey.yaml when the user confirmed that very content for
// this repository: an agent can write the file, so what is not confirmed
// widens nothing.
func (s *Session) loadManifest() error {
	root, ok := manifest.Find(s.opts.Dir)
	if !ok {
		return nil
	}
	m, err := manifest.Load(root)
	if err != nil {
		return err
	}
	if manifest.Confirmed(root, m.Hash()) {
		s.manifest = m
		return nil
	}
	s.pending = m
	if s.plan {
		return nil
	}
	ok, err = s.askManifest(root, m)
	if ok {
		s.manifest, s.pending = m, nil
	}
	return err
}

// askManifest shows what the file would grant and asks once.
func (s *Session) askManifest(root string, m *manifest.Manifest) (bool, error) {
	t := s.opts.Term
	file := filepath.Join(root, "bailey.yaml")
	if !t.CanAsk() {
		t.Notef("%s is new or changed and not confirmed: its hosts, ports and secrets are left out", file)
		t.Hintf("read it, then: bailey confirm")
		return false, nil
	}
	t.Notef("%s is new or changed. It asks for:", file)
	for _, line := range Grants(m) {
		t.Notef("  %s", line)
	}
	yes, err := t.Confirm("Grant exactly this in this repository?", false)
	if err != nil || !yes {
		return false, nil
	}
	return true, manifest.Confirm(root, m.Hash())
}

// Grants says in lines for people what a manifest asks for.
func Grants(m *manifest.Manifest) []string {
	var lines []string
	for _, env := range slices.Sorted(maps.Keys(m.Sources)) {
		lines = append(lines, fmt.Sprintf("the values of %s from %s", env, m.Sources[env]))
	}
	for _, name := range m.Names() {
		sec := m.Secrets[name]
		if len(sec.Hosts) > 0 {
			lines = append(lines, fmt.Sprintf("%s toward %s", name, strings.Join(sec.Hosts, ", ")))
		}
	}
	for _, n := range m.Agent.Network {
		lines = append(lines, "network "+string(n))
	}
	for _, p := range m.Agent.Ports {
		lines = append(lines, fmt.Sprintf("port %d of programs inside, open on this machine's loopback", p))
	}
	if limits, err := m.Limits(); err == nil && len(limits) > 0 {
		lines = append(lines, "at most "+limits.String())
	}
	if len(lines) == 0 {
		lines = append(lines, "nothing beyond what every session has")
	}
	return lines
}
