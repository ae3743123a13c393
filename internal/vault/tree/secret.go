package tree

import (
	"cmp"
	"runtime"
	"slices"
	"sync"

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
		Owner: s.rec.Owner, References: s.rec.References, Tags: s.rec.Tags, Change: s.rec.Change,
		ReminderNote: s.rec.ReminderNote, ReminderDays: s.rec.ReminderDays,
		CreatedAt: at(s.rec.Created), UpdatedAt: at(s.rec.Updated)}
}

func (s Secret) withoutValue() Secret {
	s.Value = secret.Value{}
	return s
}

// found are the words by which a secret is found.
func found(dir, name, owner string) []string {
	if owner == "" {
		return []string{dir, name}
	}
	return []string{dir, name, owner}
}

// secret finds one by path, name and owner; ok is false when there is none, not
// even a deleted one.
func (env environment) secret(dir string, name secret.Name, owner string) (s stored, ok bool, err error) {
	if s.row, ok = env.Find(ledger.Secret, found(dir, string(name), owner)...); !ok {
		return s, false, nil
	}
	s.rec, err = ledger.Read[secretRecord](env.Scope, s.row)
	return s, true, err
}

// secrets returns those in dir that are not deleted, by name and path: what is
// everybody's, or owner's own in its place.
func (env environment) secrets(dir string, o ListOptions) ([]*stored, error) {
	all, err := env.living(func(r *secretRecord) bool {
		return (r.Owner == "" || r.Owner == o.Owner) && (r.Path == dir || o.Recursive && within(dir, r.Path))
	})
	return slices.CompactFunc(all, func(a, b *stored) bool { return a.rec.Name == b.rec.Name && a.rec.Path == b.rec.Path }), err
}

// living returns the secrets that are not deleted and that keep wants, by name
// and path, personal ones before everybody's.
func (env environment) living(keep func(*secretRecord) bool) ([]*stored, error) {
	rows := slices.AppendSeq(make([]ledger.Row, 0, env.Len()), env.Each(ledger.Secret))
	all, err := env.opened(rows)
	if err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(all, func(s *stored) bool { return s.rec.Deleted || !keep(&s.rec) })
	slices.SortFunc(out, func(a, b *stored) int {
		return cmp.Or(cmp.Compare(a.rec.Name, b.rec.Name), cmp.Compare(a.rec.Path, b.rec.Path), cmp.Compare(b.rec.Owner, a.rec.Owner))
	})
	return out, nil
}

// share is how many records are worth a goroutine.
const share = 128

// opened unseals rows, many of them on all processors.
func (env environment) opened(rows []ledger.Row) ([]*stored, error) {
	out := make([]*stored, len(rows))
	workers := max(1, min(runtime.GOMAXPROCS(0), len(rows)/share))
	errs := make([]error, workers)
	var all sync.WaitGroup
	for n := range workers {
		all.Go(func() {
			for i := n * len(rows) / workers; i < (n+1)*len(rows)/workers && errs[n] == nil; i++ {
				s := &stored{row: rows[i]}
				s.rec, errs[n] = ledger.Read[secretRecord](env.Scope, s.row)
				out[i] = s
			}
		})
	}
	all.Wait()
	return out, cmp.Or(errs...)
}

// lookup finds what r names, deleted or not.
func (w *Reader) lookup(r Ref) (env environment, s stored, err error) {
	env, dir, err := w.locate(r.Place())
	if err != nil {
		return env, s, err
	}
	s, ok, err := env.secret(dir, r.Name, r.Owner)
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
	list, err := env.secrets(dir, o)
	if err != nil {
		return nil, err
	}
	out := make([]Secret, len(list))
	for i, s := range list {
		if out[i] = env.public(*s); o.NamesOnly {
			out[i] = out[i].withoutValue()
		}
	}
	return out, nil
}
