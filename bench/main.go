// Command bench measures Bailey side by side with what it is compared to, in
// one go, and prints ratios.
//
// It is a report and not a gate: a missed target is said, and the exit status
// is 0. Its invariant: the two sides of a ratio were measured alternately in
// the same run, as the same user, so that a loaded machine slows both.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"os/user"
)

type options struct {
	bailey   string
	payments string
	rounds   int
	names    bool
	vault    bool
}

func main() {
	var o options
	flag.StringVar(&o.bailey, "bailey", "bin/bailey", "the `program` to measure")
	flag.StringVar(&o.payments, "payments", "bin/demo/payments", "the payments `program` of the example shop")
	flag.IntVar(&o.rounds, "rounds", 40, "`times` that each program is started")
	flag.BoolVar(&o.names, "names", false, "measure what --strict-names costs, and nothing else")
	flag.BoolVar(&o.vault, "vault", false, "measure the vault, and nothing else")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if o.names || o.vault {
		compare := compareNames
		if o.vault {
			compare = compareKeep
		}
		rows, err := compare(ctx, o)
		if err == nil {
			report(os.Stdout, rows)
		}
		return err
	}
	w, err := newWorld(ctx, o)
	if err != nil {
		return err
	}
	defer w.close()
	name := fmt.Sprint("uid ", os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	fmt.Printf("bench: as %s, medians of %d interleaved rounds; single times depend on this machine, the ratios should not\n\n", name, o.rounds)
	rows := compareStarts(ctx, w, o.rounds)
	rows = append(rows, compareRequests(ctx, w)...)
	rows = append(rows, compareInside(ctx, w, o.rounds)...)
	rows = append(rows, idleSession(ctx, w))
	report(os.Stdout, rows)
	return ctx.Err()
}
