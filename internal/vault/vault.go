// Package vault keeps secrets under envelope encryption: project →
// environment → folder → secret with versions, and the sealed originals of
// imported files.
//
// It is not a policy: who may ask is decided by its callers; it records who
// did. It does not know how the root key is sealed (seal). Below it, tree
// gives records their meaning, ledger notices when they are not what was
// written last, envelope seals them and store keeps them. Its invariants:
// nothing readable is on the disk; every access is in the audit log before it
// is answered; and whatever happens to the files, an answer is complete and
// current or it is an error that says which file and record are wrong. The
// format is described in doc/format.md.
package vault

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/seals"
	"github.com/bailey-project/bailey/internal/vault/store"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// The words of a vault, see package tree.
type (
	ID          = tree.ID
	Project     = tree.Project
	Environment = tree.Environment
	Place       = tree.Place
	Ref         = tree.Ref
	Folder      = tree.Folder
	Metadata    = tree.Metadata
	Secret      = tree.Secret
	Mode        = tree.Mode
	Change      = tree.Change
	ListOptions = tree.ListOptions
	Original    = tree.Original

	ProjectChange     = tree.ProjectChange
	EnvironmentChange = tree.EnvironmentChange
)

// Modes of a Change, and the limits of what is accepted.
const (
	Upsert     = tree.Upsert
	CreateOnly = tree.CreateOnly
	UpdateOnly = tree.UpdateOnly

	MaxValue    = tree.MaxValue
	MaxOriginal = tree.MaxOriginal
)

// Error is every error of this package that has a kind.
type Error = fault.Error

// Kinds of error, found with errors.Is, see package fault.
var (
	ErrInvalid     = fault.ErrInvalid
	ErrDenied      = fault.ErrDenied
	ErrMissing     = fault.ErrMissing
	ErrExists      = fault.ErrExists
	ErrLocked      = fault.ErrLocked
	ErrUnavailable = fault.ErrUnavailable
	ErrTampered    = fault.ErrTampered
)

// Sealer wraps a root key for its rest on disk; seal.Sealer is one.
type Sealer interface {
	Kind() string // ^[a-z0-9-]+$, the name of its file
	Seal(root []byte) ([]byte, error)
}

// Opener unwraps what a Sealer of the same kind wrapped; seal.Sealer is one.
type Opener interface {
	Kind() string
	Open(sealed []byte) ([]byte, error)
}

// Recorder is the part of an audit log that every access uses.
type Recorder interface {
	// Append returns once the event is written; on disk within 50 ms.
	Append(ctx context.Context, e audit.Event) (audit.Seq, error)
	// AppendSync returns once the event is on disk.
	AppendSync(ctx context.Context, e audit.Event) (audit.Seq, error)
}

// Log is an audit log whose head the vault keeps sealed; *audit.Log is one.
type Log interface {
	Recorder
	Unlock(ctx context.Context, k audit.Keys, from audit.Head) ([]audit.Record, error)
	Head(ctx context.Context) (audit.Head, error)
}

// Caller is who asks. Every method takes one, so that no access can go
// unrecorded.
type Caller struct {
	Actor   string // "cli", "session", "api:NAME" …; must not be empty
	Session string // id of an agent session, or empty
	Pid     int    // of the process that asked, 0 when unknown
}

// Vault is an open vault, locked or unlocked. It is safe for concurrent use;
// several processes may have the same directory open.
type Vault struct {
	dir string
	log Log
	db  *store.DB

	mu         sync.Mutex
	keys       *keys // nil while locked
	unanchored bool  // records were written that the anchor does not know
	timer      *time.Timer
}

// Exists says whether dir holds a vault, or what is left of one.
func Exists(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, store.FileName))
	return err == nil || len(seals.Kinds(dir)) > 0
}

// Open opens the vault in dir, locked. It changes nothing on disk, unless a
// rotation of the root key was interrupted, which it finishes.
// ErrMissing when there is none, ErrTampered when it is damaged.
func Open(ctx context.Context, dir string, log Log) (*Vault, error) {
	if log == nil {
		return nil, fault.New(ErrUnavailable, "a vault is not opened without an audit log")
	}
	return open(ctx, dir, log)
}

