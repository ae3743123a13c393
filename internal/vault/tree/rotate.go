package tree

import (
	"encoding/json"
	"fmt"

	"github.com/bailey-project/bailey/internal/vault/envelope"
	"github.com/bailey-project/bailey/internal/vault/ledger"
)

// Rotate gives every project and environment a new data key and seals all
// that is under the old ones anew.
func (w *Writer) Rotate() error {
	var projects, environments []ledger.Row
	for row := range w.Top().Each(ledger.Project) {
		projects = append(projects, row)
	}
	for row := range w.Top().Each(ledger.Environment) {
		environments = append(environments, row)
	}
	for _, row := range projects {
		if err := w.rotateProject(row); err != nil {
			return err
		}
	}
	for _, row := range environments {
		if err := w.rotateEnvironment(row); err != nil {
			return err
		}
	}
	return nil
}

// RotateTop seals the records of projects and environments under a new top key.
func (w *Writer) RotateTop(key [envelope.KeySize]byte) error { return w.change.RekeyTop(key, nameOf) }

func (w *Writer) rotateProject(row ledger.Row) error {
	rec, err := ledger.Read[projectRecord](w.Top(), row)
	if err != nil {
		return err
	}
	p := project{row, rec} // a deleted one, too
	sc, err := w.originals(p)
	if err != nil {
		return err
	}
	if p.rec.Key, err = newKey(); err != nil {
		return err
	}
	if err := w.change.Rekey(sc, p.rec.Key, nameOf); err != nil {
		return err
	}
	return w.putProject(&p)
}

func (w *Writer) rotateEnvironment(row ledger.Row) error {
	rec, err := ledger.Read[environmentRecord](w.Top(), row)
	if err != nil {
		return err
	}
	env := environment{rec: rec}
	id, _ := ledger.ParseID(rec.Project)
	env.project.row, _ = w.Top().Row(ledger.Project, id)
	if env.project.rec, err = ledger.Read[projectRecord](w.Top(), env.project.row); err != nil {
		return err
	}
	if err := w.enter(&env, row); err != nil {
		return err
	}
	if rec.Key, err = newKey(); err != nil {
		return err
	}
	if err := w.change.Rekey(env.Scope, rec.Key, nameOf); err != nil {
		return err
	}
	return w.putEnvironment(row.ID, rec)
}

// nameOf is how each kind of record is found: a new kind belongs in here, unless
// it is found by its id only.
func nameOf(kind ledger.Kind, plain []byte) ([]string, error) {
	var rec struct{ Project, Slug, Path, Name, Owner, Identity, ClientID, Digest string }
	if err := json.Unmarshal(plain, &rec); err != nil {
		return nil, err
	}
	switch kind {
	case ledger.Project, ledger.Tag, ledger.Organisation:
		return []string{rec.Slug}, nil
	case ledger.Environment, ledger.Role:
		return []string{rec.Project, rec.Slug}, nil
	case ledger.Folder, ledger.Original:
		return []string{rec.Path}, nil
	case ledger.Secret:
		return found(rec.Path, rec.Name, rec.Owner), nil
	case ledger.UniversalKey:
		return []string{rec.ClientID}, nil
	case ledger.ClientSecret:
		return []string{rec.Identity, rec.Digest}, nil
	case ledger.Membership:
		return []string{rec.Project, rec.Identity}, nil
	case ledger.ServiceToken:
		return []string{rec.Digest}, nil
	}
	return nil, fmt.Errorf("records of kind %d cannot be sealed anew", kind)
}
