package ledger

import (
	"bytes"
	"encoding/json"

	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// anchor vouches for everything in the database, and for the audit log up to
// its head. It is replaced with every change.
type anchor struct {
	Counter uint64     `json:"counter"` // of changes of the whole vault
	Root    []byte     `json:"root"`    // of the top scope
	Public  []byte     `json:"public"`  // SHA-256 of Public as it stands
	Head    anchorHead `json:"head"`
}

type anchorHead struct {
	Seq    audit.Seq `json:"seq"`
	Offset int64     `json:"offset"`
	MAC    []byte    `json:"mac"`
	Key    []byte    `json:"key"`
}

func newAnchorHead(h audit.Head) anchorHead {
	return anchorHead{Seq: h.Seq, Offset: h.Offset, MAC: h.MAC[:], Key: h.Key[:]}
}

func (h anchorHead) audit() (out audit.Head) {
	out.Seq, out.Offset = h.Seq, h.Offset
	copy(out.MAC[:], h.MAC)
	copy(out.Key[:], h.Key)
	return out
}

func (a anchor) state() (s State) {
	s.Counter = a.Counter
	copy(s.Root[:], a.Root)
	return s
}

func (l *Ledger) anchorLabel() envelope.Label {
	return envelope.Label{Scope: l.vault, Kind: byte(anchorKind), ID: l.vault}
}

func (l *Ledger) openAnchor(tx *store.Tx, top *Scope, raw []byte) (a anchor, err error) {
	plain, err := top.box.Open(l.anchorLabel(), raw)
	switch {
	case err != nil && l.seen > 0:
		// It did before. Another process changed the keys, or something is
		// wrong: whoever opens it again learns which.
		return a, fault.New(fault.ErrLocked, "the keys of the vault were changed by another process, or its anchor is damaged")
	case err != nil:
		return a, fault.Tampered("vault.db: its anchor does not open under this root key")
	}
	defer clear(plain)
	if err := json.Unmarshal(plain, &a); err != nil {
		return a, fault.Tampered("vault.db: its anchor is not readable")
	}
	pub, err := tx.Meta(metaPublic)
	if err != nil {
		return a, err
	}
	if !bytes.Equal(hashOf(pub), a.Public) {
		return a, fault.Tampered("vault.db: the description of the vault is changed")
	}
	return a, nil
}

// putAnchor seals and writes a.
func (l *Ledger) putAnchor(tx *store.Tx, top *Scope, a anchor) ([]byte, error) {
	plain, err := json.Marshal(a)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	raw, err := top.box.Seal(l.anchorLabel(), plain)
	if err != nil {
		return nil, err
	}
	return raw, tx.SetMeta(metaAnchor, raw)
}
