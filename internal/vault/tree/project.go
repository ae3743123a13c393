package tree

import (
	"cmp"
	"slices"

	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
)

// project is one that was found in the present view.
type project struct {
	row ledger.Row
	rec projectRecord
}

// environment is one that was found, with its scope.
type environment struct {
	project project
	rec     environmentRecord
	*ledger.Scope
}

func (w *Reader) project(idOrSlug string) (p project, err error) {
	w.At.Project = idOrSlug
	row, ok := w.Top().Find(ledger.Project, idOrSlug)
	if id, isID := ledger.ParseID(ID(idOrSlug)); isID {
		row, ok = w.Top().Row(ledger.Project, id)
	}
	if ok {
		p.row = row
		if p.rec, err = ledger.ReadKept[projectRecord](w.Top(), row); err != nil {
			return p, err
		}
	}
	if !ok || p.rec.Deleted {
		return p, fault.New(fault.ErrMissing, "there is no project %q", idOrSlug)
	}
	w.At.Project = p.rec.Slug
	return p, nil
}

// originals is the scope of a project.
func (w *Reader) originals(p project) (*ledger.Scope, error) {
	return w.Scope(p.row.ID, ledger.UUID{}, p.rec.Key, originalsOf(p.rec.Slug))
}

func originalsOf(slug string) string { return "the originals of " + slug }

func environmentOf(slug, project string) string { return "environment " + slug + " of " + project }

func (w *Reader) environment(idOrSlug, slug string) (e environment, err error) {
	if l := &w.last; w.still && l.env.Scope != nil && l.project == idOrSlug && l.slug == slug {
		w.At.Project, w.At.Environment = l.at.Project, l.at.Environment
		return l.env, nil
	}
	w.At.Environment = slug
	if e.project, err = w.project(idOrSlug); err != nil {
		return e, err
	}
	row, ok := w.Top().Find(ledger.Environment, string(ledger.IDOf(e.project.row.ID)), slug)
	if id, isID := ledger.ParseID(ID(slug)); isID {
		row, ok = w.Top().Row(ledger.Environment, id)
	}
	if ok {
		if e.rec, err = ledger.ReadKept[environmentRecord](w.Top(), row); err != nil {
			return e, err
		}
	}
	if !ok || e.rec.Deleted || e.rec.Project != ledger.IDOf(e.project.row.ID) {
		return e, fault.New(fault.ErrMissing, "project %s has no environment %q", e.project.rec.Slug, slug)
	}
	w.At.Environment = e.rec.Slug
	if err := w.enter(&e, row); err != nil {
		return e, err
	}
	w.last = visit{idOrSlug, slug, e, w.At}
	return e, nil
}

// enter opens the scope of an environment.
func (w *Reader) enter(e *environment, row ledger.Row) (err error) {
	what := environmentOf(e.rec.Slug, e.project.rec.Slug)
	if e.Scope, err = w.Scope(row.ID, e.project.row.ID, e.rec.Key, what); err == nil {
		e.Scope.What = what // it may have been renamed
	}
	return err
}

// environments of a project, by position.
func (w *Reader) environments(p project) ([]Environment, error) {
	var out []Environment
	for row := range w.Top().Each(ledger.Environment) {
		rec, err := ledger.Read[environmentRecord](w.Top(), row)
		if err != nil {
			return nil, err
		}
		if rec.Project == ledger.IDOf(p.row.ID) && !rec.Deleted {
			out = append(out, rec.public(row.ID))
		}
	}
	slices.SortFunc(out, func(a, b Environment) int { return cmp.Compare(a.Position, b.Position) })
	return out, nil
}

func (r environmentRecord) public(id ledger.UUID) Environment {
	return Environment{ID: ledger.IDOf(id), Project: r.Project, Slug: r.Slug, Name: r.Name, Position: r.Position,
		CreatedAt: at(r.Created), UpdatedAt: at(r.Updated)}
}

func (w *Reader) public(p project) (Project, error) {
	envs, err := w.environments(p)
	return Project{ID: ledger.IDOf(p.row.ID), Slug: p.rec.Slug, Name: p.rec.Name, Environments: envs,
		Organisation: p.rec.Organisation, Description: p.rec.Description, Protected: p.rec.Protected,
		CreatedAt: at(p.rec.Created), UpdatedAt: at(p.rec.Updated)}, err
}

