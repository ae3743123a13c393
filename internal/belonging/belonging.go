// Package belonging gathers what of a user's home comes along into a sandbox,
// as a profile says it: instructions and settings, declarations of servers, and
// stand-ins for the program's own keys.
//
// It mounts nothing and writes nothing: it returns data that the caller turns
// into mounts and files. Its invariant: no content that it returns, and no file
// that it names, holds a value that was lent; and what has the name of a
// credential, or could not be looked through, stays outside.
package belonging

import (
	"cmp"

	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/profile"
	"github.com/bailey-project/bailey/internal/secret"
)

// Options say whose home it is and how to lend a key.
type Options struct {
	Profile *profile.Profile
	Home    string   // of the user, absolute
	Env     []string // of the caller: keys are looked for there first
	// Lend returns what stands for a key inside: the value reaches these hosts
	// only. With no hosts it reaches nobody.
	Lend func(name secret.Name, v secret.Value, hosts []policy.Host) string
	// Have returns what already stands for a key inside, of a vault.
	Have func(name secret.Name) (standin string, ok bool)
	// Private reads a file of the private home, as an earlier session left it.
	// It is hostile. nil: there is none.
	Private func(rel string, max int64) ([]byte, error)
}

// Things are what comes along.
type Things struct {
	Binds  []Bind   // read-only
	Covers []string // to be covered by an empty file or directory; after Binds
	Home   []File   // Target relative to the home; written at each start
	Etc    []File   // Target absolute; read-only
	Env    []string
	Rules  []policy.Rule // hosts of the user's own servers
	Items  []Item        // what was looked for, and what became of it
}

// Bind shows Source at Target.
type Bind struct{ Source, Target string }

// File is a file that is made for the session.
type File struct {
	Target  string
	Content []byte
}

// Item is one thing of the user's, for people.
type Item struct {
	What  string `json:"what"`  // a path below the home, the name of a key, or of a server
	State string `json:"state"` // brought, copied, stand-in, absent, left out
	Why   string `json:"why,omitempty"`
}

// The states of an Item.
const (
	Brought = "brought"
	Copied  = "copied"
	StandIn = "stand-in"
	Absent  = "absent"
	LeftOut = "left out"
)

// Gather looks through the home. What cannot be had is left out and said in
// Items: a broken settings file of the user's must not keep an agent from
// starting.
func Gather(o Options) *Things {
	g := &gatherer{Options: o, t: &Things{}, standins: map[string]string{}}
	g.keys()
	g.settings()
	g.lay()
	g.bring()
	for _, name := range sorted(o.Profile.Env) {
		g.t.Env = append(g.t.Env, name+"="+o.Profile.Env[name])
	}
	return g.t
}

// gatherer is one Gather under way.
type gatherer struct {
	Options
	t        *Things
	standins map[string]string // of the profile's keys
	lent     [][]byte          // values
	programs []string          // of the user's servers, below the home
}

func (g *gatherer) note(what, state, why string) {
	g.t.Items = append(g.t.Items, Item{what, state, why})
}

// lend takes a value out of the user's hands and returns what stands for it.
func (g *gatherer) lend(name string, value string, hosts []policy.Host) (string, bool) {
	n, err := secret.ParseName(name)
	if err != nil || len(value) < minKey {
		return "", false
	}
	v := secret.NewValue([]byte(value))
	g.lent = append(g.lent, v.Reveal())
	return g.Lend(n, v, hosts), true
}

// minKey is the shortest value, in bytes, that is taken for a key.
const minKey = 8

// where is what the program is told about where it is.
func (g *gatherer) where() string {
	return cmp.Or(g.Profile.Where, "You work inside a Bailey sandbox.\n")
}
