package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"

	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// Names tells by which name a record of a kind is found, from its JSON. A
// kind that it does not know is an error: its records would be lost.
type Names func(kind Kind, plain []byte) ([]string, error)

// Rekey seals every record of a scope anew, with its history and attachments,
// under another data key, which the caller must put where it is kept.
func (w *Change) Rekey(sc *Scope, dataKey []byte, names Names) error {
	fresh := newScope(sc.ID, sc.Parent, dataKey, sc.What)
	fresh.counter = sc.counter
	for _, m := range sc.rows {
		next, err := w.rekeyRow(sc, fresh, m.Row, names)
		if err != nil {
			return err
		}
		fresh.set(next)
		if err := w.tx.Put(sc.ID, next); err != nil {
			return err
		}
	}
	w.dirty[sc.ID] = fresh
	if sc == w.top {
		w.cache.top = fresh
	} else {
		w.scopes[sc.ID] = fresh
	}
	return nil
}

// RekeyTop is Rekey for the top scope, whose key comes from the root key. From
// the commit on, the ledger has the new one.
func (w *Change) RekeyTop(key [envelope.KeySize]byte, names Names) error {
	w.newKey = &key
	return w.Rekey(w.top, key[:], names)
}

func (w *Change) rekeyRow(sc, fresh *Scope, r Row, names Names) (Row, error) {
	var previous []byte
	if Kind(r.Kind) == Secret {
		rows, err := w.History(sc, r.ID)
		if err != nil {
			return r, err
		}
		for _, old := range rows {
			next, err := reseal(sc, fresh, old, names, map[string][]byte{"previous": previous})
			if err != nil {
				return r, err
			}
			if err := w.tx.ReplaceHistory(sc.ID, next); err != nil {
				return r, err
			}
			m := MarkOf(next)
			previous = m[:]
		}
	}
	fields := map[string][]byte{}
	switch Kind(r.Kind) {
	case Secret:
		fields["previous"] = previous
	case Original:
		hash, err := w.rekeyContent(sc, fresh, r, names)
		if err != nil {
			return r, err
		}
		fields["content"] = hash
	}
	return reseal(sc, fresh, r, names, fields)
}

// reseal seals one record under the new key. Of its JSON only fields change
// that it has and that hold what stands in other rows.
func reseal(sc, fresh *Scope, r Row, names Names, fields map[string][]byte) (Row, error) {
	plain, err := sc.box.Open(sc.label(r), r.Sealed)
	if err != nil {
		return r, fault.Tampered("vault.db: %s %s in %s does not open", Kind(r.Kind), IDOf(r.ID), sc.What)
	}
	defer clear(plain)
	if r.Lookup, err = newLookup(sc, fresh, r, names, plain); err != nil {
		return r, err
	}
	var rec map[string]json.RawMessage
	if err := json.Unmarshal(plain, &rec); err != nil {
		return r, fault.Tampered("vault.db: %s %s in %s is not readable", Kind(r.Kind), IDOf(r.ID), sc.What)
	}
	for name, value := range fields {
		if _, has := rec[name]; !has {
			continue
		}
		if rec[name], err = json.Marshal(value); err != nil {
			return r, err
		}
	}
	again, err := json.Marshal(rec)
	if err != nil {
		return r, err
	}
	defer clear(again)
	r.Sealed, err = fresh.box.Seal(fresh.label(r), again)
	return r, err
}

func newLookup(sc, fresh *Scope, r Row, names Names, plain []byte) (out [sha256.Size]byte, err error) {
	if r.Lookup == out {
		return out, nil
	}
	name, err := names(Kind(r.Kind), plain)
	if err != nil {
		return out, err
	}
	if sc.box.Lookup(r.Kind, name...) != r.Lookup {
		return out, fmt.Errorf("%s %s in %s is not found by its name", Kind(r.Kind), IDOf(r.ID), sc.What)
	}
	return fresh.box.Lookup(r.Kind, name...), nil
}

func (w *Change) rekeyContent(sc, fresh *Scope, r Row, names Names) (hash []byte, err error) {
	content, _, err := w.Content(sc, r)
	if err != nil {
		return nil, fault.Tampered("vault.db: the content of an original in %s does not open", sc.What)
	}
	defer clear(content)
	plain, err := sc.box.Open(sc.label(r), r.Sealed)
	if err != nil {
		return nil, fault.Tampered("vault.db: an original in %s does not open", sc.What)
	}
	defer clear(plain)
	if r.Lookup, err = newLookup(sc, fresh, r, names, plain); err != nil {
		return nil, err
	}
	sealed, err := fresh.box.Seal(contentLabel(fresh, r), content)
	if err != nil {
		return nil, err
	}
	return hashOf(sealed), w.tx.PutAttachment(sc.ID, r.ID, sealed)
}

// metaOrigin holds the first root key of a vault whose root key was changed:
// what was derived from it for good (the audit log's keys, placeholders) stays.
const metaOrigin = "origin"

func (l *Ledger) originLabel() envelope.Label {
	return envelope.Label{Scope: l.vault, Kind: byte(originKind), ID: l.vault}
}

// PutOrigin seals the first root key under the top key that will hold.
func (w *Change) PutOrigin(root []byte) error {
	label := envelope.Label{Scope: w.top.ID, Kind: byte(originKind), ID: w.top.ID}
	sealed, err := w.top.box.Seal(label, root)
	if err != nil {
		return err
	}
	return w.tx.SetMeta(metaOrigin, sealed)
}

// Origin returns the first root key, nil when the present one is the first.
func (l *Ledger) Origin(ctx context.Context) (root []byte, err error) {
	err = l.db.View(ctx, func(tx *store.Tx) error {
		sealed, err := tx.Meta(metaOrigin)
		if err != nil || sealed == nil {
			return err
		}
		root, err = l.newTop().box.Open(l.originLabel(), sealed)
		return err
	})
	if err != nil {
		return nil, fault.Tampered("vault.db: the vault does not open under this root key")
	}
	if len(root) > envelope.KeySize {
		root = root[:envelope.KeySize] // padded
	}
	return root, nil
}
