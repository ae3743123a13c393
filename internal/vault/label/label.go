// Package label keeps the tags of a project: words that secrets can be found
// and allowed by.
//
// Which secret has which tag stands with the secret; a tag that is gone is no
// secret's any more. Invariant: a slug is unique within its project.
package label

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

const maxText = 255

// Tag is one.
type Tag struct {
	ID        vault.ID
	Project   vault.ID
	Slug      string
	Name      string
	Color     string
	Actor     string // who made it
	CreatedAt time.Time
	UpdatedAt time.Time
}

type record struct {
	Slug    string `json:"slug"`
	Name    string `json:"name"`
	Color   string `json:"color,omitempty"`
	Actor   string `json:"actor"`
	Created int64  `json:"created"`
	Updated int64  `json:"updated"`
}

func (r record) public(sc *ledger.Scope, id ledger.UUID) Tag {
	return Tag{ledger.IDOf(id), ledger.IDOf(sc.ID), r.Slug, r.Name, r.Color, r.Actor, time.UnixMilli(r.Created).UTC(), time.UnixMilli(r.Updated).UTC()}
}

// List returns a project's tags by slug, within a question that is recorded
// for something else.
func List(w *tree.Reader, project string) (out []Tag, err error) {
	sc, err := w.ProjectScope(project)
	if err != nil {
		return nil, err
	}
	for row := range sc.Each(ledger.Tag) {
		rec, err := ledger.Read[record](sc, row)
		if err != nil {
			return nil, err
		}
		out = append(out, rec.public(sc, row.ID))
	}
	slices.SortFunc(out, func(a, b Tag) int { return cmp.Compare(a.Slug, b.Slug) })
	return out, nil
}

// All lists a project's tags.
func All(ctx context.Context, v *vault.Vault, c vault.Caller, project string) ([]Tag, error) {
	q := vault.Question{Action: "tag.list", Place: vault.Place{Project: project}}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) ([]Tag, error) { return List(w, project) })
}

// find one by id or slug.
func find(w *tree.Reader, project, idOrSlug string) (sc *ledger.Scope, row ledger.Row, rec record, err error) {
	if sc, err = w.ProjectScope(project); err != nil {
		return nil, row, rec, err
	}
	row, ok := sc.Find(ledger.Tag, idOrSlug)
	if id, isID := ledger.ParseID(vault.ID(idOrSlug)); isID {
		row, ok = sc.Row(ledger.Tag, id)
	}
	if !ok {
		return sc, row, rec, fault.New(fault.ErrMissing, "Tag not found")
	}
	rec, err = ledger.Read[record](sc, row)
	return sc, row, rec, err
}

// Get finds a tag by id or slug.
func Get(ctx context.Context, v *vault.Vault, c vault.Caller, project, idOrSlug string) (Tag, error) {
	q := vault.Question{Action: "tag.get", Place: vault.Place{Project: project}, Name: idOrSlug}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) (Tag, error) {
		sc, row, rec, err := find(w, project, idOrSlug)
		if err != nil {
			return Tag{}, err
		}
		return rec.public(sc, row.ID), nil
	})
}

// Put makes a tag, or changes the one of t.ID; empty fields keep.
func Put(ctx context.Context, v *vault.Vault, c vault.Caller, project string, t Tag) (Tag, error) {
	q := vault.Question{Action: "tag.set", Place: vault.Place{Project: project}, Name: t.Slug}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (out Tag, err error) {
		sc, err := w.ProjectScope(project)
		if err != nil {
			return out, err
		}
		row, rec := ledger.Row{}, record{Actor: c.Actor, Created: w.Ledger().Now}
		if t.ID != "" {
			_, row, rec, err = find(&w.Reader, project, string(t.ID))
		} else {
			row.ID, err = ledger.NewUUID()
		}
		if err != nil {
			return out, err
		}
		rec.Slug, rec.Color, rec.Updated = cmp.Or(t.Slug, rec.Slug), cmp.Or(t.Color, rec.Color), w.Ledger().Now
		rec.Name = cmp.Or(t.Name, rec.Name, rec.Slug)
		if other, taken := sc.Find(ledger.Tag, rec.Slug); taken && other.ID != row.ID {
			return out, fault.New(fault.ErrExists, "Tag with slug %s already exists", rec.Slug)
		}
		if !tree.ValidSlug(rec.Slug) || len(rec.Color) > maxText || len(rec.Name) > maxText {
			return out, fault.New(fault.ErrInvalid, "tag %q: a slug has small letters, digits and '-', and name and colour are short", rec.Slug)
		}
		row, err = w.Ledger().Put(sc, ledger.Tag, row.ID, rec, rec.Slug)
		return rec.public(sc, row.ID), err
	})
}

// Delete removes a tag, and so from every secret.
func Delete(ctx context.Context, v *vault.Vault, c vault.Caller, project, idOrSlug string) (Tag, error) {
	q := vault.Question{Action: "tag.delete", Place: vault.Place{Project: project}, Name: idOrSlug}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (Tag, error) {
		sc, row, rec, err := find(&w.Reader, project, idOrSlug)
		if err != nil {
			return Tag{}, err
		}
		return rec.public(sc, row.ID), w.Ledger().Remove(sc, row)
	})
}
