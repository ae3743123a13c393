// Package names is the sandbox's DNS: it gives every name that may be reached an
// address of its own, and knows the name again when a connection comes to that
// address.
//
// It is not a resolver: nothing is ever forwarded, so a name carries nothing
// out. Its invariants: only a name that the rules open gets an address; an
// address means one name for as long as the table lives; the table is bounded.
package names

import (
	"encoding/binary"
	"hash/fnv"
	"net/netip"
	"sync"
)

// The ranges that addresses come from: benchmarking (RFC 2544, RFC 5180). They
// are not private ones, which guards against forged requests refuse, and they
// never stand in the public DNS. The first 256 belong to the sandbox itself.
const (
	first = 256
	last  = 1<<17 - 2 // 198.19.255.254
)

// MaxNames bounds the table. A pattern such as *.example.com opens any number
// of names; when the table is full a further name has no address.
const MaxNames = 8192

var (
	base4 = [4]byte{198, 18}
	base6 = [16]byte{0x20, 0x01, 0x00, 0x02}
)

// Table maps names to addresses and back. The zero Table is not ready; see
// NewTable. It is safe for concurrent use.
type Table struct {
	mu       sync.RWMutex
	byName   map[string]uint32
	byOffset map[uint32]string
}

// NewTable returns an empty table.
func NewTable() *Table {
	return &Table{byName: map[string]uint32{}, byOffset: map[uint32]string{}}
}

// Assign gives the canonical name its two addresses, the same ones each time,
// and nearly always the same ones in another session. ok is false when the
// table is full.
func (t *Table) Assign(name string) (v4, v6 netip.Addr, ok bool) {
	t.mu.RLock()
	offset, ok := t.byName[name]
	t.mu.RUnlock()
	if !ok {
		if offset, ok = t.add(name); !ok {
			return netip.Addr{}, netip.Addr{}, false
		}
	}
	v4, v6 = addresses(offset)
	return v4, v6, true
}

func (t *Table) add(name string) (offset uint32, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if offset, ok := t.byName[name]; ok {
		return offset, true
	}
	if len(t.byName) >= MaxNames {
		return 0, false
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	offset = first + h.Sum32()%(last-first+1)
	for t.byOffset[offset] != "" { // the table is far from full, so a free one is near
		if offset++; offset > last {
			offset = first
		}
	}
	t.byName[name], t.byOffset[offset] = offset, name
	return offset, true
}

func addresses(offset uint32) (v4, v6 netip.Addr) {
	a4, a6 := base4, base6
	a4[1] += byte(offset >> 16)
	binary.BigEndian.PutUint16(a4[2:], uint16(offset))
	binary.BigEndian.PutUint32(a6[12:], offset)
	return netip.AddrFrom4(a4), netip.AddrFrom16(a6)
}

// Name is the name that an address was given to.
func (t *Table) Name(addr netip.Addr) (string, bool) {
	offset, ok := offsetOf(addr.Unmap())
	if !ok {
		return "", false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	name, ok := t.byOffset[offset]
	return name, ok
}

func offsetOf(addr netip.Addr) (uint32, bool) {
	if addr.Is4() {
		a := addr.As4()
		return uint32(a[1]&1)<<16 | uint32(a[2])<<8 | uint32(a[3]), a[0] == base4[0] && a[1]&^1 == base4[1]
	}
	a := addr.As16()
	return binary.BigEndian.Uint32(a[12:]), addr.Zone() == "" && [12]byte(a[:12]) == [12]byte(base6[:12])
}
