package sandbox

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// overlayCaps is what PID 1 needs besides to mount an overlay, and what the
// kernel then keeps of its rights for every access to the layers: work/work has
// mode 0, and a file that may not be written has to get its mark. They count
// toward the workload's own files only, whose modes it may change anyway.
var overlayCaps = []uintptr{unix.CAP_DAC_OVERRIDE, unix.CAP_FOWNER}

// overlay mounts, on m's target, what is at OverlayLower with the changes that
// are kept in OverlayUpper, then takes both away: from then on the inside has
// no other way to either.
//
// A mount in a user namespace keeps its marks in user.overlay.* and follows no
// redirection (Documentation/filesystems/overlayfs.rst): what somebody writes
// into a layer can't lead out of it.
func (t *tree) overlay(m Mount) error {
	at, err := t.mkdirs(m.Target)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	opts := fmt.Sprintf("lowerdir=%s,upperdir=%s/tree,workdir=%s/work,userxattr,index=off,metacopy=off",
		t.at+OverlayLower, t.at+OverlayUpper, t.at+OverlayUpper)
	err = unix.Mount("overlay", fmt.Sprintf("/proc/self/fd/%d", at), "overlay", unix.MS_NOSUID|unix.MS_NODEV, opts)
	if err != nil {
		return overlayFailure(m.Target, err)
	}
	for _, layer := range []string{OverlayLower, OverlayUpper} {
		if err := unix.Unmount(t.at+layer, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("taking %s away: %w", layer, err)
		}
	}
	return nil
}

func overlayFailure(target string, err error) error {
	why := ""
	switch {
	case errors.Is(err, unix.ENODEV):
		why = " (the kernel has no overlayfs: modprobe overlay)"
	case errors.Is(err, unix.EPERM):
		why = " (the kernel lets no ordinary user mount one; it needs 5.11 or later)"
	case errors.Is(err, unix.EINVAL):
		why = " (other file systems may be mounted below it, or the kernel is older than 5.19 and bailey runs as root)"
	}
	return fmt.Errorf("overlay over %s: %w%s", target, err, why)
}
