// Nothing here runs long enough on many processors to care for the quota of a
// control group, and to find it the runtime would read mountinfo at each start.
//
//go:debug containermaxprocs=0
//go:debug updatemaxprocs=0

// Command bailey keeps secrets in a vault and lets coding agents work without
// them. It does nothing but dispatch; see internal/cli.
package main

import (
	"os"

	"github.com/bailey-project/bailey/internal/cli"
	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/sandbox"
)

// version is set by the linker.
var version = "unknown"

func main() {
	// The first process of a sandbox is this file, too. It must not pay for
	// anything else.
	if len(os.Args) > 1 && os.Args[1] == sandbox.InitArg {
		pid1()
	}
	if len(os.Args) > 1 && os.Args[1] == probe.Arg {
		attack()
	}
	os.Exit(cli.Main(version, os.Args[1:]))
}
