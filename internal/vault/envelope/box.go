package envelope

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// UUID is a random identifier in binary.
type UUID [16]byte

// Label is what a sealed record is bound to besides its key: moved to another
// place, renamed or given another version, it does not open.
type Label struct {
	Scope   UUID // environment, project or vault
	Parent  UUID // project of an environment, else zero
	Kind    byte
	ID      UUID
	Version uint64
	Lookup  [sha256.Size]byte // of path and name, see Box.Lookup
}

// Overhead of a sealed record over its padded plaintext: nonce and tag.
const (
	nonceSize = 12
	tagSize   = 16
	Overhead  = nonceSize + tagSize
)

// padTo hides the exact length of what is sealed.
const padTo = 64

// ErrOpen: the bytes are not what was sealed under this key and label.
var ErrOpen = errors.New("record does not open")

// Box seals the records of one scope. It is safe for concurrent use.
type Box struct {
	aead   cipher.AEAD
	lookup [KeySize]byte
}

// NewBox derives the two keys of a scope from its data key.
func NewBox(dataKey [KeySize]byte) *Box {
	seal := derive(dataKey[:], "bailey vault 1 seal")
	block, err := aes.NewCipher(seal[:])
	if err != nil {
		panic(err) // unreachable: the length is constant
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // unreachable: AES has blocks of 16 bytes
	}
	return &Box{aead: aead, lookup: derive(dataKey[:], "bailey vault 1 lookup")}
}

// Lookup is a keyed hash of parts, so that a record is found by a name that
// does not stand in the clear. Parts must not contain NUL.
func (b *Box) Lookup(kind byte, parts ...string) (out [sha256.Size]byte) {
	h := hmac.New(sha256.New, b.lookup[:])
	h.Write([]byte{kind})
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	h.Sum(out[:0])
	return out
}

// Seal pads plain with spaces, which JSON allows, and seals it under a random
// nonce. plain is not kept; its padded copy is wiped.
func (b *Box) Seal(l Label, plain []byte) ([]byte, error) {
	var nonce [nonceSize]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return nil, err
	}
	return b.seal(nonce, l, plain), nil
}

func (b *Box) seal(nonce [nonceSize]byte, l Label, plain []byte) []byte {
	n := (len(plain) + padTo - 1) / padTo * padTo
	out := make([]byte, nonceSize+n, nonceSize+n+tagSize)
	copy(out, nonce[:])
	text := out[nonceSize:]
	copy(text, plain)
	copy(text[len(plain):], bytes.Repeat([]byte{' '}, n-len(plain)))
	return out[:nonceSize+len(b.aead.Seal(text[:0], nonce[:], text, l.bytes()))]
}

// Open returns the padded plaintext in memory of its own.
func (b *Box) Open(l Label, sealed []byte) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, ErrOpen
	}
	plain, err := b.aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], l.bytes())
	if err != nil {
		return nil, ErrOpen
	}
	return plain, nil
}

// bytes is the associated data: fixed fields at fixed places.
func (l Label) bytes() []byte {
	b := make([]byte, 0, 128)
	b = append(b, "bailey vault 1\x00"...)
	b = append(b, l.Scope[:]...)
	b = append(b, l.Parent[:]...)
	b = append(b, l.Kind)
	b = append(b, l.ID[:]...)
	b = binary.BigEndian.AppendUint64(b, l.Version)
	return append(b, l.Lookup[:]...)
}
