package seccomp

import "golang.org/x/sys/unix"

const (
	// newNamespaces is every CLONE_NEW* flag that clone(2) takes. NEWTIME
	// (0x80) shares its bit with the exit signal there and is unshare's alone.
	newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS |
		unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	setID = unix.S_ISUID | unix.S_ISGID
	// creating is O_CREAT or the bit of its own in O_TMPFILE: without one of
	// them the mode argument is whatever the register held.
	creating = unix.O_CREAT | (unix.O_TMPFILE &^ unix.O_DIRECTORY)
	// low32 keeps all that the kernel reads of an int argument.
	low32 = ^uint32(0)

	// lastKnown is the newest call the table has judged (6.17).
	lastKnown = unix.SYS_FILE_SETATTR
)

const (
	whyNamespace = "a nested user namespace gives back every capability and most of the kernel's attack surface"
	whyMount     = "the mount tree is the sandbox"
	whyKeyring   = "keyrings are not namespaced: they reach the user's other sessions"
	whySetID     = "a set-id file would outlive the sandbox and run as the user for everyone"
	whySurface   = "no program here needs it, and its history is one of kernel holes"
	whyHost      = "changes the machine, not the sandbox"
	whyRing      = "io_uring performs calls that no filter sees; ENOSYS lets programs fall back"
)

func commonRows() []Row {
	return append(namespaceRows(), append(surfaceRows(), modeRows()...)...)
}

func namespaceRows() []Row {
	return []Row{
		enosys("clone3", unix.SYS_CLONE3, "its flags are behind a pointer; ENOSYS makes libc use clone"),
		eperm("clone", unix.SYS_CLONE, whyNamespace, anyOf(0, newNamespaces)),
		eperm("unshare", unix.SYS_UNSHARE, whyNamespace, anyOf(0, newNamespaces|unix.CLONE_NEWTIME)),
		eperm("setns", unix.SYS_SETNS, whyNamespace),
		eperm("mount", unix.SYS_MOUNT, whyMount),
		eperm("umount2", unix.SYS_UMOUNT2, whyMount),
		eperm("pivot_root", unix.SYS_PIVOT_ROOT, whyMount),
		eperm("chroot", unix.SYS_CHROOT, whyMount),
		eperm("move_mount", unix.SYS_MOVE_MOUNT, whyMount),
		eperm("open_tree", unix.SYS_OPEN_TREE, whyMount),
		eperm("open_tree_attr", unix.SYS_OPEN_TREE_ATTR, whyMount),
		eperm("fsopen", unix.SYS_FSOPEN, whyMount),
		eperm("fsconfig", unix.SYS_FSCONFIG, whyMount),
		eperm("fsmount", unix.SYS_FSMOUNT, whyMount),
		eperm("fspick", unix.SYS_FSPICK, whyMount),
		eperm("mount_setattr", unix.SYS_MOUNT_SETATTR, whyMount),
		eperm("open_by_handle_at", unix.SYS_OPEN_BY_HANDLE_AT, "opens by inode, whatever the mount tree shows"),
		eperm("seccomp", unix.SYS_SECCOMP, "a newer listener would answer calls in our place",
			is(0, low32, unix.SECCOMP_SET_MODE_FILTER), anyOf(1, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)),
	}
}

