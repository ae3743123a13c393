// Package catalogue is the table of probes, one function per category.
//
// It is data and runs nothing. Its invariant: an identifier stands once, and
// every row says how the attack is made, which layer stops it and how that
// shows.
package catalogue

import "github.com/bailey-project/bailey/internal/probe"

// Category is a chapter of the catalogue.
type Category struct {
	Letter, Title string
	Probes        []probe.Probe
}

// All is the whole catalogue, in order.
func All() []Category {
	return []Category{
		{"A", "Start, attestation, no way to switch it off", start()},
		{"B", "Reading what was not given", reading()},
		{"C", "Planting what the host runs later", planting()},
		{"D", "Other processes, namespaces, root", processes()},
		{"E", "Sockets, terminals, shared memory and keyrings of the host", channels()},
		{"F", "Surface of the kernel", kernel()},
		{"G", "Ways out over the network", network()},
		{"K", "Host git on a repository that the agent wrote", git()},
		{"P", "End, leftovers, odd places", life()},
		{"Q", "Decoys and the record", record()},
	}
}

// Find is the probe of that identifier.
func Find(id string) (probe.Probe, bool) {
	for _, c := range All() {
		for _, p := range c.Probes {
			if p.ID == id {
				return p, true
			}
		}
	}
	return probe.Probe{}, false
}

// Abbreviations for the tables.

func by(layer string, how ...string) probe.Stop { return probe.Stop{Layer: layer, How: how} }

// modes says how the stronger modes stop what live has to notice and undo: what
// is planted lies in an overlay of the session's, or its name is refused.
func modes(overlay, broker []string) map[string]probe.Stop {
	m := map[string]probe.Stop{}
	if overlay != nil {
		m[probe.Review] = by("private overlay", overlay...)
	}
	if broker != nil {
		m[probe.StrictNames] = by("name broker", broker...)
	}
	return m
}

func list(s ...string) []string { return s }

const (
	tree     = "mount tree"
	pids     = "pid namespace"
	netns    = "network namespace"
	gate     = "network namespace, gateway"
	ipc      = "ipc namespace"
	filter   = "seccomp"
	sealed   = "descriptors"
	environ  = "environment"
	gitdir   = "private git"
	masks    = "workspace masks"
	watch    = "workspace watch"
	readonly = "workspace binds"
	home     = "private home"
	noCaps   = "no capabilities"
	notRoot  = "subordinate uid"
	relay    = "terminal relay"
	life9    = "lifetime"
	refuse   = "refusal to start"
	told     = "report to the user"
	limits   = "limits"
)
