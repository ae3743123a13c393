package sandbox

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// setupCaps is what PID 1 holds, in its own user namespace only: to build the
// sandbox, and then to lay a cover anew. The thread that starts the workload
// gives all of it up.
var setupCaps = []uintptr{
	unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN, unix.CAP_SETPCAP,
}

// capsFor adds what the name broker reads its callers' memory with, and what
// takes a look at a socket that listens: some programs hide theirs, and Yama
// lets none but an ancestor or this capability. And what an overlay is mounted
// with.
func capsFor(b Base) []uintptr {
	all := slices.Clone(setupCaps)
	if b.Broker || b.Listens {
		all = append(all, unix.CAP_SYS_PTRACE)
	}
	if b.Overlay {
		all = append(all, overlayCaps...)
	}
	return all
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
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData // two 32-bit words a set (capset(2))
	if err := unix.Capset(&head, &none[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	return nil
}
