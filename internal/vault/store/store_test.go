package store

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

func create(t *testing.T, dir string) *DB {
	t.Helper()
	db, err := Create(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func row(n byte) Row {
	return Row{Kind: 5, ID: ID{n}, Version: uint64(n), Lookup: [32]byte{n, n}, Sealed: bytes.Repeat([]byte{n}, 100)}
}

func update(t *testing.T, db *DB, fn func(*Tx) error) {
	t.Helper()
	if err := db.Update(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestRows(t *testing.T) {
	dir := t.TempDir()
	db := create(t, dir)
	a, b := ID{1}, ID{2}
	update(t, db, func(tx *Tx) error {
		return errors.Join(tx.Put(a, row(2)), tx.Put(a, row(1)), tx.Put(b, row(9)),
			tx.PutHistory(a, row(1)), tx.PutAttachment(a, ID{7}, []byte("x")), tx.SetMeta("k", []byte("v")))
	})
	changed := row(2)
	changed.Version, changed.Sealed = 3, []byte("new")
	update(t, db, func(tx *Tx) error {
		return errors.Join(tx.Put(a, changed), tx.SetMeta("k", []byte("w")), tx.PutAttachment(a, ID{7}, []byte("y")))
	})
	look := func(db *DB) {
		t.Helper()
		err := db.View(t.Context(), func(tx *Tx) error {
			rows, err := tx.Rows(a)
			if err != nil || !reflect.DeepEqual(rows, []Row{row(1), changed}) {
				t.Errorf("rows %v, %v", rows, err)
			}
			old, err := tx.History(a, ID{1})
			want := row(1)
			want.Kind = 0
			if err != nil || !reflect.DeepEqual(old, []Row{want}) {
				t.Errorf("history %v, %v", old, err)
			}
			if v, err := tx.Meta("k"); err != nil || string(v) != "w" {
				t.Errorf("meta %q, %v", v, err)
			}
			if v, err := tx.Meta("none"); err != nil || v != nil {
				t.Errorf("meta %q, %v", v, err)
			}
			if v, err := tx.Attachment(a, ID{7}); err != nil || string(v) != "y" {
				t.Errorf("attachment %q, %v", v, err)
			}
			if c, err := tx.Count(); err != nil || c != (Counts{3, 1, 1}) {
				t.Errorf("counts %+v, %v", c, err)
			}
			if n, err := tx.CountKind(5); err != nil || n != 3 {
				t.Errorf("of kind 5: %d, %v", n, err)
			}
			return tx.Check()
		})
		if err != nil {
			t.Error(err)
		}
	}
	look(db)
	db.Close()
	again, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	look(again)
	update(t, again, func(tx *Tx) error {
		return errors.Join(tx.Remove(a, 5, ID{1}), tx.Remove(a, 5, ID{2}), tx.SetMeta("k", nil), tx.PutAttachment(a, ID{7}, nil))
	})
	_ = again.View(t.Context(), func(tx *Tx) error {
		if c, err := tx.Count(); err != nil || c != (Counts{1, 1, 0}) {
			t.Errorf("after removing: %+v, %v", c, err)
		}
		return nil
	})
}

func TestRollback(t *testing.T) {
	db := create(t, t.TempDir())
	stop := errors.New("stop")
	if err := db.Update(t.Context(), func(tx *Tx) error { return errors.Join(tx.Put(ID{}, row(1)), stop) }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := db.Update(ctx, func(tx *Tx) error { defer cancel(); return tx.Put(ID{}, row(2)) })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
	_ = db.View(t.Context(), func(tx *Tx) error {
		if c, err := tx.Count(); err != nil || c.Records != 0 {
			t.Errorf("%+v, %v", c, err)
		}
		return nil
	})
}

// TestTwoProcesses: two handles share one database, as two processes do.
func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	one := create(t, dir)
	two, err := Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	waiting := make(chan error)
	update(t, one, func(tx *Tx) error {
		go func() {
			waiting <- two.Update(t.Context(), func(tx *Tx) error { return tx.Put(ID{}, row(2)) })
		}()
		select {
		case err := <-waiting:
			t.Errorf("the second writer did not wait: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
		return tx.Put(ID{}, row(1))
	})
	if err := <-waiting; err != nil {
		t.Fatal(err)
	}
	for _, db := range []*DB{one, two} {
		_ = db.View(t.Context(), func(tx *Tx) error {
			if c, err := tx.Count(); err != nil || c.Records != 2 {
				t.Errorf("%+v, %v", c, err)
			}
			return nil
		})
	}
}

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c#d%20e;f")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), dir); !errors.Is(err, ErrMissing) {
		t.Errorf("nothing there: %v", err)
	}
	db := create(t, dir)
	update(t, db, func(tx *Tx) error { return tx.Put(ID{}, row(1)) })
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("%d files, want the database, -wal and -shm: %v", len(entries), err)
	}
	for _, e := range entries {
		if st, err := e.Info(); err != nil || st.Mode() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), st.Mode(), err)
		}
	}
	if _, err := Create(t.Context(), dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("created twice: %v", err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, _ = os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("after Close: %v", entries)
	}
}

// TestDamaged: what is not a whole database of ours is refused and left as it is.
func TestDamaged(t *testing.T) {
	good := t.TempDir()
	db := create(t, good)
	update(t, db, func(tx *Tx) error {
		for i := range byte(200) {
			if err := tx.Put(ID{}, row(i)); err != nil {
				return err
			}
		}
		return nil
	})
	db.Close()
	whole, err := os.ReadFile(filepath.Join(good, FileName))
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]byte{
		"empty":       {},
		"half":        whole[:len(whole)/2],
		"one page":    whole[:4096],
		"one byte":    whole[:1],
		"other text":  bytes.Repeat([]byte("hello "), 1000),
		"zeroes":      make([]byte, len(whole)),
		"header gone": append(make([]byte, 100), whole[100:]...),
	}
	for name, b := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, FileName)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			db, err := Open(t.Context(), dir)
			if err == nil {
				err = db.View(t.Context(), func(tx *Tx) error { return tx.Check() })
				db.Close()
			}
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("got %v", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(after, b) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestForeignSchema(t *testing.T) {
	dir := t.TempDir()
	db := create(t, dir)
	update(t, db, func(tx *Tx) error {
		return tx.exec("CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM history; END")
	})
	db.Close()
	if _, err := Open(t.Context(), dir); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

// TestReplaced: nothing is written to a file that is no longer the database.
func TestReplaced(t *testing.T) {
	for name, edit := range map[string]func(path string) error{
		"removed": os.Remove,
		"replaced": func(path string) error {
			b, err := os.ReadFile(path)
			return errors.Join(err, os.WriteFile(path+".copy", b, 0o600), os.Rename(path+".copy", path))
		},
	} {
		dir := t.TempDir()
		db := create(t, dir)
		update(t, db, func(tx *Tx) error { return tx.Put(ID{}, row(1)) })
		if err := edit(filepath.Join(dir, FileName)); err != nil {
			t.Fatal(err)
		}
		if err := db.Update(t.Context(), func(tx *Tx) error { return tx.Put(ID{}, row(2)) }); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: update gave %v", name, err)
		}
		if err := db.View(t.Context(), func(tx *Tx) error { return nil }); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: view gave %v", name, err)
		}
	}
}
