// Package profile says what a known program needs to be at home in a sandbox:
// which of its state persists, what of the user's home comes along, what is
// rewritten at each start, which hosts it may reach, how a sandbox of its own
// is turned off, and what it is told about where it is.
//
// It is words only: it reads the built-in texts and the user's own directory,
// and mounts, opens and starts nothing. Its invariant: no profile comes from a
// project, and none that Load returns names a file of credentials, a path that
// leaves the home, or a rule that cannot be read.
package profile

import (
	"cmp"

	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/policy"
)

// Profile is one program's. Its field comments are the manual of the format;
// schema.json says the same to editors.
type Profile struct {
	// Name is the file's, without ".yaml".
	Name string `yaml:"-"`
	// Origin is "built in", or the user's file.
	Origin string `yaml:"-"`

	// Extends names the profile that this one adds to. Lists grow, mappings are
	// merged by key, and what is written here wins. A user's profile that
	// extends its own name adds to the built-in one.
	Extends string `yaml:"extends,omitempty"`
	// Summary is one line for people.
	Summary string `yaml:"summary,omitempty"`
	// Programs are the commands that it is made for.
	Programs []string `yaml:"programs,omitempty"`
	// State says how long the private home lives: "session", or "repository",
	// where all worktrees of one repository share it.
	State State `yaml:"state,omitempty"`
	// Keys are the program's own credentials: the sandbox sees a stand-in, which
	// turns into the key toward these hosts only.
	Keys map[string]Key `yaml:"keys,omitempty"`
	// Network are hosts that it may reach, as in agent.network.
	Network manifest.Network `yaml:"network,omitempty"`
	// Bring are files and directories of the user's home that are seen inside,
	// read-only, at the same path, when they exist. "dir/*" brings what lies in
	// a directory that itself stays writable.
	Bring []string `yaml:"bring,omitempty"`
	// Hide are names that are hidden wherever they lie in what is brought.
	// Patterns as in path.Match.
	Hide []string `yaml:"hide,omitempty"`
	// Settings are files of the private home that are rewritten at each start,
	// in part, from the user's own file of the same name.
	Settings map[string]Settings `yaml:"settings,omitempty"`
	// Lay are files that are made at each start: below /etc, read-only inside, or
	// "~/", of the private home. A text, or a mapping that is written as JSON or
	// TOML, whichever the name ends in. In texts "{{where}}" becomes what the
	// program is told about where it is, "{{key NAME}}" the stand-in of one of
	// its keys, "{{tail NAME}}" the last 20 characters of that; a file that needs
	// a key which the user hasn't is not made.
	Lay map[string]any `yaml:"lay,omitempty"`
	// Env are variables that are set inside.
	Env map[string]string `yaml:"env,omitempty"`
	// Inner is the program's own sandbox.
	Inner Inner `yaml:"inner,omitempty"`
	// Where is what the program is told about where it is.
	Where string `yaml:"where,omitempty"`
}

// State is how long a private home lives.
type State string

// The states.
const (
	OfSession    State = "session"
	OfRepository State = "repository"
)

// Key is one credential and where it may go.
type Key struct {
	// Hosts get the real value; nobody else does.
	Hosts []string `yaml:"hosts"`
	// From are files of the user's home that may hold it, when no variable of
	// its name is set.
	From []Source `yaml:"from,omitempty"`
}

// Source is a place in a file: JSON keys below each other, or a name of a
// dotenv file.
type Source struct {
	File string   `yaml:"file"`
	Key  []string `yaml:"key"`
}

// Settings say how one file of settings is put together. Without any of the
// user's own, what the program wrote inside earlier stays.
type Settings struct {
	// Copy are keys that are taken over when the user's own file has them.
	Copy []string `yaml:"copy,omitempty"`
	// Mirror are keys that are as in the user's own file, and gone when it has
	// none: those that run code.
	Mirror []string `yaml:"mirror,omitempty"`
	// Drop are keys that never stay.
	Drop []string `yaml:"drop,omitempty"`
	// Set are fixed values.
	Set map[string]any `yaml:"set,omitempty"`
	// Servers is the key below which MCP servers are declared: keys in their
	// declarations become stand-ins, bound to the host of the server.
	Servers string `yaml:"servers,omitempty"`
}

// Inner is a sandbox that the program brings itself. Two of them do not nest.
type Inner struct {
	// Name is what the program calls it.
	Name string `yaml:"name,omitempty"`
	// Off says by which setting it is turned off.
	Off string `yaml:"off,omitempty"`
	// Why is the reason, for people.
	Why string `yaml:"why,omitempty"`
}

// Keeps reports whether the private home outlives a session.
func (p *Profile) Keeps() bool { return p.State == OfRepository }

// Rules are the hosts that it may reach.
func (p *Profile) Rules() ([]policy.Rule, error) {
	var rules []policy.Rule
	for _, text := range p.Network {
		r, err := policy.ParseRule(text, "profile "+p.Name)
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return rules, nil
}

// Confidants are the hosts that an agent tells everything it reads: what looks
// like a placeholder there is conversation, not a key being used.
func (p *Profile) Confidants() []policy.Host {
	var hosts []policy.Host
	rules, _ := p.Rules() // checked when it was loaded
	for _, r := range rules {
		if r.Access == policy.Write {
			hosts = append(hosts, r.Host)
		}
	}
	return hosts
}

// Notice is the line that says that a sandbox of the program's own is off.
func (p *Profile) Notice() string {
	if p.Inner.Off == "" {
		return ""
	}
	return p.Name + ": " + cmp.Or(p.Inner.Name, "its own sandbox") + " is off (" + p.Inner.Off + "): " + p.Inner.Why
}
