package daemon

import "golang.org/x/sys/unix"

// hide keeps other processes of the user out of this one's memory: not
// dumpable means no ptrace, no /proc/PID/mem and no core file. An exec ends it.
func hide() { _ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// harden is hide for a process that never becomes another program.
func harden() {
	hide()
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
}
