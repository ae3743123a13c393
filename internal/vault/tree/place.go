package tree

import (
	"path"
	"slices"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
)

// Spot is a folder that was found, for packages that keep records of their own
// beside it.
type Spot struct {
	Project     Project // without its environments
	Environment Environment
	Path        string
	Folder      ID
	Scope       *ledger.Scope // of the environment
}

// Spot finds the folder p.
func (w *Reader) Spot(p Place) (Spot, error) {
	env, dir, row, err := w.folder(p)
	if err != nil {
		return Spot{}, err
	}
	e := env.rec.public(env.ID)
	e.Version = env.Counter()
	return Spot{Project: Project{ID: ledger.IDOf(env.project.row.ID), Slug: env.project.rec.Slug, Name: env.project.rec.Name},
		Environment: e, Path: dir, Folder: ledger.IDOf(row.ID), Scope: env.Scope}, nil
}

// ProjectScope is where a project's own records lie.
func (w *Reader) ProjectScope(idOrSlug string) (*ledger.Scope, error) {
	p, err := w.project(idOrSlug)
	if err != nil {
		return nil, err
	}
	return w.originals(p)
}

// Ledger is the change that w writes to.
func (w *Writer) Ledger() *ledger.Change { return w.change }

// FolderByID finds a folder in whatever environment it lies.
func (w *Reader) FolderByID(id string) (Folder, Place, error) {
	uuid, ok := ledger.ParseID(ID(id))
	if ok {
		env, row, err := w.search(ledger.Folder, uuid)
		if err != nil {
			return Folder{}, Place{}, err
		}
		if env.Scope != nil {
			rec, err := ledger.Read[folderRecord](env.Scope, row)
			w.At = Place{Project: env.project.rec.Slug, Environment: env.rec.Slug, Path: rec.Path}
			return rec.public(env.ID, row), w.At, err
		}
	}
	return Folder{}, Place{}, fault.New(fault.ErrMissing, "there is no folder %q", id)
}

// SecretByID finds a secret that is not deleted in whatever environment it lies.
func (w *Reader) SecretByID(id string) (Secret, error) {
	if uuid, ok := ledger.ParseID(ID(id)); ok {
		env, row, err := w.search(ledger.Secret, uuid)
		if err != nil {
			return Secret{}, err
		}
		if env.Scope != nil {
			rec, err := ledger.Read[secretRecord](env.Scope, row)
			w.At = Place{Project: env.project.rec.Slug, Environment: env.rec.Slug, Path: rec.Path}
			if err != nil || !rec.Deleted {
				return env.public(stored{row, rec}), err
			}
		}
	}
	return Secret{}, fault.New(fault.ErrMissing, "Secret with id '%s' not found", id)
}

// Search looks for a record in every environment and says in which project and
// environment, by id, it lies. ErrMissing when there is none.
func (w *Reader) Search(kind ledger.Kind, id ID) (project, environment string, row ledger.Row, err error) {
	uuid, ok := ledger.ParseID(id)
	if ok {
		env, found, err := w.search(kind, uuid)
		if err != nil {
			return "", "", row, err
		}
		if env.Scope != nil {
			return string(env.rec.Project), string(ledger.IDOf(env.ID)), found, nil
		}
	}
	return "", "", row, fault.New(fault.ErrMissing, "there is no %s %q", kind, id)
}

// search looks for a record in every environment.
func (w *Reader) search(kind ledger.Kind, id ledger.UUID) (environment, ledger.Row, error) {
	for row := range w.Top().Each(ledger.Environment) {
		rec, err := ledger.Read[environmentRecord](w.Top(), row)
		if err != nil || rec.Deleted {
			if err != nil {
				return environment{}, row, err
			}
			continue
		}
		env, err := w.environment(string(rec.Project), string(ledger.IDOf(row.ID)))
		if fault.Kind(err) == fault.ErrMissing.Error() {
			continue // of a deleted project
		}
		if err != nil {
			return environment{}, row, err
		}
		if found, ok := env.Row(kind, id); ok {
			return env, found, nil
		}
	}
	return environment{}, ledger.Row{}, nil
}

// UpdateFolder renames the folder p and describes it. Everything in it moves
// along; what refers to it by path does not follow.
func (w *Writer) UpdateFolder(p Place, name, description *string) (Folder, error) {
	env, dir, row, err := w.folder(p)
	if err != nil {
		return Folder{}, err
	}
	to := dir
	if name != nil && *name != path.Base(dir) {
		to = join(path.Dir(dir), *name)
		switch _, taken := env.Find(ledger.Folder, to); {
		case dir == "/":
			return Folder{}, fault.New(fault.ErrInvalid, "the root folder cannot be renamed")
		case !validFolder(*name):
			return Folder{}, fault.New(fault.ErrInvalid, "folder %q: the name has letters, digits, '_' and '-'", *name)
		case taken:
			return Folder{}, fault.New(fault.ErrExists, "%s has a folder %s already", env.What, to)
		}
		if err := w.moveFolder(env, dir, to); err != nil {
			return Folder{}, err
		}
	}
	rec, err := ledger.Read[folderRecord](env.Scope, row)
	if err != nil {
		return Folder{}, err
	}
	rec.Path, rec.Description, rec.Updated = to, value(description, rec.Description), w.change.Now
	if row, err = w.change.Put(env.Scope, ledger.Folder, row.ID, rec, to); err != nil {
		return Folder{}, err
	}
	return rec.public(env.ID, row), nil
}

