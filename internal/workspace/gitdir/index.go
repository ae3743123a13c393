package gitdir

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
)

// Index is git's index file, formats 2 to 4 (gitformat-index(5)).
type Index struct {
	b   []byte
	hex int

	Written int64 // when the file was, nanoseconds; 0 if that is not known
}

// IndexEntry is one file of an index. Path is good until the callback returns.
type IndexEntry struct {
	Path   []byte
	Mode   uint32
	Object []byte // raw, not hex
	Stage  int    // 0, or 1 to 3 in a conflict
	Times  FileTimes

	Intended bool // git add -N: the path is there, the content is not
	flags    int  // position of the flags in the file
}

// Modes of entries that are not files.
const (
	ModeLink   = 0o120000
	ModeModule = 0o160000 // a commit of another repository
)

var errIndex = errors.New("index is damaged or of an unknown format")

const assumeUnchanged = 0x80 // high byte of the flags

// NewIndex takes the bytes of an index; it is read by Each.
func NewIndex(b []byte, hex int) (*Index, error) {
	if len(b) < 12+hex/2 || string(b[:4]) != "DIRC" {
		return nil, errIndex
	}
	if v := binary.BigEndian.Uint32(b[4:]); v < 2 || v > 4 {
		return nil, errIndex
	}
	return &Index{b: b, hex: hex}, nil
}

// Bytes is the file.
func (x *Index) Bytes() []byte { return x.b }

// Each calls fn for every entry, in the order of the file.
func (x *Index) Each(fn func(IndexEntry)) error {
	version := binary.BigEndian.Uint32(x.b[4:])
	count := binary.BigEndian.Uint32(x.b[8:])
	body := x.b[:len(x.b)-x.hex/2]
	pos := 12
	var path []byte
	for range count {
		e, name, err := x.entry(body, pos)
		if err != nil {
			return err
		}
		if version == 4 {
			path, pos, err = suffix(body, name, path)
		} else {
			path, pos, err = padded(body, pos, name)
		}
		if err != nil {
			return err
		}
		e.Path = path
		fn(e)
	}
	return nil
}

// entry reads the part of fixed size at pos; name is where the path begins.
func (x *Index) entry(body []byte, pos int) (e IndexEntry, name int, err error) {
	oid := pos + 40
	flags := oid + x.hex/2
	if flags+4 > len(body) {
		return e, 0, errIndex
	}
	e = IndexEntry{Mode: binary.BigEndian.Uint32(body[pos+24:]), Object: body[oid:flags], Times: timesOf(body[pos:]), flags: flags}
	f := binary.BigEndian.Uint16(body[flags:])
	e.Stage = int(f >> 12 & 3)
	name = flags + 2
	if f&0x4000 != 0 { // extended flags follow
		e.Intended = body[name]&0x20 != 0
		name += 2
	}
	return e, name, nil
}

// padded paths end at a NUL and fill up to eight bytes from the entry's start.
func padded(body []byte, start, name int) (path []byte, next int, err error) {
	n := -1
	if name < len(body) {
		n = bytes.IndexByte(body[name:], 0)
	}
	if n < 0 {
		return nil, 0, errIndex
	}
	size := name + n - start
	next = start + size + 8 - size%8
	if next > len(body) {
		return nil, 0, errIndex
	}
	return body[name : name+n], next, nil
}

// suffix paths say how much of the previous one to drop and what to add.
func suffix(body []byte, pos int, prev []byte) (path []byte, next int, err error) {
	drop := 0
	for i := 0; ; i++ {
		if pos >= len(body) || i > 4 {
			return nil, 0, errIndex
		}
		c := body[pos]
		pos++
		drop |= int(c & 0x7f)
		if c&0x80 == 0 {
			break
		}
		drop = (drop + 1) << 7
	}
	n := bytes.IndexByte(body[pos:], 0)
	if n < 0 || drop > len(prev) || len(prev)-drop+n > 1<<16 {
		return nil, 0, errIndex
	}
	path = append(prev[:len(prev)-drop:len(prev)-drop], body[pos:pos+n]...)
	return path, pos + n + 1, nil
}

// AssumeUnchanged returns the index with the given paths marked so that git
// does not compare them with the working tree: a sandbox shows other bytes
// there, which must neither look like a change nor be committed.
func (x *Index) AssumeUnchanged(paths map[string]bool) ([]byte, error) {
	var at []int
	err := x.Each(func(e IndexEntry) {
		if paths[string(e.Path)] {
			at = append(at, e.flags)
		}
	})
	if err != nil || len(at) == 0 {
		return x.b, err
	}
	out := bytes.Clone(x.b)
	for _, i := range at {
		out[i] |= assumeUnchanged
	}
	end := len(out) - x.hex/2
	if bytes.Count(out[end:], []byte{0}) == x.hex/2 { // index.skipHash
		return out, nil
	}
	h := newHash(x.hex)
	h.Write(out[:end])
	return h.Sum(out[:end]), nil
}

func newHash(hex int) hash.Hash {
	if hex == 64 {
		return sha256.New()
	}
	return sha1.New() // git's own checksum, not a protection
}

// Clean reports whether the entry says of its file what the file system says
// of it now: then the file holds Object, as git itself concludes, unless a
// filter lies between (gitattributes(5)). written is when the index was; an
// entry as new as that proves nothing (git's Documentation/technical/racy-git).
func (e IndexEntry) Clean(st FileTimes, written int64) bool {
	return e.Stage == 0 && !e.Intended && e.Times == st && st.Modified < written
}

// FileTimes is what an index remembers of a file; numbers are cut to 32 bits.
type FileTimes struct {
	Modified, Changed int64 // nanoseconds
	Ino, Size         uint32
}

func timesOf(b []byte) FileTimes {
	be := binary.BigEndian
	at := func(i int) int64 { return int64(be.Uint32(b[i:]))*1e9 + int64(be.Uint32(b[i+4:])) }
	return FileTimes{Changed: at(0), Modified: at(8), Ino: be.Uint32(b[20:]), Size: be.Uint32(b[36:])}
}
