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
	rec, err := ledger.Read[projectRecord](w.Top(), row)
	if err != nil {
		return err
	}
	p := project{row, rec} // a deleted one has its records, too
	sc, err := w.originals(p)
	if err != nil {
		return err
	}
	for row := range sc.Each(ledger.Original) {
		if _, err := w.content(sc, row); err != nil {
			return err
		}
		sum.Attachments++
	}
	sum.Records += sc.Len()
	sum.Attachments++ // the index
	for row := range w.Top().Each(ledger.Environment) {
		rec, err := ledger.Read[environmentRecord](w.Top(), row)
		if err != nil {
			return err
		}
		if rec.Project != ledger.IDOf(p.row.ID) {
			continue
		}
		env := environment{project: p, rec: rec}
		if err := w.enter(&env, row); err != nil {
			return err
		}
		if err := w.verifyEnvironment(env, sum); err != nil {
			return err
		}
	}
	return nil
}

func (w *Reader) verifyEnvironment(env environment, sum *store.Counts) error {
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
