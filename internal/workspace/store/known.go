package store

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Identity is what tells an unchanged file without reading it.
type Identity struct {
	Ino                     uint64
	Size, Modified, Changed int64
}

// known is the file that remembers which object a file's content is. It only
// saves work: without it, everything is read again.
const known = "known"

const record = 4*8 + 2 // and the name of the object

// maxKnown bounds it, bytes.
const maxKnown = 256 << 20

// Known reads what Remember wrote; nothing, if it is missing or damaged.
func (s *Store) Known() map[Identity]Object {
	all := map[Identity]Object{}
	name := filepath.Join(s.dir, known)
	if info, err := os.Stat(name); err != nil || info.Size() > maxKnown {
		return all
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return all
	}
	le, files := binary.LittleEndian, map[string]bool{}
	for len(b) >= record {
		id := Identity{le.Uint64(b), int64(le.Uint64(b[8:])), int64(le.Uint64(b[16:])), int64(le.Uint64(b[24:]))}
		n := int(le.Uint16(b[32:]))
		if len(b) < record+n {
			break
		}
		if o := Object(b[record : record+n]); s.there(o, files) {
			all[id] = o
		}
		b = b[record+n:]
	}
	return all
}

// there says whether the file of an object exists; seen remembers the answers.
func (s *Store) there(o Object, seen map[string]bool) bool {
	file := o.File()
	there, asked := seen[file]
	if !asked {
		_, err := os.Lstat(filepath.Join(s.dir, file))
		there = err == nil
		seen[file] = there
	}
	return there
}

// Remember writes all for the next run.
func (s *Store) Remember(all map[Identity]Object) error {
	var b []byte
	le := binary.LittleEndian
	for id, o := range all {
		b = le.AppendUint64(b, id.Ino)
		for _, n := range []int64{id.Size, id.Modified, id.Changed} {
			b = le.AppendUint64(b, uint64(n))
		}
		b = le.AppendUint16(b, uint16(len(o)))
		b = append(b, o...)
	}
	tmp := filepath.Join(s.dir, known+"-"+s.pack)
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(s.dir, known))
}

// ErrBusy: another process has the store open.
var ErrBusy = errors.New("the store is in use")

// Collect removes every file that is not in used. used is asked once nobody
// else has the store open.
func (s *Store) Collect(list func() (used map[string]bool, err error)) error {
	if err := syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return ErrBusy
	}
	used, err := list()
	if err != nil {
		return err
	}
	return s.remove(used)
}

func (s *Store) remove(used map[string]bool) error {
	list, err := os.ReadDir(s.dir)
	for _, e := range list {
		if !used[e.Name()] && e.Name() != known {
			err = errors.Join(err, os.Remove(filepath.Join(s.dir, e.Name())))
		}
	}
	// What it remembers may be gone.
	return errors.Join(err, remove(filepath.Join(s.dir, known)))
}

func remove(name string) error {
	err := os.Remove(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
