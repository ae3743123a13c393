package ledger

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"iter"
	"slices"

	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// Kind of a sealed thing. They are part of the format: never reuse a number.
type Kind byte

const (
	Project     Kind = 1 // in the top scope
	Environment Kind = 2 // in the top scope
	manifest    Kind = 3 // in the top scope, one per other scope
	Folder      Kind = 4 // in an environment's scope
	Secret      Kind = 5 // in an environment's scope, with history
	Original    Kind = 6 // in a project's scope, with an attachment
	index       Kind = 7 // attachment of a scope
	Content     Kind = 8 // attachment of an original
	anchorKind  Kind = 9 // the one row that vouches for all

	Tag          Kind = 10 // in a project's scope
	Import       Kind = 11 // in an environment's scope
	Organisation Kind = 12 // from here on in the top scope
	Identity     Kind = 13
	UniversalKey Kind = 14 // universal auth of an identity
	ClientSecret Kind = 15
	TokenAuth    Kind = 16
	Token        Kind = 17
	Membership   Kind = 18
	Role         Kind = 19
	ServiceToken Kind = 20

	originKind Kind = 21 // the first root key, once there is another
)

func (k Kind) String() string {
	names := [...]string{Project: "project", Environment: "environment", manifest: "manifest",
		Folder: "folder", Secret: "secret", Original: "original", Tag: "tag", Import: "import",
		Organisation: "organisation", Identity: "identity", UniversalKey: "universal auth", ClientSecret: "client secret",
		TokenAuth: "token auth", Token: "token", Membership: "membership", Role: "role", ServiceToken: "service token"}
	if int(k) < len(names) && names[k] != "" {
		return names[k]
	}
	return "record"
}

// Row is one sealed record.
type Row = store.Row

// Scope is a set of records under one data key: those of the vault itself, the
// folders and secrets of an environment, the originals of a project. It holds
// them sealed. Its root vouches for the set as a whole: no record can be
// removed, added or put back to an earlier state alone.
type Scope struct {
	ID, Parent UUID
	What       string // for messages: "environment staging of shop"

	box     *envelope.Box
	counter uint64 // of changes
	rows    map[rowKey]*marked
	found   map[[sha256.Size]byte]*marked // by lookup
}

// marked is a row with its mark.
type marked struct {
	Row
	mark Mark
	kept any // what ReadKept made of it
}

type rowKey struct {
	kind Kind
	id   UUID
}

// Mark is the fingerprint of a row as it stands in the database.
type Mark = [sha256.Size]byte

func keyOf(r Row) rowKey { return rowKey{Kind(r.Kind), r.ID} }

func newScope(id, parent UUID, dataKey []byte, what string) *Scope {
	return &Scope{
		ID: id, Parent: parent, What: what, box: envelope.NewBox([envelope.KeySize]byte(dataKey)),
		rows: map[rowKey]*marked{}, found: map[[sha256.Size]byte]*marked{},
	}
}

func (s *Scope) label(r Row) envelope.Label {
	return envelope.Label{Scope: s.ID, Parent: s.Parent, Kind: r.Kind, ID: r.ID, Version: r.Version, Lookup: r.Lookup}
}

func (s *Scope) set(r Row) {
	k := keyOf(r)
	s.unset(k)
	m := &marked{Row: r, mark: MarkOf(r)}
	s.rows[k] = m
	if r.Lookup != ([sha256.Size]byte{}) {
		s.found[r.Lookup] = m
	}
}

func (s *Scope) unset(k rowKey) {
	if old, ok := s.rows[k]; ok {
		delete(s.rows, k)
		delete(s.found, old.Lookup)
	}
}

// Counter is how many changes the scope has seen.
func (s *Scope) Counter() uint64 { return s.counter }

// Len is how many records there are.
func (s *Scope) Len() int { return len(s.rows) }

// Row returns a record by its id.
func (s *Scope) Row(kind Kind, id UUID) (Row, bool) {
	return s.row(rowKey{kind, id})
}

