package tree

import (
	"cmp"
	"path"
	"slices"

	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
)

// locate finds the environment of p and cleans its path.
func (w *Reader) locate(p Place) (env environment, dir string, err error) {
	w.At = p
	if dir, err = cleanPath(p.Path); err != nil {
		return env, dir, err
	}
	w.At.Path = dir
	env, err = w.environment(p.Project, p.Environment)
	return env, dir, err
}

// folder is locate for a folder that must be there.
func (w *Reader) folder(p Place) (env environment, dir string, row ledger.Row, err error) {
	if env, dir, err = w.locate(p); err != nil {
		return env, dir, row, err
	}
	row, ok := env.Find(ledger.Folder, dir)
	if !ok {
		return env, dir, row, fault.New(fault.ErrMissing, "%s has no folder %s", env.What, dir)
	}
	return env, dir, row, nil
}

func (r folderRecord) public(env ledger.UUID, row ledger.Row) Folder {
	f := Folder{ID: ledger.IDOf(row.ID), Parent: r.Parent, Environment: ledger.IDOf(env), Path: r.Path, Name: path.Base(r.Path),
		Description: r.Description, Version: int(row.Version),
		CreatedAt: at(r.Created), UpdatedAt: at(r.Updated)}
	if r.Path == "/" {
		f.Name = "root"
	}
	return f
}

// folders returns those of dir and below, by path.
func (env environment) folders(dir string) (out []Folder, err error) {
	for row := range env.Each(ledger.Folder) {
		rec, err := ledger.Read[folderRecord](env.Scope, row)
		if err != nil {
			return nil, err
		}
		if within(dir, rec.Path) {
			out = append(out, rec.public(env.ID, row))
		}
	}
	slices.SortFunc(out, func(a, b Folder) int { return cmp.Compare(a.Path, b.Path) })
	return out, nil
}

// Folders lists the folder p itself, the folders in it, and all below when
// recursive, by path.
func (w *Reader) Folders(p Place, recursive bool) ([]Folder, error) {
	env, dir, row, err := w.folder(p)
	if err != nil {
		return nil, err
	}
	out, err := env.folders(dir)
	if !recursive {
		id := ledger.IDOf(row.ID)
		out = slices.DeleteFunc(out, func(f Folder) bool { return f.ID != id && f.Parent != id })
	}
	return out, err
}

// CreateFolder makes a folder with its parents; one that exists is returned as it is.
func (w *Writer) CreateFolder(p Place) (Folder, error) {
	env, dir, err := w.locate(p)
	if err != nil {
		return Folder{}, err
	}
	row, err := w.ensureFolder(env.Scope, dir)
	if err != nil {
		return Folder{}, err
	}
	rec, err := ledger.Read[folderRecord](env.Scope, row)
	return rec.public(env.ID, row), err
}

func (w *Writer) ensureFolder(sc *ledger.Scope, dir string) (ledger.Row, error) {
	if row, ok := sc.Find(ledger.Folder, dir); ok {
		return row, nil
	}
	if dir == "/" {
		return ledger.Row{}, fault.Tampered("vault.db: %s has no root folder", sc.What)
	}
	parent, err := w.ensureFolder(sc, path.Dir(dir))
	if err != nil {
		return ledger.Row{}, err
	}
	return w.createFolder(sc, dir, ledger.IDOf(parent.ID))
}

func (w *Writer) createFolder(sc *ledger.Scope, dir string, parent ID) (ledger.Row, error) {
	id, err := ledger.NewUUID()
	if err != nil {
		return ledger.Row{}, err
	}
	rec := folderRecord{Path: dir, Parent: parent, Created: w.change.Now, Updated: w.change.Now}
	return w.change.Put(sc, ledger.Folder, id, rec, dir)
}

// DeleteFolder removes a folder with everything below it and says how many
// secrets that were. Secrets are soft-deleted.
func (w *Writer) DeleteFolder(p Place) (out Folder, secrets int, err error) {
	env, dir, _, err := w.folder(p)
	if err != nil {
		return out, 0, err
	}
	if dir == "/" {
		return out, 0, fault.New(fault.ErrInvalid, "the root folder cannot be deleted")
	}
	buried, err := env.living(func(r *secretRecord) bool { return within(dir, r.Path) })
	if err != nil {
		return out, 0, err
	}
	for _, s := range buried {
		if err := w.bury(env, *s); err != nil {
			return out, 0, err
		}
	}
	folders, err := env.folders(dir)
	if err != nil {
		return out, 0, err
	}
	for _, f := range folders {
		id, _ := ledger.ParseID(f.ID)
		row, _ := env.Row(ledger.Folder, id)
		if err := w.change.Remove(env.Scope, row); err != nil {
			return out, 0, err
		}
	}
	return folders[0], len(buried), w.removeImports(env, dir)
}
