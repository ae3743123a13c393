// Package probe says what a probe of the sandbox is: an attack that is known
// to work somewhere, how it is tried, and how it must be stopped. Its
// sub-packages hold the catalogue, the attacker's half and the machine that
// both sides of every probe run in.
//
// It confines nothing and starts no sandbox itself: it runs the bailey binary
// as a user does. Its invariant: a probe counts as stopped only when the same
// attack, in the same machine without a sandbox, was seen to succeed.
package probe

// Arg is the first argument that makes the bailey binary one of the programs
// of the probes; main hands over before anything else is looked at.
const Arg = "bailey-probe"

// Probe is one row of the catalogue. Exactly one of Shell, Call and Scene says
// how the attack is made.
type Probe struct {
	ID     string
	Attack string // in a sentence
	Shell  string // run by sh, as the agent
	Call   string // a function of package attack, where a shell line will not do
	Scene  string // a function of package machine, where it takes more than one process or session
	Args   []string
	// Host is what the user runs in the project afterwards. The attack has
	// worked when $MARK exists then.
	Host []string
	// Watch are paths that must be afterwards as they were before: ws:, home:
	// and out: are the project, the home and a directory that nothing grants.
	Watch []string
	// Alone wants a session to itself: it damages what others need.
	Alone bool
	Who   Who
	// Caps says that the control needs the capabilities that an ordinary user
	// has in namespaces of his own.
	Caps bool
	Stop Stop
	// Modes says where a mode stops it otherwise, by the name of the Mode.
	Modes map[string]Stop
	// Positive is a probe of what must work inside as outside.
	Positive bool
	// Tame is the reason why the control of this probe can't succeed.
	Tame string
	// Open is the reason why the attack is not stopped, except in the modes that
	// Modes names. A suite in which it is stopped after all fails, so that the
	// row is mended.
	Open   string
	Source string // where the attack is known from
}

// Stop says which layer stops a probe, and what the attacker sees of it: errno
// names, signals, or one of the words below. More than one where an attack has
// several steps, or kernels differ.
type Stop struct {
	Layer string
	How   []string
}

// What an attacker sees besides errno names and signals.
const (
	Nothing     = "nothing"     // it ran and came away with nothing, or changed only what is its own
	Silent      = "silent"      // the bytes left and arrived nowhere
	Closed      = "closed"      // the connection was ended by the gateway
	NoName      = "no-name"     // the name does not resolve
	Quarantined = "quarantined" // what it planted was moved away
	Refused     = "refused"     // bailey did not start
	Ended       = "ended"       // it was killed with the session
	Kept        = "kept"        // the user's own was not replaced by it
	Flagged     = "flagged"     // the user was told
)

// NotStopped begins Result.Listed of an attack that is known to work.
const NotStopped = "open: "

// Who says as whom a probe makes sense.
type Who uint8

// The regimes of a user.
const (
	Anyone Who = iota
	Root       // its control needs the machine's root
	User
)

// Mode is one way to run an agent, a column of the matrix.
type Mode struct {
	Name  string
	Flags []string // of bailey agent
}

// Names of modes that rows differ in.
const (
	Review      = "review"
	StrictNames = "strict-names"
)

// Modes are what this version has. A new one is a row here, and an entry in
// Probe.Modes wherever it stops a probe in another way.
func Modes() []Mode {
	return []Mode{
		{Name: "live"},
		{Name: Review, Flags: []string{"--review"}},
		{Name: StrictNames, Flags: []string{"--strict-names"}},
	}
}

// In is how the mode stops p.
func (p Probe) In(mode string) Stop {
	if s, ok := p.Modes[mode]; ok {
		return s
	}
	return p.Stop
}

// OpenIn is why the mode does not stop p, "" when it does.
func (p Probe) OpenIn(mode string) string {
	if _, ok := p.Modes[mode]; ok {
		return ""
	}
	return p.Open
}

// Seen is what came of one run of a probe.
type Seen struct {
	How    []string `json:"how,omitempty"`
	Leaked bool     `json:"leaked"`
	// Proof is where it was seen: a canary's place, a sink, a path.
	Proof string `json:"proof,omitempty"`
	Note  string `json:"note,omitempty"`
}

// Result is one probe, both sides.
type Result struct {
	ID      string `json:"id"`
	Attack  string `json:"attack"`
	Layer   string `json:"layer"`
	Mode    string `json:"mode"`
	Regime  string `json:"regime"`
	Sandbox Seen   `json:"sandbox"`
	Control Seen   `json:"control"`
	// Verdict is "" for a probe that did what its row says, or the reason why
	// the suite fails; Listed is why one counts although it proves less.
	Verdict string `json:"verdict,omitempty"`
	Listed  string `json:"listed,omitempty"`
}
