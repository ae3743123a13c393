package sandbox

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// setupCaps is what PID 1 holds, in its own user namespace only, while it
// builds the sandbox.
var setupCaps = []uintptr{
	unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP,
}

// capset is the header and data of capset(2), version 3: two 32-bit words per
// set.
type capset struct {
	head unix.CapUserHeader
	data [2]unix.CapUserData
}

func newCapset(keep uint64) *capset {
	c := &capset{head: unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}}
	for i := range c.data {
		word := uint32(keep >> (32 * i))
		c.data[i] = unix.CapUserData{Effective: word, Permitted: word}
	}
	return c
}

// dropCapabilities leaves the calling thread none, now and for what it execs.
func dropCapabilities() error {
	for c := uintptr(0); c <= 63; c++ {
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err == unix.EINVAL {
			break // beyond the kernel's last
		} else if err != nil {
			return fmt.Errorf("bounding set: %w", err)
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return fmt.Errorf("ambient set: %w", err)
	}
	none := newCapset(0)
	if err := unix.Capset(&none.head, &none.data[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	return nil
}
