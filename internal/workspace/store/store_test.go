package store

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, s *Store, content []byte) Object {
	t.Helper()
	name := filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(name, content, 0o600))
	f, err := os.Open(name)
	must(t, err)
	defer f.Close()
	o, err := s.Add(f, int64(len(content)))
	must(t, err)
	return o
}

func read(s *Store, o Object) ([]byte, error) {
	r, err := s.Read(o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestWhatIsReadIsWhatWasKept(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, "one")
	must(t, err)
	contents := [][]byte{{}, []byte("small"), bytes.Repeat([]byte("large"), alone), []byte("small"), bytes.Repeat([]byte{0}, alone)}
	var objects []Object
	for _, c := range contents {
		objects = append(objects, add(t, s, c))
	}
	must(t, s.Flush())
	for i, o := range objects {
		if b, err := read(s, o); err != nil || !bytes.Equal(b, contents[i]) {
			t.Errorf("%d: %d bytes, %v", i, len(b), err)
		}
	}
	if objects[1] != objects[3] {
		t.Error("the same content is kept twice")
	}
	for _, o := range objects[1:] { // any flipped byte is noticed
		name := filepath.Join(dir, o.File())
		b, err := os.ReadFile(name)
		must(t, err)
		b[0] ^= 1
		must(t, os.WriteFile(name, b, 0o600))
		if _, err := read(s, o); err == nil {
			t.Errorf("%s: damage was not noticed", o)
		}
		b[0] ^= 1
		must(t, os.WriteFile(name, b, 0o600))
	}
	for _, bad := range []Object{"", "../x", "/etc/passwd", "one/0/5", "one/x/y/" + objects[2]} {
		if _, err := read(s, bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	must(t, s.Close())
}

func TestAFileThatChangesIsNotKept(t *testing.T) {
	s, err := Open(t.TempDir(), "one")
	must(t, err)
	defer s.Close()
	name := filepath.Join(t.TempDir(), "f")
	for _, size := range []int64{10, 2 * alone} {
		must(t, os.WriteFile(name, make([]byte, size), 0o600))
		for _, believed := range []int64{size - 1, size + 1} {
			f, err := os.Open(name)
			must(t, err)
			if _, err := s.Add(f, believed); !errors.Is(err, ErrChanged) {
				t.Errorf("%d bytes for %d: %v", size, believed, err)
			}
			f.Close()
		}
	}
}

func TestCollectLeavesWhatIsUsed(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, "one")
	must(t, err)
	kept, lost := add(t, s, make([]byte, alone)), add(t, s, make([]byte, alone+1))
	must(t, s.Remember(map[Identity]Object{{Ino: 1}: kept, {Ino: 2}: lost}))
	other, err := Open(dir, "two")
	must(t, err)
	list := func() (map[string]bool, error) { return map[string]bool{kept.File(): true}, nil }
	if err := s.Collect(list); !errors.Is(err, ErrBusy) {
		t.Errorf("collected while somebody keeps: %v", err)
	}
	must(t, other.Close())
	must(t, s.Collect(list))
	if _, err := read(s, kept); err != nil {
		t.Error(err)
	}
	if _, err := read(s, lost); err == nil {
		t.Error("what nobody uses is still there")
	}
	if len(s.Known()) != 0 {
		t.Error("what is gone is still known")
	}
	must(t, s.Close())
}
