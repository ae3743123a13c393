// Package coder turns structures into bytes and back with one function for
// both, which names the fields in order. The two ends are always the same
// build, so there are no versions; and nothing is looked up by reflection,
// which for a handful of messages costs a process more than all of them.
//
// Its invariant: what is read is bounded by the bytes that are there, and what
// was damaged is an error and never a panic.
package coder

import (
	"encoding/binary"
	"errors"
)

// ErrDamaged says that bytes are not what Write made.
var ErrDamaged = errors.New("damaged message")

// Coder writes to or reads from a message. What is written is not touched:
// others may be reading it.
type Coder struct {
	b       []byte // what was written, or what is still to be read
	reading bool
	failed  bool
}

// Write returns the message that code makes.
func Write(code func(*Coder)) []byte {
	c := &Coder{b: make([]byte, 0, 1024)}
	code(c)
	return c.b
}

// Read has code take a message apart, all of it.
func Read(b []byte, code func(*Coder)) error {
	c := &Coder{b: b, reading: true}
	code(c)
	if c.failed || len(c.b) > 0 {
		return ErrDamaged
	}
	return nil
}

// Int codes any whole number.
func Int[T ~int | ~int64 | ~uint8 | ~uint16 | ~uint32](c *Coder, p *T) {
	if !c.reading {
		c.b = binary.AppendVarint(c.b, int64(*p))
		return
	}
	n, size := binary.Varint(c.b)
	if size <= 0 || int64(T(n)) != n {
		c.fail()
		return
	}
	*p, c.b = T(n), c.b[size:]
}

// Flag codes a boolean.
func Flag(c *Coder, p *bool) {
	n := 0
	if *p {
		n = 1
	}
	if Int(c, &n); c.reading {
		*p = n == 1
	}
}

// Text codes a string.
func Text[T ~string](c *Coder, p *T) {
	b := []byte(*p)
	if Bytes(c, &b); c.reading {
		*p = T(b)
	}
}

// Bytes codes bytes; none and nil are one.
func Bytes(c *Coder, p *[]byte) {
	n := len(*p)
	c.length(&n)
	if !c.reading {
		c.b = append(c.b, *p...)
		return
	}
	if *p = nil; n > 0 {
		*p = append([]byte(nil), c.b[:n]...)
		c.b = c.b[n:]
	}
}

// List codes a slice; an empty one and nil are one.
func List[T any](c *Coder, p *[]T, each func(*Coder, *T)) {
	n := len(*p)
	c.length(&n)
	if !c.reading {
		for i := range *p {
			each(c, &(*p)[i])
		}
		return
	}
	*p = nil
	for ; n > 0 && !c.failed; n-- {
		var v T
		each(c, &v)
		*p = append(*p, v)
	}
}

// Map codes a map; an empty one and nil are one.
func Map[K ~string, V any](c *Coder, p *map[K]V, each func(*Coder, *V)) {
	n := len(*p)
	c.length(&n)
	if !c.reading {
		for k, v := range *p {
			Text(c, &k)
			each(c, &v)
		}
		return
	}
	if *p = nil; n > 0 {
		*p = map[K]V{}
	}
	for ; n > 0 && !c.failed; n-- {
		var k K
		var v V
		Text(c, &k)
		each(c, &v)
		(*p)[k] = v
	}
}

// Maybe codes what a pointer points to, or that it is nil.
func Maybe[T any](c *Coder, p **T, each func(*Coder, *T)) {
	there := *p != nil
	Flag(c, &there)
	if c.reading {
		if *p = nil; there {
			*p = new(T)
		}
	}
	if there {
		each(c, *p)
	}
}

// length codes how much follows: when reading no more than there are bytes,
// since everything takes at least one.
func (c *Coder) length(n *int) {
	Int(c, n)
	if c.reading && (*n < 0 || *n > len(c.b)) {
		c.fail()
		*n = 0
	}
}

// fail leaves nothing to be read.
func (c *Coder) fail() { c.failed, c.b = true, nil }
