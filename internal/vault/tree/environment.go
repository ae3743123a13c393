package tree

import (
	"cmp"
	"slices"

	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
)

// UpdateProject renames or describes a project.
func (w *Writer) UpdateProject(idOrSlug string, ch ProjectChange) (Project, error) {
	p, err := w.project(idOrSlug)
	if err != nil {
		return Project{}, err
	}
	if ch.Slug != nil && *ch.Slug != p.rec.Slug {
		switch _, taken := w.Top().Find(ledger.Project, *ch.Slug); {
		case !ValidSlug(*ch.Slug):
			return Project{}, fault.New(fault.ErrInvalid, "project %q: a slug has small letters, digits and '-', at most %d", *ch.Slug, maxSlug)
		case taken:
			return Project{}, fault.New(fault.ErrExists, "there is a project %s already", *ch.Slug)
		}
	}
	p.rec.Slug, p.rec.Name = value(ch.Slug, p.rec.Slug), cmp.Or(value(ch.Name, p.rec.Name), p.rec.Name)
	p.rec.Description, p.rec.Protected = value(ch.Description, p.rec.Description), value(ch.Protected, p.rec.Protected)
	p.rec.Updated = w.change.Now
	if err := w.putProject(&p); err != nil {
		return Project{}, err
	}
	return w.public(p)
}

// putProject writes what p is by now; a deleted one is found by its id only.
func (w *Writer) putProject(p *project) (err error) {
	var name []string
	if !p.rec.Deleted {
		name = []string{p.rec.Slug}
	}
	p.row, err = w.change.Put(w.Top(), ledger.Project, p.row.ID, p.rec, name...)
	return err
}

func value[T any](change *T, now T) T {
	if change == nil {
		return now
	}
	return *change
}

// DeleteProject hides a project with all it holds; RestoreProject brings it back.
func (w *Writer) DeleteProject(idOrSlug string) (out Project, err error) {
	p, err := w.project(idOrSlug)
	if err != nil {
		return out, err
	}
	if p.rec.Protected {
		return out, fault.New(fault.ErrInvalid, "project %s is protected from deletion", p.rec.Slug)
	}
	if out, err = w.public(p); err != nil {
		return out, err
	}
	p.rec.Deleted, p.rec.Updated = true, w.change.Now
	return out, w.putProject(&p)
}

// RestoreProject brings back the project that was deleted last under that slug,
// or the one of that id.
func (w *Writer) RestoreProject(idOrSlug string) (out Project, err error) {
	var p project
	for row := range w.Top().Each(ledger.Project) {
		rec, err := ledger.Read[projectRecord](w.Top(), row)
		if err != nil {
			return out, err
		}
		matches := rec.Slug == idOrSlug || string(ledger.IDOf(row.ID)) == idOrSlug
		if matches && rec.Deleted && rec.Updated >= p.rec.Updated {
			p = project{row, rec}
		}
	}
	if !p.rec.Deleted {
		return out, fault.New(fault.ErrMissing, "there is no deleted project %q", idOrSlug)
	}
	if _, taken := w.Top().Find(ledger.Project, p.rec.Slug); taken {
		return out, fault.New(fault.ErrExists, "there is another project %s by now", p.rec.Slug)
	}
	w.At.Project = p.rec.Slug
	p.rec.Deleted, p.rec.Updated = false, w.change.Now
	if err := w.putProject(&p); err != nil {
		return out, err
	}
	return w.public(p)
}

// EnvironmentByID finds one without being told its project.
func (w *Reader) EnvironmentByID(id string) (Environment, error) {
	uuid, ok := ledger.ParseID(ID(id))
	row, there := w.Top().Row(ledger.Environment, uuid)
	if !ok || !there {
		return Environment{}, fault.New(fault.ErrMissing, "there is no environment %q", id)
	}
	rec, err := ledger.Read[environmentRecord](w.Top(), row)
	if err != nil {
		return Environment{}, err
	}
	return w.Environment(string(rec.Project), id)
}

// Environment finds one of a project by id or slug.
func (w *Reader) Environment(project, idOrSlug string) (Environment, error) {
	e, err := w.environment(project, idOrSlug)
	if err != nil {
		return Environment{}, err
	}
	out := e.rec.public(e.ID)
	out.Version = e.Counter()
	return out, nil
}

