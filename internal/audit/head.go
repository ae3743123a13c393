package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"
)

// The head file says how far the log reached when it was last synced, and the
// ratchet key to go on with. It has two slots, so that a torn write leaves the
// other; the older one is zeroed as soon as the newer is on disk, which erases
// its key and leaves no earlier head to go back to.
//
// It never runs ahead of what is on disk of the log: after a power failure the
// log may be longer than it says, never shorter.
const (
	slotSize  = 8 + 8 + 8 + 32 + 32 + 32 // generation, seq, offset, mac, key, checksum
	slotApart = 4096                     // not in one physical sector
)

type slot struct {
	gen  uint64
	head Head
}

func (s slot) bytes() []byte {
	b := make([]byte, 0, slotSize)
	b = binary.BigEndian.AppendUint64(b, s.gen)
	b = binary.BigEndian.AppendUint64(b, uint64(s.head.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(s.head.Offset))
	b = append(b, s.head.MAC[:]...)
	b = append(b, s.head.Key[:]...)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func parseSlot(b []byte) (s slot, ok bool) {
	sum := sha256.Sum256(b[:slotSize-sha256.Size])
	if !bytes.Equal(sum[:], b[slotSize-sha256.Size:]) {
		return s, false
	}
	s.gen = binary.BigEndian.Uint64(b)
	s.head.Seq = Seq(binary.BigEndian.Uint64(b[8:]))
	s.head.Offset = int64(binary.BigEndian.Uint64(b[16:]))
	copy(s.head.MAC[:], b[24:])
	copy(s.head.Key[:], b[56:])
	return s, s.gen > 0 && s.head.Offset >= 0
}

var errNoSlot = errors.New("no intact slot")

// readHead returns the newest intact slot.
func readHead(f *os.File) (slot, error) {
	var newest slot
	b := make([]byte, slotApart+slotSize)
	if n, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return newest, fmt.Errorf("reading %s: %w", f.Name(), err)
	} else if n < slotSize {
		return newest, errNoSlot
	}
	for _, off := range []int{0, slotApart} {
		if s, ok := parseSlot(b[off : off+slotSize]); ok && s.gen > newest.gen {
			newest = s
		}
	}
	if newest.gen == 0 {
		return newest, errNoSlot
	}
	return newest, nil
}

// writeHead puts h on disk unless a later head is there already, and zeroes
// the slot before it. The caller must have synced the log up to h.
func writeHead(f *os.File, h Head) error {
	if err := flock(f, syscall.LOCK_EX); err != nil {
		return err
	}
	defer flock(f, syscall.LOCK_UN)
	old, err := readHead(f)
	if err != nil || old.head.Seq >= h.Seq {
		return err
	}
	s := slot{gen: old.gen + 1, head: h}
	if _, err := f.WriteAt(s.bytes(), slotOffset(s.gen)); err != nil {
		return fmt.Errorf("writing %s: %w", f.Name(), err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("syncing %s: %w", f.Name(), err)
	}
	if _, err := f.WriteAt(make([]byte, slotSize), slotOffset(old.gen)); err != nil {
		return fmt.Errorf("writing %s: %w", f.Name(), err)
	}
	return nil
}

func slotOffset(gen uint64) int64 { return int64(gen%2) * slotApart }

// createHead makes the head file of an empty log. It has its name only once it
// is whole on disk: an empty one would be taken for a damaged one for ever.
func createHead(path string, h Head) (*os.File, error) {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	b := make([]byte, slotApart+slotSize)
	first := slot{gen: 1, head: h}
	copy(b[slotOffset(first.gen):], first.bytes())
	if _, err = f.WriteAt(b, 0); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Link(f.Name(), path) // refuses an existing one, as rename does not
	}
	f.Close()
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", path, err)
	}
	return os.OpenFile(path, os.O_RDWR, 0)
}

func flock(f *os.File, how int) error {
	for {
		err := syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			if err != nil {
				return fmt.Errorf("locking %s: %w", f.Name(), err)
			}
			return nil
		}
	}
}
