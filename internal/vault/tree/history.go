package tree

import (
	"bytes"
	"slices"

	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
)

// versions returns every version of s, the newest first. Each holds the mark
// of the one before it, so none can be changed, exchanged or left out.
func (w *Reader) versions(env environment, s stored) ([]stored, error) {
	rows, err := w.View.History(env.Scope, s.row.ID)
	if err != nil {
		return nil, err
	}
	damaged := func(version uint64, what string) error {
		return fault.Tampered("vault.db: version %d of secret %s in %s is %s", version, join(s.rec.Path, s.rec.Name), env.What, what)
	}
	out := []stored{s}
	for _, row := range slices.Backward(rows) {
		newer := out[len(out)-1]
		switch m := ledger.MarkOf(row); {
		case row.Version >= newer.row.Version:
			return nil, damaged(row.Version, "there twice")
		case row.Version < newer.row.Version-1:
			return nil, damaged(newer.row.Version-1, "missing")
		case !bytes.Equal(m[:], newer.rec.Previous):
			return nil, damaged(row.Version, "changed")
		}
		rec, err := ledger.Read[secretRecord](env.Scope, row)
		if err != nil {
			return nil, err
		}
		out = append(out, stored{row, rec})
	}
	if last := out[len(out)-1]; last.row.Version != 1 {
		return nil, damaged(last.row.Version-1, "missing")
	}
	return out, nil
}

// version returns one version of s.
func (w *Reader) version(env environment, s stored, version int) (stored, error) {
	all, err := w.versions(env, s)
	if err != nil {
		return stored{}, err
	}
	for _, old := range all {
		if int(old.row.Version) == version {
			return old, nil
		}
	}
	return stored{}, fault.New(fault.ErrMissing, "secret %s has no version %d, only 1 to %d", join(s.rec.Path, s.rec.Name), version, s.row.Version)
}

// History returns every version of a secret, newest first, deletions
// included, without values.
func (w *Reader) History(r Ref) (out []Secret, err error) {
	env, s, err := w.lookup(r)
	if err != nil {
		return nil, err
	}
	all, err := w.versions(env, s)
	for _, s := range all {
		out = append(out, env.public(s).withoutValue())
	}
	return out, err
}
