package sandbox

import (
	"errors"
	"fmt"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// There are no rights of the network here, though newer kernels have some (TCP
// from ABI 4, UDP from 10): they judge ports, so what would stop a connection
// to the outside would stop the same one between programs inside. The empty
// network namespace is what stops it. ABI 11 only saves a prctl.
//
// fsRights are the file-system rights that each Landlock ABI added; handled
// are all of those that the kernel knows, so that what no rule grants is
// denied (landlock(7)).
var fsRights = []struct {
	abi    int
	rights uint64
}{
	{1, 1<<13 - 1},
	{2, ll.AccessFSRefer},
	{3, ll.AccessFSTruncate},
	{5, ll.AccessFSIoctlDev},
	{9, ll.AccessFSResolveUnix},
}

const (
	readRights = ll.AccessFSExecute | ll.AccessFSReadFile | ll.AccessFSReadDir
	// fileRights are the rights a rule on a file, not a directory, may carry.
	fileRights = ll.AccessFSExecute | ll.AccessFSReadFile | ll.AccessFSWriteFile |
		ll.AccessFSTruncate | ll.AccessFSIoctlDev
)

// nowhere is granted to no path: a socket that was made outside of the sandbox
// can't be connected to, wherever it appears. One that was made inside can be
// without a grant (landlock(7), LANDLOCK_ACCESS_FS_RESOLVE_UNIX).
const nowhere = ll.AccessFSResolveUnix

// errNoLandlock names the mend of a kernel without Landlock.
var errNoLandlock = errors.New("this kernel has no Landlock, or it is not in the lsm= list at boot")

// landlock confines the calling thread, which must be locked: everything may
// be read and run (the mount tree decides what exists), only writable mounts
// may be written, and signals and abstract sockets stay in the sandbox.
func landlock(writable []string) (abi, errata int, err error) {
	abi, err = ll.LandlockGetABIVersion()
	if err != nil || abi < 1 {
		return 0, 0, errNoLandlock
	}
	errata, _ = ll.LandlockGetErrata()
	attr := ll.RulesetAttr{HandledAccessFS: handled(abi)}
	if abi >= 6 {
		attr.Scoped = ll.ScopeAbstractUnixSocket | ll.ScopeSignal
	}
	fd, err := ll.LandlockCreateRuleset(&attr, 0)
	if err != nil {
		return abi, errata, fmt.Errorf("landlock ruleset: %w", err)
	}
	defer unix.Close(fd)
	if err := allow(fd, "/", readRights); err != nil {
		return abi, errata, err
	}
	for _, path := range writable {
		if err := allow(fd, path, attr.HandledAccessFS&^nowhere); err != nil {
			return abi, errata, err
		}
	}
	if err := ll.LandlockRestrictSelf(fd, 0); err != nil {
		return abi, errata, fmt.Errorf("landlock restrict: %w", err)
	}
	return abi, errata, nil
}

func handled(abi int) uint64 {
	var all uint64
	for _, r := range fsRights {
		if abi >= r.abi {
			all |= r.rights
		}
	}
	return all
}

func allow(ruleset int, path string, rights uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("landlock rule for %s: %w", path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("landlock rule for %s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= fileRights
	}
	rule := ll.PathBeneathAttr{ParentFd: fd, AllowedAccess: rights}
	if err := ll.LandlockAddPathBeneathRule(ruleset, &rule, 0); err != nil {
		return fmt.Errorf("landlock rule for %s: %w", path, err)
	}
	return nil
}
