package seccomp

import "golang.org/x/sys/unix"

const (
	auditArch = unix.AUDIT_ARCH_X86_64
	// x32Bit marks the x32 ABI, whose numbers pass every table written for
	// x86-64 (seccomp(2), NOTES).
	x32Bit = 0x40000000
)

// archRows are calls that only x86-64 still has.
func archRows() []Row {
	return []Row{
		eperm("open", unix.SYS_OPEN, whySetID, anyOf(1, creating), anyOf(2, setID)),
		eperm("creat", unix.SYS_CREAT, whySetID, anyOf(1, setID)),
		eperm("chmod", unix.SYS_CHMOD, whySetID, anyOf(1, setID)),
		eperm("mknod", unix.SYS_MKNOD, whySetID, anyOf(1, setID)),
		eperm("iopl", unix.SYS_IOPL, whyHost),
		eperm("ioperm", unix.SYS_IOPERM, whyHost),
		eperm("modify_ldt", unix.SYS_MODIFY_LDT, whySurface),
		eperm("uselib", unix.SYS_USELIB, whySurface),
		eperm("_sysctl", unix.SYS__SYSCTL, whySurface),
		eperm("sysfs", unix.SYS_SYSFS, whySurface),
	}
}
