//go:build !linux

package sandbox

import (
	"context"
	"net"
	"os"
)

// Process is never made on this system.
type Process struct {
	Network Network
	Stdio   Stdio
	Regime  Regime
	Notices <-chan Notice
}

// errNone says what to do instead; there is no weaker sandbox in silence.
var errNone = &Failure{
	Reason: "no sandbox on this system: it needs the Linux kernel",
	Mend:   "run bailey agent on a Linux machine, over ssh; vault and run work here",
}

// Start refuses.
func Start(context.Context, Spec) (*Process, error) { return nil, errNone }

// Launch refuses.
func Launch(Base) (*Process, error) { return nil, errNone }

// Launched refuses.
func (*Process) Launched() error { return errNone }

// Build refuses.
func (*Process) Build(Spec) error { return errNone }

// Run refuses.
func (*Process) Run(context.Context) error { return errNone }

// Kill does nothing.
func (*Process) Kill() {}

// Close does nothing.
func (*Process) Close() error { return nil }

// Landlock refuses.
func Landlock() (abi, errata int, err error) { return 0, 0, errNone }

// Release is empty.
func Release() string { return "" }

// Seccomp refuses.
func Seccomp() error { return errNone }

// Groups is empty.
func Groups() string { return "" }

// PID1 refuses.
func PID1(NameRules) { os.Exit(1) }

// Signal refuses.
func (*Process) Signal(os.Signal) error { return errNone }

// Pin refuses.
func (*Process) Pin(string, []byte) error { return errNone }

// Protect refuses.
func (*Process) Protect(string) error { return errNone }

// Dial refuses.
func (*Process) Dial(context.Context, uint16) (*net.TCPConn, error) { return nil, errNone }

// Ended refuses.
func (*Process) Ended() (Exit, error) { return Exit{}, errNone }

// Wait refuses.
func (*Process) Wait() (Exit, error) { return Exit{}, errNone }
