package session

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/gateway"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/policy"
)

// rules are the egress rules in force; they can change while programs run.
type rules struct {
	mu  sync.Mutex
	now atomic.Pointer[[]policy.Rule]
}

func (r *rules) current() []policy.Rule { return *r.now.Load() }

// newRules gathers them: the profile's, the user's servers and configuration, what the
// user allowed in this project, the confirmed manifest, this command's own.
func newRules(s *Session) (*rules, error) {
	all, err := s.profile.Rules()
	if err != nil {
		return nil, err
	}
	all = append(all, s.things.Rules...)
	config, err := loadConfig()
	if err != nil {
		return nil, err
	}
	for _, source := range []struct {
		texts  []string
		origin string
	}{
		{config.Network, home.Config()},
		{Allowed(s.root), "bailey allow"},
		{s.opts.Network, "command line"},
	} {
		more, err := parseRules(source.texts, source.origin)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	if s.manifest != nil {
		more, err := s.manifest.Rules()
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	r := &rules{}
	r.now.Store(&all)
	return r, nil
}

func parseRules(texts []string, origin string) ([]policy.Rule, error) {
	var rs []policy.Rule
	for _, t := range texts {
		r, err := policy.ParseRule(t, origin)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", origin, err)
		}
		rs = append(rs, r)
	}
	return rs, nil
}

// add widens the running session.
func (r *rules) add(rule policy.Rule) {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := append(slices.Clone(r.current()), rule)
	r.now.Store(&next)
}

// remove narrows it: every rule for that host that "bailey allow" made. It
// reports whether there was one.
func (r *rules) remove(host policy.Host) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.current()
	next := slices.DeleteFunc(slices.Clone(old), func(x policy.Rule) bool {
		return x.Host == host && x.Origin == allowOrigin
	})
	r.now.Store(&next)
	return len(next) < len(old)
}

// allowOrigin is shown with every rule that the user made by hand.
const allowOrigin = "bailey allow"

// allowFile holds what the user allowed in a repository. It lies in the user's
// own state, not in bailey.yaml: an agent can write there.
func allowFile(root string) string { return stateOf("allow", manifest.Repository(root)) }

// stateOf names the file of our own state about something in the file system.
func stateOf(kind, path string) string {
	sum := sha256.Sum256([]byte(path))
	return filepath.Join(home.State(), kind, hex.EncodeToString(sum[:16])+".json")
}

// Allowed lists the rules that the user made for the repository of root.
func Allowed(root string) []string {
	var texts []string
	b, err := os.ReadFile(allowFile(root))
	if err == nil {
		err = json.Unmarshal(b, &texts)
	}
	if err != nil {
		return nil
	}
	return texts
}

// Openable refuses what no rule can open, which would be found out only by the
// program that is refused later.
func Openable(h policy.Host) error {
	config, err := loadConfig()
	if err != nil || !gateway.Closed(h, config.pins) {
		return err
	}
	return api.Errorf(api.Denied, "%s is this machine or an address that is not public: no rule opens it", h).
		WithHint("pin a name to it in %s, then allow that name:\nupstreams:\n  - {host: NAME, at: %q, ca: FILE}", home.Config(), net.JoinHostPort(h.Name, strconv.Itoa(int(cmp.Or(h.Port, 443)))))
}

// Allow keeps a rule for the repository of root.
func Allow(root string, rule policy.Rule) error {
	_, err := changeAllowed(root, rule.Host, rule.String())
	return err
}

// Disallow forgets every rule for a host and reports whether there was one.
func Disallow(root string, host policy.Host) (bool, error) { return changeAllowed(root, host) }

// changeAllowed puts texts in the place of what is kept about a host. Commands
// in several terminals wait for each other.
func changeAllowed(root string, host policy.Host, texts ...string) (was bool, err error) {
	file := allowFile(root)
	if err := home.MakeDir(filepath.Dir(file)); err != nil {
		return false, err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return false, err
	}
	defer dir.Close()
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX); err != nil {
		return false, fmt.Errorf("%s: waiting for its lock: %w", dir.Name(), err)
	}
	kept := slices.DeleteFunc(Allowed(root), func(t string) bool {
		old, err := policy.ParseRule(t, allowOrigin)
		same := err == nil && old.Host == host
		was = was || same
		return err != nil || same
	})
	b, err := json.Marshal(append(kept, texts...))
	if err != nil {
		return false, err
	}
	tmp := file + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return false, err
	}
	return was, os.Rename(tmp, file)
}
