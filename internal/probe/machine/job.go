// Package machine is the fixture that both sides of every probe run in: a
// throw-away machine made of namespaces, with a home, a project, services,
// terminals and a network full of canaries and sinks.
//
// It is not a sandbox: within it an attacker is as free as on a developer's
// laptop, which the controls show. Its invariant: nothing that happens in it
// reaches the real machine, its users or its network, and nothing of it is
// left when its first process ends.
package machine

import (
	"os"
	"slices"

	"github.com/bailey-project/bailey/internal/probe"
)

// Job says what to try. It is handed to the machine's first process.
type Job struct {
	Dir  string     // the fixture's own directory
	Mode probe.Mode // of bailey agent
	// Runner starts a peer in place of Bailey: a command line before the
	// attacker's own; {ws}, {home} and {dir} are replaced.
	Runner []string
	Keep   string // a directory of the real machine that a Runner needs, seen at its own path
	// SandboxOnly leaves the controls out: for peers, which share ours.
	SandboxOnly bool
	// ABI makes the kernel say that it has this Landlock version; 0 leaves it.
	ABI int
	IDs []string // all when empty
	// Quick leaves out what needs a session of its own.
	Quick bool
}

// Tries says whether a job has a probe, for the user that asks.
func Tries(job Job, p probe.Probe) bool {
	root := os.Getuid() == 0
	switch {
	case len(job.IDs) > 0 && !slices.Contains(job.IDs, p.ID):
	case p.Who == probe.Root && !root || p.Who == probe.User && root:
	case job.Runner != nil && p.Scene != "": // made of Bailey's own commands
	case job.Quick && (p.Scene != "" || p.Alone || p.Positive):
	default:
		return true
	}
	return false
}
