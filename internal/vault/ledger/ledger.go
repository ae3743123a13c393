// Package ledger keeps sealed records in a store that is not trusted, and
// knows when what comes back is not what was written last.
//
// Records lie in scopes, each under a data key of its own. Every change of a
// scope renews its manifest, a record of the top scope; every change of the
// top scope renews the anchor, which also holds the end of the audit log. So
// one row vouches for all, and as long as it is the same, so is everything.
//
// It does not know what a record means, asks nobody's permission and writes no
// audit record. Its invariant: a row that was changed, removed, added or put
// back to an earlier state, alone or with others of its scope, is an error
// that names it. A whole database put back is noticed by comparing State and
// Head with the audit log, which is up to the vault.
package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// Keys of the store's table of single values.
const (
	metaAnchor = "anchor"
	metaPublic = "vault"
)

// Format of what is written. A vault of an earlier one is read as it is and
// brought here by the first change: what later formats added is never missing.
//
//	1  projects, environments, folders, secrets, originals
//	2  tags, imports, organisations, identities and what belongs to them; personal
//	   secrets; a change's number in every version of a secret; another root key
const Format = 2

// Public is what can be read of a vault without its key. The anchor vouches
// for it.
type Public struct {
	Format           int   `json:"format"`
	ID               ID    `json:"id"`
	Created          int64 `json:"created"` // milliseconds since 1970
	RecoveryVerified int64 `json:"recoveryVerified,omitempty"`
	RecoveryShown    int64 `json:"recoveryShown,omitempty"` // the code was on somebody's screen
	// Seals has, per kind, the SHA-256 of the file of the sealed root key; two
	// in a row while one file replaces the other.
	Seals map[string][]byte `json:"seals,omitempty"`
}

// ReadPublic returns what can be read without a key, not vouched for.
func ReadPublic(tx *store.Tx) (p Public, err error) {
	b, err := tx.Meta(metaPublic)
	if err != nil {
		return p, fault.Explain(err)
	}
	if json.Unmarshal(b, &p) != nil {
		return p, fault.Tampered("vault.db: the description of the vault is not readable")
	}
	if _, ok := ParseID(p.ID); !ok {
		return p, fault.Tampered("vault.db: the vault has no id")
	}
	if p.Format < 1 || p.Format > Format {
		return p, fault.New(fault.ErrInvalid, "vault.db has format %d, this program knows formats 1 to %d", p.Format, Format)
	}
	return p, nil
}

// State is where a ledger has come to.
type State struct {
	Counter uint64 // of changes
	Root    Mark   // of the top scope
}

// String is the form in which audit records carry it.
func (s State) String() string { return fmt.Sprintf("%d:%x", s.Counter, s.Root) }

// ParseCounter returns the counter of a state in that form.
func ParseCounter(s string) (counter uint64, ok bool) {
	digits, _, _ := strings.Cut(s, ":")
	counter, err := strconv.ParseUint(digits, 10, 64)
	return counter, err == nil
}

// Ledger is an open ledger. It is not safe for concurrent use: the vault has
// the lock. Several processes may have one each on the same database.
type Ledger struct {
	db    *store.DB
	vault UUID
	key   [envelope.KeySize]byte

	cache *cache // nil when nothing is known
	seen  uint64 // the highest change seen: the database never goes back
}

// cache is what is known of the database as of one anchor. Records in it are
// sealed.
type cache struct {
	raw    []byte // the sealed anchor
	anchor anchor
	top    *Scope
	scopes map[UUID]*Scope
}

// New makes the ledger of a vault whose top scope has that key.
func New(db *store.DB, vault UUID, key [envelope.KeySize]byte) *Ledger {
	return &Ledger{db: db, vault: vault, key: key}
}

// Init writes the anchor of a ledger without records.
func (l *Ledger) Init(ctx context.Context, p Public) error {
	pub, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return fault.Explain(l.db.Update(ctx, func(tx *store.Tx) error {
		top := l.newTop()
		root, err := sealIndex(tx, top)
		if err != nil {
			return err
		}
		a := anchor{Root: root[:], Public: hashOf(pub), Head: newAnchorHead(audit.Head{})}
		_, err = l.putAnchor(tx, top, a)
		return errors.Join(err, tx.SetMeta(metaPublic, pub))
	}))
}

// Forget drops what is known; the next look is at the disk.
func (l *Ledger) Forget() { l.cache = nil }

// Wipe forgets the key as well.
func (l *Ledger) Wipe() {
	clear(l.key[:])
	l.cache = nil
}

