package ledger

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/bailey-project/bailey/internal/vault/envelope"
)

// ID is a UUID, version 4, in its usual text form.
type ID string

// UUID is the same in binary.
type UUID = envelope.UUID

// NewUUID makes a random one.
func NewUUID() (id UUID, err error) {
	if _, err := rand.Read(id[:]); err != nil {
		return id, err
	}
	id[6] = id[6]&0x0f | 0x40 // RFC 9562: version 4
	id[8] = id[8]&0x3f | 0x80 // and variant
	return id, nil
}

// IDOf spells id.
func IDOf(id UUID) ID {
	h := hex.EncodeToString(id[:])
	return ID(h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:])
}

// ParseID is the inverse of IDOf; it accepts no other spelling.
func ParseID(s ID) (id UUID, ok bool) {
	if len(s) != 36 {
		return id, false
	}
	b, err := hex.DecodeString(string(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]))
	if err != nil {
		return id, false
	}
	copy(id[:], b)
	return id, IDOf(id) == s
}
