package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// columns of the tables, for Copy.
var columns = map[string]int{"meta": 2, "record": 6, "history": 5, "attachment": 3}

// Copy makes a database in dir with the same rows. While it does, nobody can
// write; during runs in that time, to copy what belongs to it.
func (db *DB) Copy(ctx context.Context, dir string, during func() error) (err error) {
	to, err := Create(ctx, dir)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := to.Close(); err == nil {
			err = cerr
		}
		if err == nil {
			err = syncPath(filepath.Join(dir, FileName))
		}
	}()
	return db.Update(ctx, func(from *Tx) error {
		if err := during(); err != nil {
			return err
		}
		return to.Update(ctx, func(tx *Tx) error {
			for table, n := range columns {
				if err := copyTable(from, tx, table, n); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func copyTable(from, to *Tx, table string, n int) error {
	rows, err := from.tx.QueryContext(from.ctx, "SELECT * FROM "+table)
	if err != nil {
		return explain(from.path, err)
	}
	defer rows.Close()
	values, into := make([]any, n), make([]any, n)
	for i := range values {
		into[i] = &values[i]
	}
	insert := "INSERT INTO " + table + " VALUES(" + strings.TrimSuffix(strings.Repeat("?,", n), ",") + ")"
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("%w: %s: a row does not read", ErrDamaged, from.path)
		}
		if err := to.exec(insert, values...); err != nil {
			return err
		}
	}
	return explain(from.path, rows.Err())
}

func syncPath(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