func open(ctx context.Context, dir string, log Log) (*Vault, error) {
	db, err := store.Open(ctx, dir)
	if errors.Is(err, store.ErrMissing) && len(seals.Kinds(dir)) > 0 {
		return nil, fault.Tampered("%s is gone from %s, only the sealed root key is there", store.FileName, dir)
	} else if err != nil {
		return nil, fault.Explain(err)
	}
	v := &Vault{dir: dir, log: log, db: db}
	if err := v.finishSeals(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return v, nil
}

// Check says whether the vault's files are all there, as far as that can be
// seen without a key: ErrMissing when there is no vault, ErrTampered, with the
// name of the file, when a part of it is gone, cut or exchanged.
func Check(ctx context.Context, dir string) error {
	v, err := open(ctx, dir, nil)
	if err != nil {
		return err
	}
	return errors.Join(seals.Check(ctx, v.dir, v.known), v.db.Close())
}

func (v *Vault) public(ctx context.Context) (p ledger.Public, err error) {
	err = v.db.View(ctx, func(tx *store.Tx) error {
		p, err = ledger.ReadPublic(tx)
		return err
	})
	return p, fault.Explain(err)
}

// Lock wipes the keys. What Go copied is gone only when the process ends.
func (v *Vault) Lock() {
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = v.reanchor(context.Background())
	v.lock()
}

func (v *Vault) lock() {
	if v.keys != nil {
		v.keys.wipe()
		v.keys = nil
	}
	if v.timer != nil {
		v.timer.Stop()
		v.timer = nil
	}
}

// Locked says whether the vault needs Unlock.
func (v *Vault) Locked() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.keys == nil
}

func (v *Vault) pinned() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.keys != nil && v.keys.root.Pinned()
}

// Close locks the vault and closes its files, not the audit log, which must
// still be open.
func (v *Vault) Close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	err := v.reanchor(context.Background())
	v.lock()
	return errors.Join(err, fault.Explain(v.db.Close()))
}

// Info is what is known of a vault without opening it. It is not
// authenticated: fit for a status line, not for a decision.
type Info struct {
	CreatedAt        time.Time
	Locked           bool
	Seals            []string // kinds of sealed root keys: "passphrase", "recovery"
	RecoveryVerified time.Time
	RecoveryShown    time.Time
	Projects         int
	Pinned           bool // the root key is kept from swap; false while locked
}

// Info describes the vault; it works while locked and is not recorded.
func (v *Vault) Info(ctx context.Context) (Info, error) {
	info := Info{Locked: v.Locked(), Seals: seals.Kinds(v.dir), Pinned: v.pinned()}
	err := v.db.View(ctx, func(tx *store.Tx) error {
		p, err := ledger.ReadPublic(tx)
		if err != nil {
			return err
		}
		info.CreatedAt = time.UnixMilli(p.Created).UTC()
		info.RecoveryVerified, info.RecoveryShown = moment(p.RecoveryVerified), moment(p.RecoveryShown)
		info.Projects, err = tx.CountKind(byte(ledger.Project))
		return err
	})
	return info, fault.Explain(err)
}

// moment is the zero time for 0.
func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// Verify reads everything: every record, version, original and sealed root
// key, and fails at the first that is not what was written. It does not verify the audit log.
func (v *Vault) Verify(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys == nil {
		return errLocked
	}
	v.keys.ledger.Forget() // look at the disk, not at what is remembered of it
	if err := v.view(ctx, func(w *tree.Reader) error { return w.Verify() }); err != nil {
		return err
	}
	return seals.Check(ctx, v.dir, v.known)
}

// TokenKey is the key that signs access tokens, derived from the root key.
func (v *Vault) TokenKey() (secret.Value, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.keys == nil {
		return secret.Value{}, errLocked
	}
	key, err := v.keys.root.Derive("bailey token 1")
	return secret.NewValue(key[:]), fault.Explain(err)
}

// PlaceholderKey is the key for secret.NewPlaceholder and secret.Fake in that
// project, derived from the root key.
func (v *Vault) PlaceholderKey(ctx context.Context, project string) (secret.Value, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out secret.Value
	err := v.view(ctx, func(w *tree.Reader) error {
		p, err := w.Project(project)
		if err != nil {
			return err
		}
		key, err := v.keys.origin.Derive("bailey placeholder 1 " + string(p.ID))
		out = secret.NewValue(key[:])
		return err
	})
	return out, fault.Explain(err)
}
