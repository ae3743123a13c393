// Package dotenv reads and writes the files that applications keep their
// settings in.
//
// The grammar is that of Node's dotenv, the most used one: export, comments,
// KEY=value and KEY: value, single, double and backtick quotes over several
// lines, CRLF and a byte order mark. Two things are added, as nearly every other
// reader has them: in double quotes \n \r \" \\ and \$ are escapes, and ${A},
// ${A:-default}, ${A-default} and $A mean another name of the same file, in
// double quotes and without quotes. It is not a shell: nothing is run, and the
// environment of the reader has no part in a value, so that the same bytes mean
// the same values everywhere.
//
// Its invariant: Parse(Format(x)) is x, and Replace changes no byte outside the
// values it is told to change. Errors name lines, never values.
package dotenv

import (
	"bytes"
	"errors"
	"fmt"
)

// MaxValue is the most bytes that a value may have once references are
// resolved: a short file can otherwise be made to need all memory.
const MaxValue = 1 << 20

// ErrEncoding: the file is not text in an encoding that extends ASCII.
var ErrEncoding = errors.New("not a UTF-8 text file")

// File is a parsed file together with its bytes.
type File struct {
	Entries []Entry // in file order; of several with one name the last counts
	src     []byte
}

// Entry is one assignment.
type Entry struct {
	Name  string
	Value []byte // unquoted, escapes and references resolved
	Start int    // the raw value, quotes included, is bytes[Start:End]
	End   int
	Line  int // of the name, from 1

	// Missing are names that the value refers to and the file does not
	// define; the reference stays in Value as it was written.
	Missing []string
	// Doubt says why another reader may see another value, "" if none would.
	Doubt string
	// Expanded is true when escapes or references make it another value than
	// Node's dotenv by itself reads, which knows \n and \r in double quotes
	// and nothing else.
	Expanded bool

	quote byte // ', " or `; 0 for a bare value
}

// Parse reads a file. Lines that are no assignment are passed over.
func Parse(b []byte) (*File, error) {
	if bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff}) {
		return nil, fmt.Errorf("%w: it is UTF-16", ErrEncoding)
	}
	if i := bytes.IndexByte(b, 0); i >= 0 {
		return nil, fmt.Errorf("line %d: %w: it has a NUL byte", 1+lines(b[:i]), ErrEncoding)
	}
	f := &File{src: b}
	s := scanner{b: b, line: 1}
	if bytes.HasPrefix(b, []byte("\ufeff")) {
		s.pos = len("\ufeff")
	}
	for s.pos < len(b) {
		if e, ok := s.assignment(); ok {
			f.Entries = append(f.Entries, e)
		}
		s.nextLine()
	}
	return f, f.expand()
}

// Get returns the value of a name, that is of its last assignment.
func (f *File) Get(name string) (value []byte, ok bool) {
	for i := len(f.Entries) - 1; i >= 0; i-- {
		if f.Entries[i].Name == name {
			return f.Entries[i].Value, true
		}
	}
	return nil, false
}

// Replace returns the file with the values that fn gives a new text for;
// everything else, comments and unknown lines included, stays byte by byte.
// A value left alone that refers to a replaced one changes with it.
func (f *File) Replace(fn func(name string, value []byte) (string, bool)) []byte {
	out := make([]byte, 0, len(f.src)+64)
	at := 0
	for _, e := range f.Entries {
		v, ok := fn(e.Name, e.Value)
		if !ok {
			continue
		}
		out = append(out, f.src[at:e.Start]...)
		out = appendValue(out, []byte(v), e.quote)
		at = e.End
	}
	return append(out, f.src[at:]...)
}

// lines counts line ends: LF, CRLF and a lone CR.
func lines(b []byte) int {
	n := bytes.Count(b, []byte("\n"))
	for i, c := range b {
		if c == '\r' && (i+1 == len(b) || b[i+1] != '\n') {
			n++
		}
	}
	return n
}
