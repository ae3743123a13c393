// Package link is what a folder shows beyond its own secrets: those of folders
// that it imports, and what references in values stand for.
//
// It decides nothing: whether a secret may be used is asked of a function, for
// every secret that goes into an answer. Its invariants: personal secrets are
// never imported or referred to; a circle of imports or references ends; and an
// answer is recorded once, as the vault records every access.
package link

import (
	"cmp"
	"context"
	"path"
	"slices"
	"time"

	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// maxImports is how deep imports of imports are followed.
const maxImports = 10

// Import makes a folder show the secrets of another one of the same project.
type Import struct {
	ID        vault.ID
	Into      vault.Place // with the slugs of now
	Folder    vault.ID    // that imports
	From      vault.Place
	FromEnv   vault.Environment
	Position  int // from 1; of two imports with the same name, the later wins
	Version   int
	CreatedAt time.Time
	UpdatedAt time.Time
}

// importRecord is its JSON. The field "path" is the tree's, too: it moves and
// removes imports with their folder.
type importRecord struct {
	Path        string   `json:"path"`
	Environment vault.ID `json:"environment"`
	From        string   `json:"from"`
	Position    int      `json:"position"`
	Created     int64    `json:"created"`
	Updated     int64    `json:"updated"`
}

// imports returns those into the folder at, by position; one whose environment
// is deleted shows nothing and is left out.
func imports(w *tree.Reader, at tree.Spot) (out []Import, err error) {
	for row := range at.Scope.Each(ledger.Import) {
		rec, err := ledger.Read[importRecord](at.Scope, row)
		if err != nil {
			return nil, err
		}
		if rec.Path != at.Path {
			continue
		}
		env, err := w.Environment(string(at.Project.ID), string(rec.Environment))
		if fault.Kind(err) == fault.ErrMissing.Error() {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, rec.public(at, env, row))
	}
	slices.SortFunc(out, func(a, b Import) int { return cmp.Compare(a.Position, b.Position) })
	return out, nil
}

func (r importRecord) public(at tree.Spot, env vault.Environment, row ledger.Row) Import {
	return Import{
		ID: ledger.IDOf(row.ID), Into: vault.Place{Project: string(at.Project.ID), Environment: at.Environment.Slug, Path: at.Path},
		Folder: at.Folder, From: vault.Place{Project: string(at.Project.ID), Environment: env.Slug, Path: r.From}, FromEnv: env,
		Position: r.Position, Version: int(row.Version), CreatedAt: time.UnixMilli(r.Created).UTC(), UpdatedAt: time.UnixMilli(r.Updated).UTC(),
	}
}

// Imports lists those into the folder p.
func Imports(ctx context.Context, v *vault.Vault, c vault.Caller, p vault.Place) ([]Import, error) {
	q := vault.Question{Action: "import.list", Place: p}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) ([]Import, error) {
		at, err := w.Spot(p)
		if err != nil {
			return nil, err
		}
		return imports(w, at)
	})
}

// ByID finds an import in whatever environment it lies, and says which that is.
func ByID(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (out Import, into vault.Environment, err error) {
	q := vault.Question{Action: "import.get", Name: id}
	out, err = vault.Read(ctx, v, c, q, func(w *tree.Reader) (Import, error) {
		project, env, row, err := w.Search(ledger.Import, vault.ID(id))
		if err != nil {
			return Import{}, err
		}
		at, err := w.Spot(vault.Place{Project: project, Environment: env, Path: "/"})
		if err != nil {
			return Import{}, err
		}
		rec, err := ledger.Read[importRecord](at.Scope, row)
		if err != nil {
			return Import{}, err
		}
		if at, err = w.Spot(vault.Place{Project: project, Environment: env, Path: rec.Path}); err != nil {
			return Import{}, err
		}
		from, err := w.Environment(project, string(rec.Environment))
		into = at.Environment
		return rec.public(at, from, row), err
	})
	return out, into, err
}

// Create imports from into p, behind the imports that are there.
func Create(ctx context.Context, v *vault.Vault, c vault.Caller, p, from vault.Place) (Import, error) {
	q := vault.Question{Action: "import.create", Place: p, Name: from.Environment + ":" + from.Path}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (out Import, err error) {
		source, err := w.Spot(vault.Place{Project: p.Project, Environment: from.Environment, Path: from.Path})
		if err != nil {
			return out, err
		}
		at, err := w.Spot(p)
		if err != nil {
			return out, err
		}
		there, err := imports(&w.Reader, at)
		if err != nil {
			return out, err
		}
		rec := importRecord{Path: at.Path, Environment: source.Environment.ID, From: source.Path, Position: 1,
			Created: w.Ledger().Now, Updated: w.Ledger().Now}
		for _, i := range there {
			if i.FromEnv.ID == rec.Environment && i.From.Path == rec.From {
				return out, fault.New(fault.ErrExists, "%s imports %s of %s already", at.Path, rec.From, source.Environment.Slug)
			}
			rec.Position = max(rec.Position, i.Position+1)
		}
		if source.Folder == at.Folder {
			return out, fault.New(fault.ErrInvalid, "a folder cannot import itself")
		}
		id, err := ledger.NewUUID()
		if err != nil {
			return out, err
		}
		row, err := w.Ledger().Put(at.Scope, ledger.Import, id, rec)
		return rec.public(at, source.Environment, row), err
	})
}