// moveFolder moves what lies in dir: folders below, secrets, imports.
func (w *Writer) moveFolder(env environment, dir, to string) error {
	moved := func(p string) string { return to + p[len(dir):] }
	folders, err := env.folders(dir)
	if err != nil {
		return err
	}
	for _, f := range folders[1:] {
		id, _ := ledger.ParseID(f.ID)
		row, _ := env.Row(ledger.Folder, id)
		rec, err := ledger.Read[folderRecord](env.Scope, row)
		if err != nil {
			return err
		}
		rec.Path, rec.Updated = moved(rec.Path), w.change.Now
		if _, err := w.change.Put(env.Scope, ledger.Folder, id, rec, rec.Path); err != nil {
			return err
		}
	}
	secrets, err := env.living(func(r *secretRecord) bool { return within(dir, r.Path) })
	if err != nil {
		return err
	}
	for _, s := range secrets {
		rec := s.rec
		rec.Path = moved(rec.Path)
		if err := w.free(env, rec.Path, secret.Name(rec.Name), rec.Owner); err != nil {
			return err
		}
		if _, err := w.replace(env, *s, rec); err != nil {
			return err
		}
	}
	return w.eachImport(env, dir, func(row ledger.Row, rec map[string]any) error {
		rec["path"] = moved(rec["path"].(string))
		_, err := w.change.Put(env.Scope, ledger.Import, row.ID, rec)
		return err
	})
}

// eachImport calls fn with the imports into dir and below. What else they say
// is not the tree's to know.
func (w *Writer) eachImport(env environment, dir string, fn func(ledger.Row, map[string]any) error) error {
	for _, row := range slices.Collect(env.Each(ledger.Import)) {
		rec, err := ledger.Read[map[string]any](env.Scope, row)
		if err != nil {
			return err
		}
		if at, _ := rec["path"].(string); within(dir, at) {
			if err := fn(row, rec); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *Writer) removeImports(env environment, dir string) error {
	return w.eachImport(env, dir, func(row ledger.Row, _ map[string]any) error { return w.change.Remove(env.Scope, row) })
}

// Move moves secrets by name from one folder to another. Personal ones stay
// behind, and go: there is nothing left for them to override.
func (w *Writer) Move(from, to Place, names []secret.Name, overwrite bool) error {
	mode := CreateOnly
	if overwrite {
		mode = Upsert
	}
	source, err := w.Spot(from)
	if err != nil {
		return err
	}
	target, err := w.Spot(to)
	if err != nil {
		return err
	}
	if source.Folder == target.Folder {
		return fault.New(fault.ErrInvalid, "the secrets are in that folder already")
	}
	for _, n := range names {
		s, err := w.Get(Ref{Project: from.Project, Environment: from.Environment, Path: from.Path, Name: n}, 0)
		if err != nil {
			return err
		}
		ch := Change{Name: n, Mode: mode, Value: &s.Value, References: s.References, Comment: &s.Comment, Metadata: s.Metadata,
			SkipMultilineEncoding: &s.SkipMultilineEncoding, Tags: s.Tags, ReminderNote: &s.ReminderNote, ReminderDays: &s.ReminderDays}
		if _, err := w.Set(to, []Change{ch}); err != nil {
			return err
		}
	}
	_, err = w.Delete(from, names, "")
	return err
}

// Since returns the secrets that an environment's changes after that version
// wrote, as they are now, deleted ones included, without values and without
// personal ones.
func (w *Reader) Since(project, env string, version uint64) (out []Secret, err error) {
	e, err := w.environment(project, env)
	if err != nil {
		return nil, err
	}
	for row := range e.Each(ledger.Secret) {
		rec, err := ledger.Read[secretRecord](e.Scope, row)
		if err != nil {
			return nil, err
		}
		if rec.Change > version && rec.Owner == "" {
			out = append(out, e.public(stored{row, rec}).withoutValue())
		}
	}
	return out, nil
}

// Ages returns every secret of an environment with all its versions, the
// newest first, deleted ones included.
func (w *Reader) Ages(project, env string) ([][]Secret, error) {
	e, err := w.environment(project, env)
	if err != nil {
		return nil, err
	}
	out := make([][]Secret, 0, e.Len())
	for row := range e.Each(ledger.Secret) {
		rec, err := ledger.Read[secretRecord](e.Scope, row)
		if err != nil {
			return nil, err
		}
		versions, err := w.versions(e, stored{row, rec})
		if err != nil {
			return nil, err
		}
		age := make([]Secret, len(versions))
		for i, v := range versions {
			age[i] = e.public(v)
		}
		out = append(out, age)
	}
	return out, nil
}
