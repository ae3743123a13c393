package tree

import (
	"bytes"
	"cmp"
	"io/fs"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
)

// The bytes of an original are an attachment, sealed apart, so that the list
// of them stays small. The record holds the hash of the sealed bytes.

func (r originalRecord) public() Original {
	return Original{Path: r.Path, Mode: fs.FileMode(r.Mode), Size: r.Size, SavedAt: at(r.Saved)}
}

// PutOriginal seals the content of a file, replacing what was kept for that path.
func (w *Writer) PutOriginal(idOrSlug string, o Original) error {
	w.At = Place{Project: idOrSlug, Path: o.Path}
	if o.Path == "." || !fs.ValidPath(o.Path) || strings.ContainsAny(o.Path, "\x00\\") {
		return fault.New(fault.ErrInvalid, "%q is not the path of a file within a project", o.Path)
	}
	if o.Data.Len() > MaxOriginal {
		return fault.New(fault.ErrInvalid, "%s has %d bytes, at most %d are kept", o.Path, o.Data.Len(), MaxOriginal)
	}
	p, err := w.project(idOrSlug)
	if err != nil {
		return err
	}
	sc, err := w.originals(p)
	if err != nil {
		return err
	}
	id, err := ledger.NewUUID()
	if err != nil {
		return err
	}
	if old, ok := sc.Find(ledger.Original, o.Path); ok {
		id = old.ID
	}
	rec := func(hash []byte) any {
		return originalRecord{Path: o.Path, Mode: uint32(o.Mode.Perm()), Size: o.Data.Len(), Saved: w.change.Now, Content: hash}
	}
	return w.change.PutWithContent(sc, ledger.Original, id, o.Data.Reveal(), rec, o.Path)
}

// original finds one by its path.
func (w *Reader) original(idOrSlug, path string) (sc *ledger.Scope, row ledger.Row, err error) {
	w.At = Place{Project: idOrSlug, Path: path}
	p, err := w.project(idOrSlug)
	if err != nil {
		return nil, row, err
	}
	if sc, err = w.originals(p); err != nil {
		return nil, row, err
	}
	row, ok := sc.Find(ledger.Original, path)
	if !ok {
		return nil, row, fault.New(fault.ErrMissing, "project %s has no original of %q", p.rec.Slug, path)
	}
	return sc, row, nil
}

// Original returns the kept file of that path.
func (w *Reader) Original(idOrSlug, path string) (Original, error) {
	sc, row, err := w.original(idOrSlug, path)
	if err != nil {
		return Original{}, err
	}
	return w.content(sc, row)
}

// content unseals the bytes of an original.
func (w *Reader) content(sc *ledger.Scope, row ledger.Row) (o Original, err error) {
	rec, err := ledger.Read[originalRecord](sc, row)
	if err != nil {
		return o, err
	}
	plain, hash, err := w.Content(sc, row)
	if err != nil || !bytes.Equal(hash, rec.Content) || len(plain) < rec.Size {
		return o, fault.Tampered("vault.db: the content of original %s in %s is changed or missing", rec.Path, sc.What)
	}
	o = rec.public()
	o.Data = secret.NewValue(plain[:rec.Size])
	return o, nil
}

// Originals lists the kept files by path, without their content.
func (w *Reader) Originals(idOrSlug string) (out []Original, err error) {
	p, err := w.project(idOrSlug)
	if err != nil {
		return nil, err
	}
	sc, err := w.originals(p)
	if err != nil {
		return nil, err
	}
	for row := range sc.Each(ledger.Original) {
		rec, err := ledger.Read[originalRecord](sc, row)
		if err != nil {
			return nil, err
		}
		out = append(out, rec.public())
	}
	slices.SortFunc(out, func(a, b Original) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// DeleteOriginal forgets a kept file.
func (w *Writer) DeleteOriginal(idOrSlug, path string) error {
	sc, row, err := w.original(idOrSlug, path)
	if err != nil {
		return err
	}
	return w.change.Remove(sc, row)
}
