// Package entry hands the bailey binary over to one of the programs of the
// probes: the fixture machine, the attacker in it, and what both start.
//
// It decides nothing and is not a command of the user's. Its invariant: no
// program here can do more than a program that the caller wrote itself.
package entry

import (
	"fmt"
	"os"

	"github.com/bailey-project/bailey/internal/probe/actor"
	"github.com/bailey-project/bailey/internal/probe/attack"
	"github.com/bailey-project/bailey/internal/probe/lack"
	"github.com/bailey-project/bailey/internal/probe/machine"
)

// Main runs the program that args name and returns its exit status.
func Main(args []string) int {
	code, err := run(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bailey-probe:", err)
		return 1
	}
	return code
}

func run(args []string) (int, error) {
	arg := func(i int) string {
		if i < len(args) {
			return args[i]
		}
		return ""
	}
	switch arg(0) {
	case "machine":
		return 0, machine.Main(os.Stdin, os.Stdout)
	case "run":
		return 0, attack.Run(os.Args[0], arg(1), args[min(2, len(args)):])
	case "one":
		return 0, attack.One(arg(1), arg(2))
	case "victim":
		return 0, actor.Victim(arg(1))
	case "serve":
		return 0, actor.Serve(arg(1))
	case "beacon":
		return 0, actor.Beacon(arg(1), arg(2))
	case "forge":
		return 0, actor.Forge()
	case "tty":
		return 0, actor.TTY(arg(1))
	case "without":
		return 0, lack.Layer(arg(1), args[min(2, len(args)):])
	case "abi":
		return lack.ABI(arg(1), args[min(2, len(args)):])
	}
	return 2, fmt.Errorf("no program %q", arg(0))
}