func (s *Scope) row(k rowKey) (Row, bool) {
	if m, ok := s.rows[k]; ok {
		return m.Row, true
	}
	return Row{}, false
}

// mark is that of a row, zero if there is none.
func (s *Scope) mark(k rowKey) Mark {
	if m, ok := s.rows[k]; ok {
		return m.mark
	}
	return Mark{}
}

// next is the version that a row gets when it is written again.
func (s *Scope) next(k rowKey) uint64 {
	r, _ := s.row(k)
	return r.Version + 1
}

// Find returns the record of that name.
func (s *Scope) Find(kind Kind, name ...string) (Row, bool) {
	if m, ok := s.found[s.box.Lookup(byte(kind), name...)]; ok {
		return m.Row, true
	}
	return Row{}, false
}

// Each yields all records of a kind, in no order.
func (s *Scope) Each(kind Kind) iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for k, m := range s.rows {
			if k.kind == kind && !yield(m.Row) {
				return
			}
		}
	}
}

// Read unseals the JSON of a record of s into a T.
func Read[T any](s *Scope, r Row) (rec T, err error) {
	plain, err := s.box.Open(s.label(r), r.Sealed)
	if err != nil {
		return rec, fault.Tampered("vault.db: %s %s in %s does not open", Kind(r.Kind), IDOf(r.ID), s.What)
	}
	defer clear(plain)
	if err := json.Unmarshal(plain, &rec); err != nil {
		return rec, fault.Tampered("vault.db: %s %s in %s is not readable", Kind(r.Kind), IDOf(r.ID), s.What)
	}
	return rec, nil
}

// ReadKept is Read for what nearly every question begins with, a project or an
// environment: it is unsealed once per version. What its slices hold is shared.
func ReadKept[T any](s *Scope, r Row) (rec T, err error) {
	m := s.rows[keyOf(r)]
	if m == nil || m.Version != r.Version {
		return Read[T](s, r)
	}
	if kept, ok := m.kept.(T); ok {
		return kept, nil
	}
	if rec, err = Read[T](s, r); err == nil {
		m.kept = rec
	}
	return rec, err
}

// MarkOf computes the mark of a row.
func MarkOf(r Row) Mark {
	b := make([]byte, 0, 64+len(r.Sealed))
	b = append(b, r.Kind)
	b = append(b, r.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, r.Version)
	b = append(b, r.Lookup[:]...)
	return sha256.Sum256(append(b, r.Sealed...))
}

const entrySize = 1 + 16 + 8 + sha256.Size

// index lists every row by kind and id, with version and mark; root is its hash.
func (s *Scope) index() (list []byte, root [sha256.Size]byte) {
	keys := make([]rowKey, 0, len(s.rows))
	for k := range s.rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b rowKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), bytes.Compare(a.id[:], b.id[:]))
	})
	list = make([]byte, 0, len(keys)*entrySize)
	for _, k := range keys {
		list = append(list, byte(k.kind))
		list = append(list, k.id[:]...)
		m := s.rows[k]
		list = binary.BigEndian.AppendUint64(list, m.Version)
		list = append(list, m.mark[:]...)
	}
	return list, sha256.Sum256(list)
}

// indexLabel is that of the sealed index: an attachment of the scope.
func (s *Scope) indexLabel() envelope.Label {
	return envelope.Label{Scope: s.ID, Parent: s.Parent, Kind: byte(index), ID: s.ID, Version: s.counter}
}

// load fills s with the rows that the database has and compares their root.
func (s *Scope) load(tx *store.Tx, counter uint64, root []byte) error {
	rows, err := tx.Rows(s.ID)
	if err != nil {
		return err
	}
	s.counter = counter
	for _, r := range rows {
		s.set(r)
	}
	if _, got := s.index(); !bytes.Equal(got[:], root) {
		return s.diagnose(tx)
	}
	return nil
}
