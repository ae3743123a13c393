package tree

import (
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/store"
)

// Verify reads everything: every record, version and original, and fails at
// the first that is not what was written.
func (w *Reader) Verify() error {
	sum := store.Counts{Records: w.Top().Len(), Attachments: 1}
	for row := range w.Top().Each(ledger.Project) {
		if err := w.verifyProject(row, &sum); err != nil {
			return err
		}
	}
	return w.Check(sum)
}

func (w *Reader) verifyProject(row ledger.Row, sum *store.Counts) error {
	p, err := w.project(string(ledger.IDOf(row.ID)))
	if err != nil {
		return err
	}
	sc, err := w.originals(p)
	if err != nil {
		return err
	}
	for row := range sc.Each(ledger.Original) {
		if _, err := w.content(sc, row); err != nil {
			return err
		}
	}
	sum.Records += sc.Len()
	sum.Attachments += sc.Len() + 1
	envs, err := w.environments(p)
	if err != nil {
		return err
	}
	for _, e := range envs {
		if err := w.verifyEnvironment(p, e.Slug, sum); err != nil {
			return err
		}
	}
	return nil
}

func (w *Reader) verifyEnvironment(p project, slug string, sum *store.Counts) error {
	env, err := w.environment(string(ledger.IDOf(p.row.ID)), slug)
	if err != nil {
		return err
	}
	if _, err := env.folders("/"); err != nil {
		return err
	}
	for row := range env.Each(ledger.Secret) {
		rec, err := ledger.Read[secretRecord](env.Scope, row)
		if err != nil {
			return err
		}
		all, err := w.versions(env, stored{row, rec})
		if err != nil {
			return err
		}
		sum.History += len(all) - 1
	}
	sum.Records += env.Len()
	sum.Attachments++
	return nil
}