func surfaceRows() []Row {
	return []Row{
		enosys("io_uring_setup", unix.SYS_IO_URING_SETUP, whyRing),
		enosys("io_uring_enter", unix.SYS_IO_URING_ENTER, whyRing),
		enosys("io_uring_register", unix.SYS_IO_URING_REGISTER, whyRing),
		eperm("add_key", unix.SYS_ADD_KEY, whyKeyring),
		eperm("request_key", unix.SYS_REQUEST_KEY, whyKeyring),
		eperm("keyctl", unix.SYS_KEYCTL, whyKeyring),
		eperm("bpf", unix.SYS_BPF, whySurface),
		eperm("userfaultfd", unix.SYS_USERFAULTFD, whySurface),
		eperm("perf_event_open", unix.SYS_PERF_EVENT_OPEN, whySurface),
		eperm("fanotify_init", unix.SYS_FANOTIFY_INIT, whySurface),
		eperm("lookup_dcookie", unix.SYS_LOOKUP_DCOOKIE, whySurface),
		eperm("syslog", unix.SYS_SYSLOG, "the kernel's log is the host's"),
		eperm("kexec_load", unix.SYS_KEXEC_LOAD, whyHost),
		eperm("kexec_file_load", unix.SYS_KEXEC_FILE_LOAD, whyHost),
		eperm("init_module", unix.SYS_INIT_MODULE, whyHost),
		eperm("finit_module", unix.SYS_FINIT_MODULE, whyHost),
		eperm("delete_module", unix.SYS_DELETE_MODULE, whyHost),
		eperm("reboot", unix.SYS_REBOOT, whyHost),
		eperm("swapon", unix.SYS_SWAPON, whyHost),
		eperm("swapoff", unix.SYS_SWAPOFF, whyHost),
		eperm("acct", unix.SYS_ACCT, whyHost),
		eperm("quotactl", unix.SYS_QUOTACTL, whyHost),
		eperm("quotactl_fd", unix.SYS_QUOTACTL_FD, whyHost),
		eperm("settimeofday", unix.SYS_SETTIMEOFDAY, whyHost),
		eperm("clock_settime", unix.SYS_CLOCK_SETTIME, whyHost),
		eperm("sethostname", unix.SYS_SETHOSTNAME, whyHost),
		eperm("setdomainname", unix.SYS_SETDOMAINNAME, whyHost),
		eperm("vhangup", unix.SYS_VHANGUP, whyHost),
		eperm("nfsservctl", unix.SYS_NFSSERVCTL, whyHost),
		eperm("personality", unix.SYS_PERSONALITY, "old personalities switch off address randomisation and worse; debuggers need the listed ones",
			notIn(0, 0, 0x8, 0x20000, 0x20008, 0x40000, low32)),
		eperm("ioctl", unix.SYS_IOCTL, "types into the terminal that the user reads", is(1, low32, unix.TIOCSTI)),
		eperm("ioctl", unix.SYS_IOCTL, "pastes into the console", is(1, low32, unix.TIOCLINUX)),
		eperm("ioctl", unix.SYS_IOCTL, "line disciplines load kernel modules", is(1, low32, unix.TIOCSETD)),
	}
}

// modeRows refuse set-id bits wherever a mode is an argument; openat2 carries
// it behind a pointer, so it is ENOSYS and programs fall back to openat.
func modeRows() []Row {
	return []Row{
		enosys("openat2", unix.SYS_OPENAT2, "its mode is behind a pointer"),
		eperm("openat", unix.SYS_OPENAT, whySetID, anyOf(2, creating), anyOf(3, setID)),
		eperm("fchmod", unix.SYS_FCHMOD, whySetID, anyOf(1, setID)),
		eperm("fchmodat", unix.SYS_FCHMODAT, whySetID, anyOf(2, setID)),
		eperm("fchmodat2", unix.SYS_FCHMODAT2, whySetID, anyOf(2, setID)),
		eperm("mknodat", unix.SYS_MKNODAT, whySetID, anyOf(2, setID)),
	}
}

func socketRows() []Row {
	const typeMask = 0xf // without SOCK_CLOEXEC and SOCK_NONBLOCK
	inet := func(f uint32, name string) []Row {
		return []Row{
			eperm("socket", unix.SYS_SOCKET, "raw "+name+" packets", is(0, low32, f), is(1, typeMask, unix.SOCK_RAW)),
			eperm("socket", unix.SYS_SOCKET, "packets through the oldest interface", is(0, low32, f), is(1, typeMask, unix.SOCK_PACKET)),
			{"socket", unix.SYS_SOCKET, []Cond{is(0, low32, f), notIn(2, 0, unix.IPPROTO_TCP, unix.IPPROTO_UDP)},
				Action{unix.EPROTONOSUPPORT}, "SCTP, MPTCP and the rest; programs fall back to TCP"},
			{"socket", unix.SYS_SOCKET, []Cond{is(0, low32, f), {1, NotIn, typeMask, []uint32{unix.SOCK_STREAM, unix.SOCK_DGRAM}}},
				Action{unix.EPERM}, "a type alone is enough to load SCTP or DCCP"},
		}
	}
	rows := []Row{
		eperm("socket", unix.SYS_SOCKET, "AF_ALG, AF_VSOCK, AF_PACKET and every other family: kernel holes or ways around the network namespace",
			notIn(0, unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK)),
		eperm("socket", unix.SYS_SOCKET, "of netlink only ROUTE, which listing the interfaces needs",
			is(0, low32, unix.AF_NETLINK), notIn(2, unix.NETLINK_ROUTE)),
		{"setsockopt", unix.SYS_SETSOCKOPT, []Cond{is(1, low32, unix.IPPROTO_TCP), is(2, low32, unix.TCP_ULP)},
			Action{unix.ENOPROTOOPT}, "protocols of the kernel inside TCP (TLS, SMC, ESP); programs do without"},
		eperm("socketpair", unix.SYS_SOCKETPAIR, "as for socket", notIn(0, unix.AF_UNIX)),
	}
	rows = append(rows, inet(unix.AF_INET, "IPv4")...)
	return append(rows, inet(unix.AF_INET6, "IPv6")...)
}
