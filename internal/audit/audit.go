// Package audit is the tamper-evident record of who asked for what: one file
// of JSON lines, each sealed by an HMAC under a key that is ratcheted forward
// and erased.
//
// It is not a debug log and holds no secret values, ever. It imports nothing
// of ours: the keys and the sealed copy of its head are handed in by whoever
// owns a vault. Its invariant: a record that was acknowledged and is later
// changed, removed (also the last one), reordered or repeated makes Verify
// fail and name that record. The format is described in doc/format.md.
package audit

import (
	"errors"
	"time"
)

// Seq numbers the records of a log from 1 without a gap.
type Seq uint64

// Outcomes that every writer uses. A write leaves two records: OutcomeIntent,
// on disk before anything is changed, and then OutcomeDone or OutcomeFailed.
const (
	OutcomeIntent = "intent" // about to happen
	OutcomeDone   = "done"   // happened; for reads: the answer follows
	OutcomeFailed = "failed" // did not happen because of an error
	OutcomeDenied = "denied" // did not happen because it was refused
)

// Event is what a caller wants recorded. No field may hold a secret value, a
// query string or a header value. Empty fields are left out of the file.
type Event struct {
	Time        time.Time `json:"time,omitzero"`   // set by the log when zero
	Actor       string    `json:"actor,omitempty"` // "cli", "session", "api:NAME" …
	Pid         int       `json:"pid,omitempty"`
	Session     string    `json:"session,omitempty"`
	Action      string    `json:"action,omitempty"` // noun.verb, such as secret.get
	Project     string    `json:"project,omitempty"`
	Environment string    `json:"environment,omitempty"`
	Path        string    `json:"path,omitempty"`
	Name        string    `json:"name,omitempty"`
	Host        string    `json:"host,omitempty"`
	Count       int       `json:"count,omitempty"` // how many secrets one call touched
	State       string    `json:"state,omitempty"` // "COUNTER:ROOT" of the vault after a write
	Outcome     string    `json:"outcome,omitempty"`
	Detail      string    `json:"detail,omitempty"`
}

// Record is an event as it rests in the log.
type Record struct {
	Seq    Seq  `json:"seq"`
	Locked bool `json:"locked,omitempty"` // written without the vault's keys: see Keys
	Event
}

// Filter selects records. Zero fields match everything.
type Filter struct {
	Since   time.Time // not before
	After   Seq       // strictly after
	Project string
	Session string
	Action  string // exact, or a prefix when it ends in "."
	Outcome string
	Limit   int // the newest Limit records; 0 means all
}

// Keys are derived from the vault's root key and known only while it is open.
// Start begins the ratchet. Seal goes into the MAC of every record written
// while the vault is open, so that whoever has only the disk can append no
// such record; records written without it (refused unlocks) are marked Locked.
type Keys struct {
	Start [32]byte
	Seal  [32]byte
}

// Head is the end of the log at some moment: enough to notice that records up
// to it are gone, and to go on verifying from there. The vault keeps it sealed:
// it holds the ratchet key.
type Head struct {
	Seq    Seq
	Offset int64    // bytes of the log up to and including the record
	MAC    [32]byte // of the record
	Key    [32]byte // the ratchet key of the record after it
}

// Errors found with errors.Is.
var (
	// ErrTampered: a record is changed, missing, repeated or out of order.
	ErrTampered = errors.New("audit log was tampered with")
	// ErrLocked: the operation needs the vault's keys, see Log.Unlock.
	ErrLocked = errors.New("audit log is locked")
)
