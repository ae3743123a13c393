package envelope

import (
	"os"

	"golang.org/x/sys/unix"
)

// newPage maps a page that is not dumped and, when the limit allows it, not
// swapped. A child of fork gets zeroes in its place (madvise(2)).
func newPage() (page []byte, locked bool, err error) {
	page, err = unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return nil, false, err
	}
	if err := unix.Madvise(page, unix.MADV_DONTDUMP); err != nil {
		_ = unix.Munmap(page)
		return nil, false, err
	}
	_ = unix.Madvise(page, unix.MADV_WIPEONFORK) // not in every container runtime
	return page, unix.Mlock(page) == nil, nil
}

func freePage(page []byte) error { return unix.Munmap(page) }
