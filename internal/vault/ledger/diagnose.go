package ledger

import (
	"bytes"
	"encoding/binary"
	"path"

	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// diagnose finds the row that is not as the sealed index says. It is called
// when the roots differ, so it always returns an error.
func (s *Scope) diagnose(tx *store.Tx) error {
	sealed, err := tx.Attachment(s.ID, s.ID)
	if err != nil {
		return err
	}
	list, err := s.box.Open(s.indexLabel(), sealed)
	if err != nil {
		return fault.Tampered("vault.db: %s is not as it was at change %d, nor is its index", s.What, s.counter)
	}
	for len(list) >= entrySize && list[0] != ' ' { // padding
		if err := s.compare(tx, list[:entrySize]); err != nil {
			return err
		}
		list = list[entrySize:]
	}
	for _, m := range s.rows {
		return fault.Tampered("vault.db: %s in %s was not written by this vault", s.name(tx, m.Row), s.What)
	}
	return fault.Tampered("vault.db: %s is not as it was at change %d", s.What, s.counter)
}

// compare holds one entry of the index against its row, which it takes away.
func (s *Scope) compare(tx *store.Tx, entry []byte) error {
	want := Row{Kind: entry[0], ID: UUID(entry[1:17]), Version: binary.BigEndian.Uint64(entry[17:25])}
	got, ok := s.row(keyOf(want))
	switch m := s.mark(keyOf(want)); {
	case !ok:
		return fault.Tampered("vault.db: %s in %s is missing", s.name(tx, want), s.What)
	case got.Version != want.Version:
		return fault.Tampered("vault.db: %s in %s is at version %d, but version %d was written last",
			s.name(tx, got), s.What, got.Version, want.Version)
	case !bytes.Equal(m[:], entry[25:]):
		return fault.Tampered("vault.db: %s in %s is changed", s.name(tx, got), s.What)
	}
	delete(s.rows, keyOf(want))
	return nil
}

// name describes a row that may be damaged or gone: by its own content, by
// that of an earlier version, or by its id.
func (s *Scope) name(tx *store.Tx, r Row) string {
	old, _ := tx.History(s.ID, r.ID)
	for _, o := range append(old, r) {
		o.Kind = r.Kind
		rec, err := Read[struct{ Path, Name, Slug string }](s, o)
		switch {
		case err != nil:
		case rec.Slug != "":
			return Kind(r.Kind).String() + " " + rec.Slug
		case rec.Path != "":
			return Kind(r.Kind).String() + " " + path.Join(rec.Path, rec.Name)
		}
	}
	return Kind(r.Kind).String() + " " + string(IDOf(r.ID))
}
