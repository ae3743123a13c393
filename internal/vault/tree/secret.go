package tree

import (
	"cmp"
	"slices"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
)

// stored is one version of a secret as it was found.
type stored struct {
	row ledger.Row
	rec secretRecord
}

func (env environment) public(s stored) Secret {
	return Secret{ID: ledger.IDOf(s.row.ID), Project: ledger.IDOf(env.project.row.ID), Environment: env.rec.Slug, Path: s.rec.Path,
		Name: secret.Name(s.rec.Name), Value: secret.NewValue(s.rec.Value), Comment: s.rec.Comment, Metadata: s.rec.Metadata,
		SkipMultilineEncoding: s.rec.SkipMultiline, Version: int(s.row.Version), Deleted: s.rec.Deleted, Actor: s.rec.Actor,
		CreatedAt: at(s.rec.Created), UpdatedAt: at(s.rec.Updated)}
}

func (s Secret) withoutValue() Secret {
	s.Value = secret.Value{}
	return s
}

// secret finds one by path and name; ok is false when there is none, not even
// a deleted one.
func (env environment) secret(dir string, name secret.Name) (s stored, ok bool, err error) {
	if s.row, ok = env.Find(ledger.Secret, dir, string(name)); !ok {
		return s, false, nil
	}
	s.rec, err = ledger.Read[secretRecord](env.Scope, s.row)
	return s, true, err
}

// secrets returns those in dir that are not deleted, by name and path.
func (env environment) secrets(dir string, recursive bool) ([]*stored, error) {
	out := make([]*stored, 0, env.Len())
	for row := range env.Each(ledger.Secret) {
		rec, err := ledger.Read[secretRecord](env.Scope, row)
		if err != nil {
			return nil, err
		}
		if !rec.Deleted && (rec.Path == dir || recursive && within(dir, rec.Path)) {
			out = append(out, &stored{row, rec})
		}
	}
	slices.SortFunc(out, func(a, b *stored) int {
		return cmp.Or(cmp.Compare(a.rec.Name, b.rec.Name), cmp.Compare(a.rec.Path, b.rec.Path))
	})
	return out, nil
}

// lookup finds what r names, deleted or not.
func (w *Reader) lookup(r Ref) (env environment, s stored, err error) {
	env, dir, err := w.locate(r.Place())
	if err != nil {
		return env, s, err
	}
	s, ok, err := env.secret(dir, r.Name)
	if err == nil && !ok {
		err = env.missing(dir, r.Name)
	}
	return env, s, err
}

func (env environment) missing(dir string, name secret.Name) error {
	return fault.New(fault.ErrMissing, "%s has no secret %s", env.What, join(dir, string(name)))
}

// Get returns one secret; version 0 means the current one, which must not be
// deleted.
func (w *Reader) Get(r Ref, version int) (Secret, error) {
	env, s, err := w.lookup(r)
	if err != nil {
		return Secret{}, err
	}
	if version == 0 && s.rec.Deleted {
		return Secret{}, env.missing(w.At.Path, r.Name)
	}
	if version != 0 && version != int(s.row.Version) {
		if s, err = w.version(env, s, version); err != nil {
			return Secret{}, err
		}
	}
	return env.public(s), nil
}

// List returns the secrets in p, sorted by name and then path.
func (w *Reader) List(p Place, o ListOptions) ([]Secret, error) {
	env, dir, _, err := w.folder(p)
	if err != nil {
		return nil, err
	}
	found, err := env.secrets(dir, o.Recursive)
	if err != nil {
		return nil, err
	}
	out := make([]Secret, len(found))
	for i, s := range found {
		if out[i] = env.public(*s); o.NamesOnly {
			out[i] = out[i].withoutValue()
		}
	}
	return out, nil
}
