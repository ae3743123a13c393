package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// View is one look at a consistent state, valid within the function it was
// given to.
type View struct {
	*cache
	tx *store.Tx
}

// manifestRecord says what a scope holds: it changes with every write there.
type manifestRecord struct {
	Counter uint64 `json:"counter"`
	Root    []byte `json:"root"` // SHA-256 of the scope's index
}

// Top is the scope of projects and environments.
func (w *View) Top() *Scope { return w.top }

// State is where the ledger has come to.
func (w *View) State() State { return w.anchor.state() }

// Head is the end of the audit log that is sealed in the anchor.
func (w *View) Head() audit.Head { return w.anchor.Head.audit() }

// Scope returns the records under a data key, compared with their manifest.
func (w *View) Scope(id, parent UUID, dataKey []byte, what string) (*Scope, error) {
	if sc, ok := w.scopes[id]; ok {
		return sc, nil
	}
	row, ok := w.top.Row(manifest, id)
	if !ok || len(dataKey) != envelope.KeySize {
		return nil, fault.Tampered("vault.db: %s has no manifest", what)
	}
	m, err := Read[manifestRecord](w.top, row)
	if err != nil {
		return nil, err
	}
	sc := newScope(id, parent, dataKey, what)
	if err := sc.load(w.tx, m.Counter, m.Root); err != nil {
		return nil, err
	}
	w.scopes[id] = sc
	return sc, nil
}

// History returns the earlier versions of a secret, oldest first. The ledger
// does not vouch for them: each version holds the mark of the one before it.
func (w *View) History(sc *Scope, id UUID) ([]Row, error) {
	rows, err := w.tx.History(sc.ID, id)
	for i := range rows {
		rows[i].Kind = byte(Secret)
	}
	return rows, err
}

func contentLabel(sc *Scope, r Row) envelope.Label {
	l := sc.label(r)
	l.Kind = byte(Content)
	return l
}

// Content unseals the attachment of r, padded, and returns the hash of its
// sealed bytes, for which the ledger does not vouch either.
func (w *View) Content(sc *Scope, r Row) (plain, hash []byte, err error) {
	sealed, err := w.tx.Attachment(sc.ID, r.ID)
	if err != nil {
		return nil, nil, err
	}
	plain, err = sc.box.Open(contentLabel(sc, r), sealed)
	return plain, hashOf(sealed), err
}

// Check has the store read everything, and compares how many rows it has with
// what the caller has counted.
func (w *View) Check(want store.Counts) error {
	if err := w.tx.Check(); err != nil {
		return err
	}
	got, err := w.tx.Count()
	if err == nil && got != want {
		err = fault.Tampered("vault.db: it has rows that this vault did not write, or lacks some: %+v instead of %+v", got, want)
	}
	return err
}

// Change is a write in progress. Until it commits, the cache is ahead of the
// database; when it fails, the cache is dropped.
type Change struct {
	View
	Now int64 // milliseconds since 1970

	dirty  map[UUID]*Scope
	public []byte                  // new, if not nil
	newKey *[envelope.KeySize]byte // of the top scope, once this is committed
}

// NewScope begins a scope without records.
func (w *Change) NewScope(id, parent UUID, dataKey []byte, what string) *Scope {
	sc := newScope(id, parent, dataKey, what)
	w.dirty[id], w.scopes[id] = sc, sc
	return sc
}

// Put seals rec as the next version of a record and makes it found by name;
// without one it is found by its id only.
func (w *Change) Put(sc *Scope, kind Kind, id UUID, rec any, name ...string) (Row, error) {
	r := Row{Kind: byte(kind), ID: id}
	if len(name) > 0 {
		r.Lookup = sc.box.Lookup(byte(kind), name...)
	}
	return w.put(sc, r, rec)
}

func (w *Change) put(sc *Scope, r Row, rec any) (Row, error) {
	plain, err := json.Marshal(rec)
	if err != nil {
		return r, err
	}
	defer clear(plain)
	r.Version = sc.next(keyOf(r))
	if r.Sealed, err = sc.box.Seal(sc.label(r), plain); err != nil {
		return r, err
	}
	sc.set(r)
	w.dirty[sc.ID] = sc
	return r, w.tx.Put(sc.ID, r)
}

// Keep puts the present version of a record into the history, before the next
// one replaces it, and returns its mark.
func (w *Change) Keep(sc *Scope, r Row) ([]byte, error) {
	m := MarkOf(r)
	return bytes.Clone(m[:]), w.tx.PutHistory(sc.ID, r)
}

// PutWithContent is Put for a record with an attachment; rec is given the hash
// of the sealed attachment.
func (w *Change) PutWithContent(sc *Scope, kind Kind, id UUID, content []byte, rec func(hash []byte) any, name ...string) error {
	r := Row{Kind: byte(kind), ID: id, Lookup: sc.box.Lookup(byte(kind), name...)}
	r.Version = sc.next(keyOf(r))
	sealed, err := sc.box.Seal(contentLabel(sc, r), content)
	if err != nil {
		return err
	}
	if err := w.tx.PutAttachment(sc.ID, id, sealed); err != nil {
		return err
	}
	_, err = w.put(sc, r, rec(hashOf(sealed)))
	return err
}

// Remove removes a record that has no history, with its attachment.
func (w *Change) Remove(sc *Scope, r Row) error {
	sc.unset(keyOf(r))
	w.dirty[sc.ID] = sc
	if err := w.tx.PutAttachment(sc.ID, r.ID, nil); err != nil {
		return err
	}
	return w.tx.Remove(sc.ID, r.Kind, r.ID)
}

// Public is what can be read without a key.
func (w *Change) Public() (Public, error) { return ReadPublic(w.tx) }

// SetPublic replaces it.
func (w *Change) SetPublic(p Public) (err error) {
	w.public, err = json.Marshal(p)
	return err
}

// migrate says that the vault has what this program's format knows, so that
// an older program refuses it rather than drop what it does not understand.
func (w *Change) migrate() error {
	p, err := w.Public()
	if w.public != nil {
		err = json.Unmarshal(w.public, &p)
	}
	if err != nil || p.Format == Format {
		return err
	}
	p.Format = Format
	return w.SetPublic(p)
}

// finish brings manifests and indexes up to date, that of the top scope last,
// and returns the anchor that is reached.
func (w *Change) finish() (anchor, error) {
	a := w.anchor
	a.Counter++
	for id, sc := range w.dirty {
		if sc == w.top {
			continue
		}
		sc.counter++
		root, err := sealIndex(w.tx, sc)
		if err != nil {
			return a, err
		}
		if _, err := w.put(w.top, Row{Kind: byte(manifest), ID: id}, manifestRecord{Counter: sc.counter, Root: root[:]}); err != nil {
			return a, err
		}
	}
	w.top.counter = a.Counter
	root, err := sealIndex(w.tx, w.top)
	if err != nil {
		return a, err
	}
	a.Root = root[:]
	if w.public != nil {
		a.Public = hashOf(w.public)
		err = w.tx.SetMeta(metaPublic, w.public)
	}
	return a, err
}

// sealIndex writes the index of sc and returns its root.
func sealIndex(tx *store.Tx, sc *Scope) (root [sha256.Size]byte, err error) {
	list, root := sc.index()
	sealed, err := sc.box.Seal(sc.indexLabel(), list)
	if err != nil {
		return root, err
	}
	return root, tx.PutAttachment(sc.ID, sc.ID, sealed)
}
