// Package sandbox turns a Spec into a confined process: new user, mount, pid,
// net, ipc, uts and cgroup namespaces, a mount tree built by allow-list, then
// Landlock, then seccomp, then exec. This is the process tier.
//
// It decides nothing: what is visible and what runs is all in the Spec. It
// knows nothing of projects, secrets or policies, and it never relays: the
// caller is handed the terminal, the pipes and the network listeners.
//
// Its invariant: the workload starts with every layer in force or it does not
// start at all, and it does not outlive the process that called Start.
package sandbox

import (
	"fmt"
	"math/bits"
	"net"
	"os"
	"time"

	"github.com/bailey-project/bailey/internal/limit"
)

// InitArg is the first argument that makes the bailey binary PID 1 of a
// sandbox; main hands over to PID1 before anything else is looked at.
const InitArg = "bailey-init"

// ResolverAddr is where the sandbox's resolv.conf points. UDP port 53 toward
// any address but loopback reaches the DNS socket of Network, so the address
// is a name for people; it lies in 198.18.0.0/15 (RFC 2544), which no SSRF
// guard mistakes for an internal host.
const ResolverAddr = "198.18.0.1"

// Base is the part of a Spec that is known before anything is looked at, so
// that its share of a start can begin at once.
type Base struct {
	Identity Identity
	Copies   []string // host files copied to the same path when the workload's uid may read them
	Links    []Link
	Broker   bool // Spec.Names will be set
	Overlay  bool // the Spec will have one
	Listens  bool // Notices tell of ports that programs inside begin to listen on; not together with Broker
}

// Spec is all that a sandbox is made from. Paths are absolute and the same
// inside as outside unless a Mount says otherwise.
type Spec struct {
	Base
	Path     string   // executable, as seen inside
	Args     []string // argv, Args[0] included
	Dir      string   // working directory inside
	Env      []string // the whole environment
	Hostname string
	Mounts   []Mount // made in order; a parent stands before its children
	Files    []File
	TTY      [3]bool // which of descriptors 0–2 are the terminal; the others are pipes
	Rows     uint16  // size of the terminal at start
	Cols     uint16
	Limits   limit.Set // what the workload may take; without OpenFiles as many as this process, which is more than it began with
	Quota    bool      // the processors are a control group's to share out; set by Run
	Names    *Names    // nil: any name may be made
}

// Names has every creation of a name judged by the rules that PID1 was given,
// see package broker.
type Names struct {
	Root   string   // the workspace
	Exempt []string // mounts below it that the host does not have there
}

// Identity is who the workload is. Outside it is the same numeric user unless
// the caller is root: kuid 0 reads /etc/shadow and writes core_pattern even
// without a capability, so root's workloads run as a subordinate uid.
type Identity struct {
	UID, GID int
	Name     string
	Home     string
	Shell    string
}

// Kind says what a Mount is.
type Kind uint8

// The kinds of mount.
const (
	Bind    Kind = iota // Source, with everything mounted below it
	Tmpfs               // empty, in memory, at most Size bytes
	Cover               // Source, the Target of one of the Spec's Files; without it an empty file or directory
	Overlay             // what two earlier mounts put at OverlayLower and OverlayUpper: a tree, and where changes to it are kept
)

// Where the layers of an Overlay are bound before it; it takes them away.
// OverlayUpper has two directories, tree and work.
const (
	OverlayLower = "/run/bailey/lower"
	OverlayUpper = "/run/bailey/upper"
)

// Mount is one entry of the mount tree.
type Mount struct {
	Kind     Kind
	Source   string
	Target   string
	Writable bool
	Optional bool  // a missing Source or, within a bind, Target is passed over
	Pinned   bool  // laid anew when the host replaces the entry it covers
	Real     bool  // Source has no symbolic link in it: one that appeared since is refused
	Size     int64 // Tmpfs, bytes
	Mode     uint32
	// Idmapped says that on-disk owner Owner shall appear as the workload's
	// uid. Only used when the caller is root.
	Idmapped bool

	fd    int    // the detached source; -1 when it is missing
	spare string // a second copy for pins
}

// File is a small file written into the sandbox's own memory.
type File struct {
	Target  string
	Content []byte
	Mode    uint32
}

// Link is a symbolic link in the sandbox's own tree.
type Link struct{ Target, To string }

// Network is the only way out of the sandbox: listeners inside its otherwise
// empty network namespace to which every connection is redirected.
type Network struct {
	TCP []net.Listener
	DNS []net.PacketConn
}

// Stdio is the caller's side of descriptors 0–2. Terminal is nil when none of
// them is one; the pipes are nil where the terminal is used.
type Stdio struct {
	Terminal *os.File // pty master
	In       *os.File // write end
	Out, Err *os.File // read ends
}

// Exit is how the workload ended: Code is its exit status, or 128+signal as a
// shell says it.
type Exit struct {
	Code   int
	Signal int // 0 when it exited by itself
	// Breach is the limit that was reached, when that ended the sandbox.
	Breach *limit.Breach `json:",omitempty"`
}

// Notice is something PID 1 saw that the user should know.
type Notice struct {
	Kind   string
	Path   string `json:",omitempty"`
	Detail string `json:",omitempty"`
	Port   uint16 `json:",omitempty"`
	// Absent is how long there was nothing to cover.
	Absent time.Duration `json:",omitempty"`
}

// The kinds of Notice.
const (
	Repinned = "repinned" // the host replaced a covered entry; it was bare for a moment and is covered again
	Exposed  = "exposed"  // a cover could not be laid
	Stopped  = "stopped"  // the workload stopped itself, as by ^Z
	Refused  = "refused"  // a name was not made, see Spec.Names
	Listens  = "listens"  // a program begins to listen on Port, see Base.Listens
)

// Regime is what was achieved, attested by PID 1 after the fact.
type Regime struct {
	LandlockABI int    `json:"landlockAbi"`
	Errata      int    `json:"landlockErrata"`
	Seccomp     int    `json:"seccompRules"`
	StrictNames bool   `json:"strictNames"`
	UID         int    `json:"uid"`
	Subordinate bool   `json:"subordinate"`
	Kernel      string `json:"kernel"`
	// Read back from the kernel by the thread that starts the workload.
	NoNewPrivs   bool   `json:"noNewPrivileges"`
	Filters      int    `json:"seccompFilters"`
	Capabilities string `json:"capabilities"` // effective, permitted, inheritable, ambient and bounding together, hexadecimal
}

// String says it in one line for people.
func (r Regime) String() string {
	text := fmt.Sprintf("Landlock ABI %d, %d seccomp rules", r.LandlockABI, r.Seccomp)
	if n := bits.OnesCount(uint(r.Errata)); n > 0 {
		text = fmt.Sprintf("Landlock ABI %d with %d errata mended, %d seccomp rules", r.LandlockABI, n, r.Seccomp)
	}
	if r.Capabilities == "0" && r.NoNewPrivs {
		text += ", no capability, no new privileges"
	}
	if r.StrictNames {
		text += ", strict names"
	}
	return fmt.Sprintf("%s, uid %d", text, r.UID)
}

// Failure is a sandbox that could not be built, and the command that mends
// what was missing.
type Failure struct {
	Reason string
	Mend   string
}

func (f *Failure) Error() string { return f.Reason }

// Hint is the mend; "" when none is known.
func (f *Failure) Hint() string { return f.Mend }