// UpdateEnvironment renames an environment or moves it among the others.
func (w *Writer) UpdateEnvironment(project, idOrSlug string, ch EnvironmentChange) (Environment, error) {
	e, err := w.environment(project, idOrSlug)
	if err != nil {
		return Environment{}, err
	}
	if ch.Slug != nil && *ch.Slug != e.rec.Slug {
		switch _, taken := w.Top().Find(ledger.Environment, string(e.rec.Project), *ch.Slug); {
		case !ValidSlug(*ch.Slug):
			return Environment{}, fault.New(fault.ErrInvalid, "environment %q: a slug has small letters, digits and '-', at most %d", *ch.Slug, maxSlug)
		case taken:
			return Environment{}, fault.New(fault.ErrExists, "project %s has an environment %s already", e.project.rec.Slug, *ch.Slug)
		}
	}
	e.rec.Slug, e.rec.Name = value(ch.Slug, e.rec.Slug), cmp.Or(value(ch.Name, e.rec.Name), e.rec.Name)
	e.rec.Updated = w.change.Now
	if err := w.putEnvironment(e.ID, e.rec); err != nil {
		return Environment{}, err
	}
	if ch.Position != nil {
		if err := w.arrange(e, *ch.Position); err != nil {
			return Environment{}, err
		}
	}
	return w.Environment(project, string(ledger.IDOf(e.ID)))
}

// putEnvironment writes rec; a deleted one is found by its id only.
func (w *Writer) putEnvironment(id ledger.UUID, rec environmentRecord) error {
	var name []string
	if !rec.Deleted {
		name = []string{string(rec.Project), rec.Slug}
	}
	_, err := w.change.Put(w.Top(), ledger.Environment, id, rec, name...)
	return err
}

// arrange gives e a position from 1 and closes ranks around it.
func (w *Writer) arrange(e environment, position int) error {
	all, err := w.environments(e.project)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(o Environment) bool { return o.ID == ledger.IDOf(e.ID) })
	moved := all[i]
	all = slices.Delete(all, i, i+1)
	all = slices.Insert(all, min(max(position-1, 0), len(all)), moved)
	for i, o := range all {
		if o.Position == i+1 {
			continue
		}
		id, _ := ledger.ParseID(o.ID)
		row, _ := w.Top().Row(ledger.Environment, id)
		rec, err := ledger.Read[environmentRecord](w.Top(), row)
		if err != nil {
			return err
		}
		rec.Position = i + 1
		if err := w.putEnvironment(id, rec); err != nil {
			return err
		}
	}
	return nil
}

// DeleteEnvironment hides an environment with all it holds; RestoreEnvironment
// brings it back. The last one of a project stays.
func (w *Writer) DeleteEnvironment(project, idOrSlug string) (out Environment, err error) {
	e, err := w.environment(project, idOrSlug)
	if err != nil {
		return out, err
	}
	if all, err := w.environments(e.project); err != nil || len(all) == 1 {
		return out, cmp.Or(err, fault.New(fault.ErrInvalid, "%s is the only environment of project %s", e.rec.Slug, e.project.rec.Slug))
	}
	if err := w.arrange(e, 1<<30); err != nil { // so that the others have no gap
		return out, err
	}
	out = e.rec.public(e.ID)
	e.rec.Deleted, e.rec.Updated = true, w.change.Now
	return out, w.putEnvironment(e.ID, e.rec)
}

// RestoreEnvironment brings back the environment that was deleted last under
// that slug, at the end.
func (w *Writer) RestoreEnvironment(project, slug string) (Environment, error) {
	p, err := w.project(project)
	if err != nil {
		return Environment{}, err
	}
	w.At.Environment = slug
	var id ledger.UUID
	var found environmentRecord
	for row := range w.Top().Each(ledger.Environment) {
		rec, err := ledger.Read[environmentRecord](w.Top(), row)
		if err != nil {
			return Environment{}, err
		}
		if rec.Deleted && rec.Slug == slug && rec.Project == ledger.IDOf(p.row.ID) && rec.Updated >= found.Updated {
			id, found = row.ID, rec
		}
	}
	if !found.Deleted {
		return Environment{}, fault.New(fault.ErrMissing, "project %s has no deleted environment %q", p.rec.Slug, slug)
	}
	all, err := w.environments(p)
	if err != nil {
		return Environment{}, err
	}
	if slices.ContainsFunc(all, func(o Environment) bool { return o.Slug == slug }) {
		return Environment{}, fault.New(fault.ErrExists, "project %s has another environment %s by now", p.rec.Slug, slug)
	}
	found.Deleted, found.Updated, found.Position = false, w.change.Now, len(all)+1
	if err := w.putEnvironment(id, found); err != nil {
		return Environment{}, err
	}
	return w.Environment(project, slug)
}
