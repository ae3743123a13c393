package catalogue

import "github.com/bailey-project/bailey/internal/probe"

func kernel() []probe.Probe {
	return []probe.Probe{
		{ID: "F01", Attack: "Make system calls through io_uring", Call: "ring", Stop: by(filter, "ENOSYS"), Source: "IORING_OP_SOCKET and _OPENAT pass every filter on socket and openat"},
		{ID: "F03", Attack: "Use the kernel's crypto sockets", Call: "afALG", Stop: by(filter, "EPERM"), Tame: "a kernel without these sockets has nothing to show", Source: "CVE-2026-31431"},
		{ID: "F04", Attack: "Make a socket through the 32-bit entry of the kernel", Call: "int80", Stop: by(filter, "SIGSYS"), Source: "filters without a check of the architecture"},
		{ID: "F05", Attack: "Make a system call under its x32 number", Call: "x32", Stop: by(filter, "SIGSYS"), Tame: "kernels are rarely built with x32; the filter answers before they would"},
		{ID: "F06", Attack: "Open sockets of rare families and protocols", Call: "families", Stop: by(filter, "EPERM", "EPROTONOSUPPORT"), Source: "CVE-2026-43500"},
		{ID: "F07", Attack: "Talk to netfilter, audit and connector over netlink", Call: "netlink", Stop: by(filter, "EPERM")},
		{ID: "F08", Attack: "Open raw and packet sockets", Call: "rawSockets", Caps: true, Stop: by(filter, "EPERM", "EPROTONOSUPPORT")},
		{ID: "F09", Attack: "Handle page faults in user space", Call: "userfault", Stop: by(filter, "EPERM")},
		{ID: "F10", Attack: "Load BPF programs, open performance counters", Call: "bpfPerf", Who: probe.Root, Stop: by(filter, "EPERM")},
		{ID: "F11", Attack: "Load modules, boot kernels, swap, set clocks, quota, accounting, ports", Call: "machineCalls", Who: probe.Root, Stop: by(filter, "EPERM")},
		{ID: "F12", Attack: "Install a listener that answers calls in place of the sandbox's", Call: "listener", Stop: by(filter, "EPERM"), Source: "seccomp_unotify(2)"},
		{ID: "F14", Attack: "Swap a file for a link to the outside while it is opened", Call: "swap", Alone: true, Stop: by(tree, probe.Nothing), Source: "supervisors that resolve a path twice"},
		{ID: "F19", Attack: "Stack Landlock domains until there is no room", Call: "layers", Stop: by(tree, "ENOENT")},
		{ID: "F20", Attack: "Widen one's rights through a directory that was moved away from under a mount", Call: "disconnected", Alone: true, Stop: by(tree, "ENOENT", "EACCES", "EBUSY", "EXDEV", probe.Nothing), Source: "Landlock erratum 3"},
		{ID: "F21", Attack: "Give up no_new_privs, or the filter", Call: "unlock", Stop: by(filter, "EINVAL"), Tame: "the kernel offers no way back; the row holds it to that"},
		{ID: "F22", Attack: "Open the tty layer's, fuse's, kvm's, tun's and the loop devices' files", Call: "deviceFiles", Who: probe.Root, Stop: by(tree, "ENOENT")},
	}
}
