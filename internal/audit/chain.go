package audit

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

// A line is body, then tailOpen, 64 lower-case hex digits and tailEnd. The MAC
// covers the bytes of the body as they stand, so there is no second spelling of
// a record that would also verify.
const (
	tailOpen = `,"mac":"`
	tailEnd  = "\"}\n"
	tailLen  = len(tailOpen) + 2*sha256.Size + len(tailEnd)
	maxLine  = 16 << 10
)

// next is the ratchet: the key of the record after the one that used k. It
// cannot be run backwards, so whoever takes a key cannot rewrite the past.
func next(k [32]byte) [32]byte { return mac32(k[:], []byte("bailey audit 1 next")) }

// recordMAC seals body as the record whose ratchet key is k, after the record
// whose MAC is prev. seal is Keys.Seal, or zero for a record written locked.
func recordMAC(k, seal, prev [32]byte, body []byte) [32]byte {
	key := mac32(k[:], []byte("bailey audit 1 mac"), seal[:])
	return mac32(key[:], prev[:], body)
}

func mac32(key []byte, parts ...[]byte) (sum [32]byte) {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(p)
	}
	h.Sum(sum[:0])
	return sum
}

// encode appends r to the chain at h and returns its line and the new head.
func encode(h Head, keys *Keys, r Record) ([]byte, Head, error) {
	r.Seq = h.Seq + 1
	var seal [32]byte
	if r.Locked = keys == nil; keys != nil {
		seal = keys.Seal
	}
	b, err := json.Marshal(r)
	if err != nil {
		return nil, h, fmt.Errorf("encoding audit record %d: %w", r.Seq, err)
	}
	body := b[:len(b)-1]
	mac := recordMAC(h.Key, seal, h.MAC, body)
	line := fmt.Appendf(body, "%s%x%s", tailOpen, mac, tailEnd)
	return line, Head{Seq: r.Seq, Offset: h.Offset + int64(len(line)), MAC: mac, Key: next(h.Key)}, nil
}

// decode reads the line that must follow h and returns the head after it. With
// nil keys the MAC is taken as it stands: the order is checked, nothing else.
func decode(h Head, keys *Keys, line []byte) (Record, Head, error) {
	var r Record
	want := h.Seq + 1
	body, mac, ok := split(line)
	if !ok {
		return r, h, tampered(want, "is not readable")
	}
	if err := json.Unmarshal(append(bytes.Clone(body), '}'), &r); err != nil {
		return r, h, tampered(want, "is not readable")
	}
	if keys != nil && verifyMAC(h, keys, r.Locked, body) == mac {
		return r, Head{Seq: want, Offset: h.Offset + int64(len(line)), MAC: mac, Key: next(h.Key)}, nil
	}
	switch {
	case r.Seq > want:
		return r, h, tampered(want, fmt.Sprintf("is missing: record %d stands in its place", r.Seq))
	case r.Seq < want:
		return r, h, tampered(want, fmt.Sprintf("is missing: record %d is repeated in its place", r.Seq))
	case keys != nil:
		return r, h, tampered(want, "is changed")
	}
	return r, Head{Seq: want, Offset: h.Offset + int64(len(line)), MAC: mac, Key: next(h.Key)}, nil
}

func verifyMAC(h Head, keys *Keys, locked bool, body []byte) [32]byte {
	seal := keys.Seal
	if locked {
		seal = [32]byte{}
	}
	return recordMAC(h.Key, seal, h.MAC, body)
}

// split takes a line apart; ok is false unless it is spelled exactly as encode does.
func split(line []byte) (body []byte, mac [32]byte, ok bool) {
	n := len(line) - tailLen
	if n < 1 || len(line) > maxLine {
		return nil, mac, false
	}
	body, tail := line[:n], line[n:]
	digits := tail[len(tailOpen) : len(tail)-len(tailEnd)]
	if _, err := hex.Decode(mac[:], digits); err != nil {
		return nil, mac, false
	}
	return body, mac, bytes.Equal(tail, fmt.Appendf(nil, "%s%x%s", tailOpen, mac, tailEnd))
}

func tampered(s Seq, what string) error {
	return fmt.Errorf("%w: record %d %s", ErrTampered, s, what)
}
