package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// schema of the database, one statement per table. Blobs are sealed, ids are
// random, kinds and versions are numbers: there is nothing else.
var schema = []string{
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
	"CREATE TABLE record(scope BLOB NOT NULL, kind INTEGER NOT NULL, id BLOB NOT NULL, version INTEGER NOT NULL, lookup BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY(scope, kind, id)) WITHOUT ROWID",
	"CREATE TABLE history(scope BLOB NOT NULL, id BLOB NOT NULL, version INTEGER NOT NULL, lookup BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY(scope, id, version)) WITHOUT ROWID",
	"CREATE TABLE attachment(scope BLOB NOT NULL, id BLOB NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY(scope, id)) WITHOUT ROWID",
}

// ID is a UUID in binary.
type ID = [16]byte

// Row is one sealed record.
type Row struct {
	Kind    byte
	ID      ID
	Version uint64
	Lookup  [32]byte
	Sealed  []byte
}

// Tx is a transaction, valid within the function it was given to.
type Tx struct {
	ctx  context.Context
	tx   *sql.Tx
	hot  map[string]*sql.Stmt
	path string
}

// Statements that are asked over and over, see side.
const (
	getMeta       = "SELECT value FROM meta WHERE key = ?"
	putRecord     = "INSERT INTO record VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET version = excluded.version, lookup = excluded.lookup, sealed = excluded.sealed"
	putHistory    = "INSERT INTO history VALUES(?, ?, ?, ?, ?)"
	putAttachment = "INSERT INTO attachment VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET sealed = excluded.sealed"
)

func (t *Tx) exec(query string, args ...any) (err error) {
	if st := t.hot[query]; st != nil {
		_, err = t.tx.StmtContext(t.ctx, st).ExecContext(t.ctx, args...)
	} else {
		_, err = t.tx.ExecContext(t.ctx, query, args...)
	}
	return explain(t.path, err)
}

// blob returns one blob, nil when there is none.
func (t *Tx) blob(query string, args ...any) ([]byte, error) {
	var b []byte
	row := func() *sql.Row { return t.tx.QueryRowContext(t.ctx, query, args...) }
	if st := t.hot[query]; st != nil {
		row = func() *sql.Row { return t.tx.StmtContext(t.ctx, st).QueryRowContext(t.ctx, args...) }
	}
	err := row().Scan(&b)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return b, explain(t.path, err)
}

// Meta returns a value by its key, nil when there is none.
func (t *Tx) Meta(key string) ([]byte, error) {
	return t.blob(getMeta, key)
}

// SetMeta sets a value; nil removes it.
func (t *Tx) SetMeta(key string, value []byte) error {
	if value == nil {
		return t.exec("DELETE FROM meta WHERE key = ?", key)
	}
	return t.exec("INSERT INTO meta VALUES(?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", key, value)
}

// Rows returns the records of a scope by kind and id.
func (t *Tx) Rows(scope ID) ([]Row, error) {
	return t.rows("SELECT kind, id, version, lookup, sealed FROM record WHERE scope = ? ORDER BY kind, id", scope[:])
}

// History returns the earlier versions of a record, oldest first.
func (t *Tx) History(scope, id ID) ([]Row, error) {
	return t.rows("SELECT 0, id, version, lookup, sealed FROM history WHERE scope = ? AND id = ? ORDER BY version", scope[:], id[:])
}

func (t *Tx) rows(query string, args ...any) ([]Row, error) {
	rows, err := t.tx.QueryContext(t.ctx, query, args...)
	if err != nil {
		return nil, explain(t.path, err)
	}
	defer rows.Close()
	var out []Row
	var id, lookup, sealed sql.RawBytes
	for rows.Next() {
		var r Row
		if err := rows.Scan(&r.Kind, &id, &r.Version, &lookup, &sealed); err != nil {
			return nil, fmt.Errorf("%w: %s: a row has a column of the wrong type", ErrDamaged, t.path)
		}
		if copy(r.ID[:], id) != len(id) || copy(r.Lookup[:], lookup) != len(lookup) {
			return nil, fmt.Errorf("%w: %s: a row has a column of the wrong length", ErrDamaged, t.path)
		}
		r.Sealed = slices.Clone([]byte(sealed))
		out = append(out, r)
	}
	return out, explain(t.path, rows.Err())
}

