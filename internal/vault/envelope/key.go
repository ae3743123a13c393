// Package envelope is the vault's cryptography: the root key in locked memory,
// the keys derived from it, and the sealing of one record.
//
// It knows no files and no meaning of a record. Its invariant: Open returns
// what Seal was given under the same key and the same label, or ErrOpen. The
// format is described in doc/format.md.
package envelope

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
)

// KeySize is the length of every key here in bytes.
const KeySize = 32

// ErrClosed is returned by a Key after Close.
var ErrClosed = errors.New("key is closed")

// Key is a root key in a page of its own that is neither swapped nor dumped,
// where the system allows it. It is safe for concurrent use.
type Key struct {
	mu     sync.RWMutex
	page   []byte // nil when closed
	locked bool
}

// NewKey copies root into a new page and wipes root.
func NewKey(root []byte) (*Key, error) {
	defer clear(root)
	if len(root) != KeySize {
		return nil, fmt.Errorf("root key has %d bytes, want %d", len(root), KeySize)
	}
	page, locked, err := newPage()
	if err != nil {
		return nil, fmt.Errorf("memory for the root key: %w", err)
	}
	copy(page, root)
	return &Key{page: page, locked: locked}, nil
}

// Pinned says whether the page is kept from swap. It is not when the limit on
// locked memory (ulimit -l) is used up; the key works all the same.
func (k *Key) Pinned() bool { return k.locked }

// Derive returns the key for one purpose: HKDF-SHA256 of the root key.
func (k *Key) Derive(purpose string) (out [KeySize]byte, err error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.page == nil {
		return out, ErrClosed
	}
	return derive(k.page[:KeySize], purpose), nil
}

// Close wipes the key and gives the page back. A second Close does nothing.
func (k *Key) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.page == nil {
		return nil
	}
	clear(k.page)
	page := k.page
	k.page = nil
	return freePage(page)
}

func derive(key []byte, purpose string) (out [KeySize]byte) {
	b, err := hkdf.Key(sha256.New, key, nil, purpose, KeySize)
	if err != nil {
		panic(err) // unreachable: the lengths are constant
	}
	copy(out[:], b)
	clear(b)
	return out
}

// Copy returns the root key itself, to seal it again. The caller wipes it.
func (k *Key) Copy() ([]byte, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.page == nil {
		return nil, ErrClosed
	}
	return bytes.Clone(k.page[:KeySize]), nil
}
