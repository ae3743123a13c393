package catalogue

import "github.com/bailey-project/bailey/internal/probe"

func processes() []probe.Probe {
	return []probe.Probe{
		{ID: "D01", Attack: "Read the environment of other processes", Stop: by(pids, probe.Nothing, "EACCES"),
			Shell: `cat /proc/[0-9]*/environ 2>/dev/null | tr '\0' '\n' | grep -a CANARY`, Source: "CVE-2026-12537"},
		{ID: "D02", Attack: "Read the arguments of other processes", Stop: by(pids, probe.Nothing),
			Shell: `cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' ' ' | grep -a CANARY; ps auxeww 2>/dev/null | grep CANARY | grep -v grep`, Source: "an agent in CI that was told to run ps auxeww"},
		{ID: "D03", Attack: "Reach the host's files through /proc/PID/root, cwd and fd", Stop: by(pids, "ENOENT", "EACCES"),
			Shell: `cat /proc/$VICTIM/root$OUT/secret /proc/$VICTIM/cwd/secret /proc/$VICTIM/fd/3; cat /proc/1/root$OUT/secret`},
		{ID: "D04", Attack: "Read a path by its alias below /proc/self and the task directories", Stop: by(tree, "ENOENT"),
			Shell: `cat "/proc/self/root$OUT/secret" "/proc/thread-self/root$OUT/secret" "/proc/self/task/$$/root$OUT/secret" "/dev/fd/../root$OUT/secret"`, Source: "an agent that stepped around its deny-list by /proc/self/root"},
		{ID: "D06", Attack: "Write to the program of a process that entered the sandbox", Call: "procExe", Alone: true, Stop: by(pids, "EACCES", "EPERM", "ETXTBSY", "EROFS", "ENOENT", probe.Nothing), Source: "CVE-2019-5736"},
		{ID: "D08", Attack: "Trace a process of the host, read its memory, take its descriptors", Call: "trace", Stop: by(pids, "ESRCH", "EINVAL")},
		{ID: "D09", Attack: "See another sandbox of the same user: processes, files, sockets", Scene: "siblings", Stop: by(pids+", "+tree, probe.Nothing)},
		{ID: "D10", Attack: "Signal processes of the host, the launcher, every process there is", Call: "signals", Alone: true, Stop: by(pids, "ESRCH", "EPERM", probe.Nothing)},
		{ID: "D11", Attack: "Outlive the session as a daemon", Scene: "daemon", Stop: by(life9, probe.Ended)},
		{ID: "D12", Attack: "Stop or kill PID 1 and go on alone", Shell: `kill -9 1; kill -STOP 1; kill -TERM 1; cat "$OUT/secret"`, Stop: by(pids, "EPERM", "ENOENT")},
		{ID: "D13", Attack: "Read /etc/shadow as the user's root", Who: probe.Root, Shell: `head -c 5 /etc/shadow >/dev/null && echo GOT shadow`, Stop: by(notRoot, "ENOENT", "EACCES")},
		{ID: "D14", Attack: "Change the machine through /proc/sys and sysrq: a program for core dumps, a module loader", Call: "kernelSettings", Who: probe.Root, Stop: by(notRoot+", "+tree, "EROFS", "EACCES", "EPERM", "ENOENT"), Source: "a core_pattern that starts a program as root"},
		{ID: "D15", Attack: "Build mounts with the new calls", Call: "newMounts", Caps: true, Stop: by(filter, "EPERM"), Source: "CVE-2021-41133"},
		{ID: "D16", Attack: "Leave by chroot, pivot_root, setns, unshare and mount", Call: "namespaces", Caps: true, Stop: by(filter, "EPERM", "ENOSYS")},
		{ID: "D17", Attack: "Switch off address randomisation beyond what debuggers need", Call: "persona", Stop: by(filter, "EPERM")},
		{ID: "D18", Attack: "Become root: set-id programs, capabilities of files, setuid(2)", Call: "becomeRoot", Caps: true, Stop: by(noCaps, "EPERM", "EINVAL", probe.Nothing)},
		{ID: "D19", Attack: "Lay a mount over a cover in a nested user namespace", Stop: by(filter, "EPERM"), Caps: true,
			Shell: `unshare -Urm sh -c 'mount --bind .attack .attack && echo GOT mounts'`},
		{ID: "D20", Attack: "Write to the system's programs and libraries", Stop: by(tree, "EROFS", "EACCES"), Who: probe.Root, Call: "systemFiles"},
	}
}