// Change of an import; empty fields keep what is there.
type Change struct {
	Environment, Path string
	Position          int
}

// Update changes the import id of the folder p.
func Update(ctx context.Context, v *vault.Vault, c vault.Caller, p vault.Place, id string, ch Change) (Import, error) {
	q := vault.Question{Action: "import.update", Place: p, Name: id}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (out Import, err error) {
		at, there, i, err := find(&w.Reader, p, id)
		if err != nil {
			return out, err
		}
		one := there[i]
		if ch.Environment != "" || ch.Path != "" {
			source, err := w.Spot(vault.Place{Project: p.Project, Environment: cmp.Or(ch.Environment, one.From.Environment), Path: cmp.Or(ch.Path, one.From.Path)})
			if err != nil {
				return out, err
			}
			one.FromEnv, one.From.Path = source.Environment, source.Path
		}
		there = slices.Delete(there, i, i+1)
		there = slices.Insert(there, min(cmp.Or(max(ch.Position, 0), i+1)-1, len(there)), one)
		for n, o := range there {
			if o.Position == n+1 && o.ID != one.ID {
				continue
			}
			uuid, _ := ledger.ParseID(o.ID)
			rec := importRecord{Path: at.Path, Environment: o.FromEnv.ID, From: o.From.Path, Position: n + 1,
				Created: o.CreatedAt.UnixMilli(), Updated: w.Ledger().Now}
			row, err := w.Ledger().Put(at.Scope, ledger.Import, uuid, rec)
			if err != nil {
				return out, err
			}
			if o.ID == one.ID {
				out = rec.public(at, o.FromEnv, row)
			}
		}
		return out, nil
	})
}

// Delete removes the import id of the folder p.
func Delete(ctx context.Context, v *vault.Vault, c vault.Caller, p vault.Place, id string) (Import, error) {
	q := vault.Question{Action: "import.delete", Place: p, Name: id}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (Import, error) {
		at, there, i, err := find(&w.Reader, p, id)
		if err != nil {
			return Import{}, err
		}
		uuid, _ := ledger.ParseID(there[i].ID)
		row, _ := at.Scope.Row(ledger.Import, uuid)
		return there[i], w.Ledger().Remove(at.Scope, row)
	})
}

func find(w *tree.Reader, p vault.Place, id string) (at tree.Spot, there []Import, i int, err error) {
	if at, err = w.Spot(p); err != nil {
		return at, nil, 0, err
	}
	if there, err = imports(w, at); err != nil {
		return at, nil, 0, err
	}
	i = slices.IndexFunc(there, func(i Import) bool { return string(i.ID) == id })
	if i < 0 {
		err = fault.New(fault.ErrMissing, "folder %s has no import %q", path.Clean(at.Path), id)
	}
	return at, there, i, err
}

// State is an environment's version, and a number for each folder with imports
// that changes with them.
func State(w *tree.Reader, project, environment string) (version uint64, folders map[string]uint64, err error) {
	at, err := w.Spot(vault.Place{Project: project, Environment: environment})
	if err != nil {
		return 0, nil, err
	}
	folders = map[string]uint64{}
	for row := range at.Scope.Each(ledger.Import) {
		rec, err := ledger.Read[importRecord](at.Scope, row)
		if err != nil {
			return 0, nil, err
		}
		folders[rec.Path] += row.Version<<20 + uint64(row.ID[0])<<8 + uint64(row.ID[15])
	}
	return at.Environment.Version, folders, nil
}
