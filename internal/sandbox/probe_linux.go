package sandbox

import (
	"fmt"
	"unsafe"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/sandbox/cgroup"
)

// Landlock asks the kernel for its version of Landlock and the errata that it
// has mended. WSL2 and others lack the file that lists security modules.
func Landlock() (abi, errata int, err error) {
	if abi, err = ll.LandlockGetABIVersion(); err != nil {
		return 0, 0, errNoLandlock
	}
	errata, _ = ll.LandlockGetErrata()
	return abi, errata, nil
}

// Seccomp asks the kernel for the two answers that the filter gives
// (seccomp(2), SECCOMP_GET_ACTION_AVAIL).
func Seccomp() error {
	for _, action := range []uint32{unix.SECCOMP_RET_KILL_PROCESS, unix.SECCOMP_RET_ERRNO} {
		_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_GET_ACTION_AVAIL, 0, uintptr(unsafe.Pointer(&action)))
		if errno != 0 {
			return fmt.Errorf("the kernel has no system-call filters: %w", errno)
		}
	}
	return nil
}

// Groups says how a session of this user is kept within its limits.
func Groups() string {
	g, err := cgroup.New("doctor", false)
	if err != nil {
		return "a session's processes are counted from within: this user can have no control group"
	}
	defer g.Remove()
	if g.Unified() {
		return "a control group for each session, version 2"
	}
	return "a control group for each session, version 1"
}

// Release is the version of the running kernel.
func Release() string { return kernelRelease() }