// View runs fn on a consistent state.
func (l *Ledger) View(ctx context.Context, fn func(*View) error) error {
	return fault.Explain(l.db.View(ctx, func(tx *store.Tx) error {
		if err := l.refresh(tx); err != nil {
			return err
		}
		return fn(&View{cache: l.cache, tx: tx})
	}))
}

// ErrUnchanged is returned by Change when fn changed nothing; nothing was
// committed then, and begin was not called.
var ErrUnchanged = errors.New("nothing to change")

// Change runs fn alone among all processes. Before it commits what fn did, it
// calls begin with the state that will be reached; begin returns the end of
// the audit log, on disk, which is sealed with the change.
func (l *Ledger) Change(ctx context.Context, fn func(*Change) error, begin func(State) (audit.Head, error)) error {
	var raw []byte
	var reached anchor
	var newKey *[envelope.KeySize]byte
	err := l.db.Update(ctx, func(tx *store.Tx) error {
		if err := l.refresh(tx); err != nil {
			return err
		}
		w := &Change{View: View{cache: l.cache, tx: tx}, Now: time.Now().UnixMilli(), dirty: map[UUID]*Scope{}}
		if err := fn(w); err != nil {
			return err
		}
		if len(w.dirty) == 0 && w.public == nil {
			return ErrUnchanged
		}
		if err := w.migrate(); err != nil {
			return err
		}
		a, err := w.finish()
		if err != nil {
			return err
		}
		head, err := begin(a.state())
		if err != nil {
			return err
		}
		a.Head = newAnchorHead(head)
		reached, newKey = a, w.newKey
		raw, err = l.putAnchor(tx, w.top, a)
		return err
	})
	if err != nil {
		if !errors.Is(err, ErrUnchanged) {
			l.cache = nil // it may be ahead of the database
		}
		return fault.Explain(err)
	}
	l.cache.raw, l.cache.anchor, l.seen = raw, reached, reached.Counter
	if newKey != nil {
		l.key = *newKey
		clear(newKey[:])
	}
	return nil
}

// SetHead seals a later end of the audit log into the anchor.
func (l *Ledger) SetHead(ctx context.Context, head audit.Head) error {
	return l.setHead(ctx, head, func(old anchorHead) bool { return old.Seq < head.Seq })
}

// ReplaceHead seals the end of another audit log into the anchor.
func (l *Ledger) ReplaceHead(ctx context.Context, head audit.Head) error {
	return l.setHead(ctx, head, func(anchorHead) bool { return true })
}

func (l *Ledger) setHead(ctx context.Context, head audit.Head, may func(old anchorHead) bool) error {
	err := l.db.Update(ctx, func(tx *store.Tx) error {
		if err := l.refresh(tx); err != nil {
			return err
		}
		a := l.cache.anchor
		if !may(a.Head) {
			return ErrUnchanged
		}
		a.Head = newAnchorHead(head)
		_, err := l.putAnchor(tx, l.cache.top, a)
		return err
	})
	if errors.Is(err, ErrUnchanged) {
		return nil
	}
	return fault.Explain(err)
}

// refresh brings l.cache up to date with the database.
func (l *Ledger) refresh(tx *store.Tx) error {
	raw, err := tx.Meta(metaAnchor)
	if err != nil {
		return err
	}
	c := l.cache
	if c != nil && bytes.Equal(raw, c.raw) {
		return nil
	}
	top := l.newTop()
	a, err := l.openAnchor(tx, top, raw)
	if err != nil {
		return err
	}
	if c != nil && c.anchor.Counter == a.Counter && bytes.Equal(c.anchor.Root, a.Root) {
		c.raw, c.anchor = raw, a // only the audit log went on
		return nil
	}
	if a.Counter < l.seen || c != nil && a.Counter == c.anchor.Counter {
		return fault.Tampered("vault.db went back from change %d to another change %d", l.seen, a.Counter)
	}
	if err := top.load(tx, a.Counter, a.Root); err != nil {
		return err
	}
	fresh := &cache{raw: raw, anchor: a, top: top, scopes: map[UUID]*Scope{}}
	if c != nil {
		for id, sc := range c.scopes {
			if m := (rowKey{manifest, id}); top.mark(m) == c.top.mark(m) {
				fresh.scopes[id] = sc
			}
		}
	}
	l.cache, l.seen = fresh, a.Counter
	return nil
}

func (l *Ledger) newTop() *Scope { return newScope(l.vault, UUID{}, l.key[:], "the vault") }

func hashOf(b []byte) []byte {
	h := sha256.Sum256(b)
	return h[:]
}
