// Package store keeps the content of files of one project, so that a session
// can be undone: each content once, named by its SHA-256.
//
// It decides nothing about what is kept and knows no session. Its invariant:
// what Open returns is byte for byte what Add was given, or an error; an
// object, once returned by Add, is never changed.
package store

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/bailey-project/bailey/internal/safefs"
)

// Object names a content: PACK/OFFSET/SIZE/SHA256 for one among others in a
// pack, SHA256 alone for one in a file of its own.
type Object string

// alone is the size, bytes, from which a content gets a file of its own: that
// one can share its blocks with the original, where the file system allows it.
const alone = 256 << 10

// ErrChanged: the file was written to while it was read.
var ErrChanged = errors.New("changed while it was being kept")

// Store is one project's, from Open to Close. One goroutine uses it.
type Store struct {
	dir  string
	lock *os.File // shared while the store is open, alone while it is collected
	pack string   // name of the pack that this run writes
	out  *os.File
	buf  *bufio.Writer
	at   int64
	have map[[sha256.Size]byte]Object // known before, or added
}

// Open makes dir when it is missing. name is the pack's, new for each run.
func Open(dir, name string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_SH); err != nil {
		lock.Close()
		return nil, err
	}
	return &Store{dir: dir, lock: lock, pack: name, have: map[[sha256.Size]byte]Object{}}, nil
}

// Know makes Add reuse an object that an earlier run made.
func (s *Store) Know(o Object) {
	if sum, ok := o.sum(); ok {
		s.have[sum] = o
	}
}

// Add keeps what f holds, size bytes of it.
func (s *Store) Add(f *os.File, size int64) (Object, error) {
	if size >= alone {
		return s.addAlone(f, size)
	}
	b, err := io.ReadAll(io.LimitReader(f, size+1))
	if err != nil {
		return "", err
	}
	if int64(len(b)) != size {
		return "", ErrChanged
	}
	sum := sha256.Sum256(b)
	if o, ok := s.have[sum]; ok {
		return o, nil
	}
	if err := s.openPack(); err != nil {
		return "", err
	}
	if _, err := s.buf.Write(b); err != nil {
		return "", err
	}
	o := Object(fmt.Sprintf("%s/%d/%d/%x", s.pack, s.at, size, sum))
	s.at += size
	s.have[sum] = o
	return o, nil
}

func (s *Store) openPack() error {
	if s.out != nil {
		return nil
	}
	var err error
	if s.out, err = os.OpenFile(filepath.Join(s.dir, s.pack), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
		return err
	}
	s.buf = bufio.NewWriterSize(s.out, 1<<20)
	return nil
}

func (s *Store) addAlone(f *os.File, size int64) (Object, error) {
	tmp, err := os.CreateTemp(s.dir, "new-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	h := sha256.New()
	n := int64(0)
	if safefs.Clone(tmp, f) { // what is hashed is the copy, so nothing can change in between
		n, err = io.Copy(h, tmp)
	} else {
		n, err = io.Copy(io.MultiWriter(tmp, h), io.LimitReader(f, size+1))
	}
	if err != nil {
		return "", err
	}
	if n != size {
		return "", ErrChanged
	}
	o := Object(hex.EncodeToString(h.Sum(nil)))
	return o, os.Rename(tmp.Name(), filepath.Join(s.dir, string(o)))
}

// Close ends the run. Whatever names the objects that were added must be
// written before, or a collection may not see it.
func (s *Store) Close() error { return errors.Join(s.Flush(), s.lock.Close()) }

// Flush makes what was added readable by others.
func (s *Store) Flush() error {
	if s.out == nil {
		return nil
	}
	err := errors.Join(s.buf.Flush(), s.out.Close())
	s.out = nil
	return err
}

func (o Object) sum() (sum [sha256.Size]byte, ok bool) {
	text := string(o)[strings.LastIndexByte(string(o), '/')+1:]
	b, err := hex.DecodeString(text)
	return [sha256.Size]byte(append(b, make([]byte, sha256.Size)...)), err == nil && len(b) == sha256.Size
}

// File is the file below the store's directory that an object lies in.
func (o Object) File() string {
	name, _, _ := strings.Cut(string(o), "/")
	return name
}

// Read returns a kept content; reading it to its end also checks it.
func (s *Store) Read(o Object) (io.ReadCloser, error) {
	sum, ok := o.sum()
	if !ok || !filepath.IsLocal(o.File()) {
		return nil, fmt.Errorf("%q names no object", o)
	}
	f, err := os.Open(filepath.Join(s.dir, o.File()))
	if err != nil {
		return nil, err
	}
	part := io.Reader(f)
	if words := strings.Split(string(o), "/"); len(words) == 4 {
		at, err1 := strconv.ParseInt(words[1], 10, 64)
		size, err2 := strconv.ParseInt(words[2], 10, 64)
		if err1 != nil || err2 != nil {
			f.Close()
			return nil, fmt.Errorf("%q names no object", o)
		}
		part = io.NewSectionReader(f, at, size)
	}
	return &checked{part, f, sha256.New(), sum}, nil
}

// checked is an error at the end instead of io.EOF when the content is not
// what its name says.
type checked struct {
	io.Reader
	f   *os.File
	h   hash.Hash
	sum [sha256.Size]byte
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.h.Write(p[:n])
	if errors.Is(err, io.EOF) && !bytes.Equal(c.h.Sum(nil), c.sum[:]) {
		return n, errors.New("the kept content is damaged")
	}
	return n, err
}

func (c *checked) Close() error { return c.f.Close() }
