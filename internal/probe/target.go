package probe

import "strings"

// Target is what an attacker is told of the machine: where to aim. It holds
// no canary, so that one in its report was found and not repeated.
type Target struct {
	WS     string `json:"ws"`   // the project
	Out    string `json:"out"`  // a directory that nothing grants
	Home   string `json:"home"` // the user's
	Own    string `json:"own"`  // where bailey keeps its own files
	Mark   string `json:"mark"` // a file that no attack may bring into being
	Prefix string `json:"prefix"`
	UID    int    `json:"uid"` // of the user outside
	Victim int    `json:"victim"`
	Memory uint64 `json:"memory"` // address of a canary in the victim
	Dir    string `json:"dir"`    // of the unix sockets that are not at a well-known place
	Port   int    `json:"port"`   // where sinks listen, TCP and UDP, on every address
	TTY    string `json:"tty"`    // another terminal of the user's
	Handle []byte `json:"handle"` // file handle of a canary (name_to_handle_at)
	HType  int32  `json:"htype"`
	Key    int    `json:"key"` // a key in the user's keyring
	Shm    int    `json:"shm"` // a SysV segment
}

// Ext is an address of the machine that is not loopback: everything that no
// route leads away from arrives at the sinks (RFC 5737 and 3849).
const (
	Ext4 = "203.0.113.7"
	Ext6 = "2001:db8::7"
)

// CanaryPrefix begins every canary; what follows is random.
const CanaryPrefix = "CANARY-"

// Token is what probe id sends to sinks; also a DNS label.
func (t Target) Token(id string) string {
	return t.Prefix + "-" + strings.ToLower(id)
}

// Report is one line of what the attacker prints.
type Report struct {
	ID       string   `json:"id"`
	How      []string `json:"how,omitempty"`
	Claim    string   `json:"claim,omitempty"` // what it says it achieved
	Evidence string   `json:"evidence,omitempty"`
}
