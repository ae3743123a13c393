// Package spawn starts a process in new namespaces as posix_spawn(3) starts one
// without: on this process' own memory. fork(2) would copy the page tables of
// a Go program, and then each page that it writes to, and syscall.ForkExec has
// to fork for a user namespace: it waits in Go for its maps to be written.
//
// The new process is handed a list of system calls and makes them one after
// the other, in a few lines of assembly that use neither stack nor heap nor the
// runtime; see script.
//
// Its invariant: nothing of this process is changed by what the new one does
// before it execs, and no signal handler of this one runs in it.
package spawn

import "time"

// Attr says what the new process is. Its uid and gid are the only ones that
// its user namespace has.
type Attr struct {
	Namespaces uintptr       // CLONE_NEW… flags, CLONE_NEWUSER among them
	UID, GID   Map           // the only entries of its user namespace
	Setgroups  bool          // leave setgroups(2) allowed and drop our groups: for a caller with CAP_SETGID
	Caps       []uintptr     // ambient, and no others
	Files      []int         // its descriptors from 0 on; what else is open is closed if it is close-on-exec
	Enter      []int         // files that it writes "0" to first: the tasks of control groups of version 1
	TimerSlack time.Duration // by how much its timers may be late; 0: as ours
	CgroupDir  int           // a directory of control group version 2 to begin in; 0 for none
}

// Map is one entry of uid_map or gid_map (user_namespaces(7)).
type Map struct{ Inside, Outside int }
