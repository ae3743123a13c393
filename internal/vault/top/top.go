// Package top reads and writes records of the vault's top scope by their ids.
//
// It does not know what they mean and keeps none in memory. Its invariant: what
// is not there is an error that names it.
package top

import (
	"slices"

	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// MaxName bounds names of identities, roles and the like.
const MaxName = 255

// Missing is the error of what is not there.
func Missing(what, id string) error {
	return fault.New(fault.ErrMissing, "%s with ID %s not found", what, id)
}

// Get reads a record of the top scope by its id.
func Get[T any](w *tree.Reader, kind ledger.Kind, id, what string) (rec T, uuid ledger.UUID, err error) {
	uuid, ok := ledger.ParseID(vault.ID(id))
	row, there := w.Top().Row(kind, uuid)
	if !ok || !there {
		return rec, uuid, Missing(what, id)
	}
	rec, err = ledger.Read[T](w.Top(), row)
	return rec, uuid, err
}

// Each calls fn with every record of a kind, which may change them.
func Each[T any](w *tree.Reader, kind ledger.Kind, fn func(id ledger.UUID, rec T) error) error {
	for _, row := range slices.Collect(w.Top().Each(kind)) {
		rec, err := ledger.Read[T](w.Top(), row)
		if err != nil {
			return err
		}
		if err := fn(row.ID, rec); err != nil {
			return err
		}
	}
	return nil
}

// Put writes a record that is found by name, or by its id only.
func Put(w *tree.Writer, kind ledger.Kind, id ledger.UUID, rec any, name ...string) error {
	_, err := w.Ledger().Put(w.Top(), kind, id, rec, name...)
	return err
}

// Remove removes the record if it is there.
func Remove(w *tree.Writer, kind ledger.Kind, id ledger.UUID) error {
	row, ok := w.Top().Row(kind, id)
	if !ok {
		return nil
	}
	return w.Ledger().Remove(w.Top(), row)
}

// ValidName refuses a name that is empty or too long.
func ValidName(what, s string) error {
	if s == "" || len(s) > MaxName {
		return fault.New(fault.ErrInvalid, "the name of a %s has 1 to %d bytes", what, MaxName)
	}
	return nil
}