// Put sets a record.
func (t *Tx) Put(scope ID, r Row) error {
	return t.exec(putRecord, scope[:], r.Kind, r.ID[:], r.Version, r.Lookup[:], r.Sealed)
}

// Remove removes a record.
func (t *Tx) Remove(scope ID, kind byte, id ID) error {
	return t.exec("DELETE FROM record WHERE scope = ? AND kind = ? AND id = ?", scope[:], kind, id[:])
}

// PutHistory keeps an earlier version of a record.
func (t *Tx) PutHistory(scope ID, r Row) error {
	return t.exec(putHistory, scope[:], r.ID[:], r.Version, r.Lookup[:], r.Sealed)
}

// ReplaceHistory replaces an earlier version of a record by the same one
// sealed anew.
func (t *Tx) ReplaceHistory(scope ID, r Row) error {
	return t.exec("UPDATE history SET lookup = ?, sealed = ? WHERE scope = ? AND id = ? AND version = ?", r.Lookup[:], r.Sealed, scope[:], r.ID[:], r.Version)
}

// Attachment returns the sealed bytes kept beside a record, nil when there are none.
func (t *Tx) Attachment(scope, id ID) ([]byte, error) {
	return t.blob("SELECT sealed FROM attachment WHERE scope = ? AND id = ?", scope[:], id[:])
}

// PutAttachment sets the sealed bytes beside a record; nil removes them.
func (t *Tx) PutAttachment(scope, id ID, sealed []byte) error {
	if sealed == nil {
		return t.exec("DELETE FROM attachment WHERE scope = ? AND id = ?", scope[:], id[:])
	}
	return t.exec(putAttachment, scope[:], id[:], sealed)
}

// Counts is how many rows the tables have.
type Counts struct{ Records, History, Attachments int }

// Count counts all rows.
func (t *Tx) Count() (c Counts, err error) {
	err = t.tx.QueryRowContext(t.ctx, "SELECT (SELECT count(*) FROM record), (SELECT count(*) FROM history), (SELECT count(*) FROM attachment)").
		Scan(&c.Records, &c.History, &c.Attachments)
	return c, explain(t.path, err)
}

// CountKind counts the records of one kind.
func (t *Tx) CountKind(kind byte) (n int, err error) {
	err = t.tx.QueryRowContext(t.ctx, "SELECT count(*) FROM record WHERE kind = ?", kind).Scan(&n)
	return n, explain(t.path, err)
}

// Check has SQLite read the whole database.
func (t *Tx) Check() error {
	var first string
	if err := t.tx.QueryRowContext(t.ctx, "PRAGMA integrity_check(1)").Scan(&first); err != nil {
		return explain(t.path, err)
	}
	if first != "ok" {
		return fmt.Errorf("%w: %s: %s", ErrDamaged, t.path, first)
	}
	return nil
}

// checkSchema refuses triggers, views and tables that are not ours.
func (t *Tx) checkSchema() error {
	rows, err := t.tx.QueryContext(t.ctx, "SELECT sql FROM sqlite_schema ORDER BY rowid")
	if err != nil {
		return explain(t.path, err)
	}
	defer rows.Close()
	var got []string
	for rows.Next() {
		var s sql.NullString
		if err := rows.Scan(&s); err != nil {
			return explain(t.path, err)
		}
		got = append(got, s.String)
	}
	if err := rows.Err(); err != nil {
		return explain(t.path, err)
	}
	if !slices.Equal(got, schema) {
		return fmt.Errorf("%w: %s: its tables are not those of a vault", ErrDamaged, t.path)
	}
	return nil
}
