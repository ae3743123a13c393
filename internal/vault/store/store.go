// Package store keeps the vault's rows in SQLite.
//
// It is not trusted: rows are sealed before they come here, and the vault
// checks that those it gets back are the ones it wrote. It knows nothing of
// what they mean. Its invariants: Open and View change nothing on disk but
// SQLite's own -wal and -shm files; an Update is on disk when it returns nil,
// or has not happened.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// FileName of the database within the vault's directory.
const FileName = "vault.db"

// Errors found with errors.Is.
var (
	ErrMissing = errors.New("no database")         // the file is not there
	ErrDamaged = errors.New("database is damaged") // it is not what SQLite wrote, or not ours
	ErrBusy    = errors.New("database is busy")    // another process held it too long
)

// busyTimeout is how long a transaction waits for those of other processes.
const busyTimeout = "15000" // ms

// DB is an open database. It is safe for concurrent use, also by several
// processes.
type DB struct {
	path   string
	file   fs.FileInfo // of path when it was opened
	reader *side

	mu     sync.Mutex
	writer *side // opened by the first Update
}

// side is the one connection for reading, or for writing.
type side struct {
	*sql.DB
	once sync.Once
	hot  map[string]*sql.Stmt // what is asked over and over is parsed once
}

// warm prepares the statements of that side. One that cannot be is asked as it
// is, and says then what is wrong.
func (s *side) warm(ctx context.Context, queries []string) {
	s.once.Do(func() {
		s.hot = map[string]*sql.Stmt{}
		for _, q := range queries {
			if st, err := s.PrepareContext(ctx, q); err == nil {
				s.hot[q] = st
			}
		}
	})
}

// Create makes an empty database in dir, which must not have one.
func Create(ctx context.Context, dir string) (*DB, error) {
	path := filepath.Join(dir, FileName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // SQLite's other files take its mode
	if err != nil {
		return nil, err
	}
	f.Close()
	w, err := connect(path, "rw")
	if err != nil {
		return nil, err
	}
	if _, err := w.ExecContext(ctx, "PRAGMA journal_mode = wal"); err != nil {
		w.Close()
		return nil, explain(path, err)
	}
	for _, s := range schema {
		if _, err := w.ExecContext(ctx, s); err != nil {
			w.Close()
			return nil, explain(path, err)
		}
	}
	st, err := os.Stat(path)
	if err != nil {
		w.Close()
		return nil, err
	}
	r, err := connect(path, "ro")
	if err != nil {
		w.Close()
		return nil, err
	}
	return &DB{path: path, file: st, reader: r, writer: w}, nil
}

// Open opens the database in dir and checks that it is whole as far as SQLite
// can tell quickly, and that its schema is ours.
func Open(ctx context.Context, dir string) (*DB, error) {
	path := filepath.Join(dir, FileName)
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w at %s", ErrMissing, path)
	} else if err != nil {
		return nil, err
	}
	if st.Size() == 0 {
		return nil, fmt.Errorf("%w: %s is empty", ErrDamaged, path)
	}
	r, err := connect(path, "ro")
	if err != nil {
		return nil, err
	}
	db := &DB{path: path, file: st, reader: r}
	if err := db.View(ctx, func(tx *Tx) error { return tx.checkSchema() }); err != nil {
		r.Close()
		return nil, err
	}
	return db, nil
}

func connect(path, mode string) (*side, error) {
	q := url.Values{"mode": {mode}, "_txlock": {"immediate"}, "_pragma": {
		"busy_timeout(" + busyTimeout + ")",
		"synchronous(full)",   // an acknowledged commit survives a power failure
		"temp_store(memory)",  // nothing outside the vault's directory
		"secure_delete(on)",   // what is removed is overwritten
		"cell_size_check(on)", // find damage early
		"trusted_schema(off)", // a planted schema calls nothing
		"cache_size(-512)",    // KiB; what is read often is kept above
		"mmap_size(0)",        // a truncated file is an error, not a SIGBUS
		"journal_size_limit(1048576)",
	}}
	if mode == "ro" {
		q.Set("_txlock", "deferred")
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &side{DB: db}, nil
}

// Path is the file of the database.
func (db *DB) Path() string { return db.path }

// View runs fn on a snapshot. It is short, and is not stopped when ctx ends
// meanwhile: to be told of that costs more than most views.
func (db *DB) View(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	db.reader.warm(ctx, []string{getMeta})
	return db.run(context.WithoutCancel(ctx), db.reader, fn)
}

// Update runs fn alone among all processes and commits what it did, unless it
// returns an error.
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	db.mu.Lock()
	if db.writer == nil {
		w, err := connect(db.path, "rw")
		if err != nil {
			db.mu.Unlock()
			return err
		}
		db.writer = w
	}
	db.mu.Unlock()
	db.writer.warm(ctx, []string{getMeta, putRecord, putHistory, putAttachment})
	return db.run(ctx, db.writer, fn)
}

func (db *DB) run(ctx context.Context, conn *side, fn func(*Tx) error) error {
	// A file put in its place would not get what is written here.
	if st, err := os.Stat(db.path); err != nil || !os.SameFile(st, db.file) {
		return fmt.Errorf("%w: %s was replaced or removed while in use", ErrDamaged, db.path)
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return explain(db.path, err)
	}
	defer func() { _ = tx.Rollback() }() // nothing after a commit
	if err := fn(&Tx{ctx: ctx, tx: tx, hot: conn.hot, path: db.path}); err != nil {
		return err
	}
	if conn == db.reader {
		return nil
	}
	err = tx.Commit()
	if errors.Is(err, sql.ErrTxDone) && ctx.Err() != nil {
		return ctx.Err() // rolled back when the context ended
	}
	return explain(db.path, err)
}

// Close closes the database. The last process to do so merges the write-ahead
// log, if it has written.
func (db *DB) Close() error {
	err := db.reader.Close()
	db.mu.Lock()
	defer db.mu.Unlock()
	if db.writer != nil {
		err = errors.Join(err, db.writer.Close())
	}
	return explain(db.path, err)
}