// Project finds one by id or slug.
func (w *Reader) Project(idOrSlug string) (Project, error) {
	p, err := w.project(idOrSlug)
	if err != nil {
		return Project{}, err
	}
	return w.public(p)
}

// Projects lists all projects by slug.
func (w *Reader) Projects() (out []Project, err error) {
	for row := range w.Top().Each(ledger.Project) {
		rec, err := ledger.Read[projectRecord](w.Top(), row)
		if err != nil {
			return nil, err
		}
		if rec.Deleted {
			continue
		}
		p, err := w.public(project{row, rec})
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	w.At = Place{}
	slices.SortFunc(out, func(a, b Project) int { return cmp.Compare(a.Slug, b.Slug) })
	return out, nil
}

// DefaultEnvironments are those of a project whose maker names none.
func DefaultEnvironments() []Environment {
	return []Environment{{Slug: "development", Name: "Development"}, {Slug: "test", Name: "Test"},
		{Slug: "staging", Name: "Staging"}, {Slug: "production", Name: "Production"}}
}

// CreateProject makes a project of which slug, name, organisation, description
// and protection are taken, with these environments.
func (w *Writer) CreateProject(want Project, envs []Environment) (out Project, err error) {
	slug := want.Slug
	if !ValidSlug(slug) {
		return out, fault.New(fault.ErrInvalid, "project %q: a slug has small letters, digits and '-', at most %d", slug, maxSlug)
	}
	if _, ok := w.Top().Find(ledger.Project, slug); ok {
		return out, fault.New(fault.ErrExists, "there is a project %s already", slug)
	}
	p, err := w.createProject(want)
	if err != nil {
		return out, err
	}
	for i, env := range envs {
		env.Position = i + 1
		if _, err := w.createEnvironment(p, env); err != nil {
			return out, err
		}
	}
	return w.public(p)
}

func (w *Writer) createProject(want Project) (p project, err error) {
	id, err := ledger.NewUUID()
	if err != nil {
		return p, err
	}
	p.rec = projectRecord{Slug: want.Slug, Name: cmp.Or(want.Name, want.Slug), Organisation: want.Organisation,
		Description: want.Description, Protected: want.Protected, Created: w.change.Now, Updated: w.change.Now}
	if p.rec.Key, err = newKey(); err != nil {
		return p, err
	}
	w.change.NewScope(id, ledger.UUID{}, p.rec.Key, originalsOf(want.Slug))
	p.row, err = w.change.Put(w.Top(), ledger.Project, id, p.rec, want.Slug)
	return p, err
}

// CreateEnvironment adds an environment at the end.
func (w *Writer) CreateEnvironment(idOrSlug string, env Environment) (out Environment, err error) {
	w.At.Environment = env.Slug
	if !ValidSlug(env.Slug) {
		return out, fault.New(fault.ErrInvalid, "environment %q: a slug has small letters, digits and '-', at most %d", env.Slug, maxSlug)
	}
	p, err := w.project(idOrSlug)
	if err != nil {
		return out, err
	}
	envs, err := w.environments(p)
	if err != nil {
		return out, err
	}
	env.Position = 1
	for _, other := range envs {
		if other.Slug == env.Slug {
			return out, fault.New(fault.ErrExists, "project %s has an environment %s already", p.rec.Slug, env.Slug)
		}
		env.Position = max(env.Position, other.Position+1)
	}
	return w.createEnvironment(p, env)
}

func (w *Writer) createEnvironment(p project, e Environment) (out Environment, err error) {
	id, err := ledger.NewUUID()
	if err != nil {
		return out, err
	}
	rec := environmentRecord{Project: ledger.IDOf(p.row.ID), Slug: e.Slug, Name: cmp.Or(e.Name, e.Slug), Position: e.Position,
		Created: w.change.Now, Updated: w.change.Now}
	if rec.Key, err = newKey(); err != nil {
		return out, err
	}
	sc := w.change.NewScope(id, p.row.ID, rec.Key, environmentOf(rec.Slug, p.rec.Slug))
	if _, err := w.createFolder(sc, "/", ""); err != nil {
		return out, err
	}
	_, err = w.change.Put(w.Top(), ledger.Environment, id, rec, string(rec.Project), rec.Slug)
	return rec.public(id), err
}
