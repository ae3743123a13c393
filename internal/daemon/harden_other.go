//go:build !linux

package daemon

import "golang.org/x/sys/unix"

// hide has no equivalent here.
func hide() {}

// harden forbids core files; who may trace whom is the system's business.
func harden() { _ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
