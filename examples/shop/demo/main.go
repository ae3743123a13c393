// Command demo shows what Bailey does, and checks it: a curious agent works on
// the example shop twice, once without and once with Bailey.
//
// It is not a test of the parts: it sees Bailey as its user does, through the
// program alone. It believes neither the agent nor Bailey; every row of the
// table it prints is judged by the logs of the servers and the files of the
// host. Its invariant: a row is "ok" only when the run without Bailey shows
// that the attempt works at all.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// errRows says that the table has a row which is not as it must be.
var errRows = errors.New("not every row is as it must be; with KEEP=1 `make demo` keeps what the agent printed, in with/agent.log")

type options struct {
	bailey string
	shop   string
	keep   bool
}

func main() {
	var o options
	flag.StringVar(&o.bailey, "bailey", "bin/bailey", "the `program` to try")
	flag.StringVar(&o.shop, "shop", "examples/shop", "`directory` of the shop")
	flag.BoolVar(&o.keep, "keep", false, "keep the throw-away directory")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// run makes everything below one throw-away directory and removes it again.
func run(ctx context.Context, o options) error {
	bailey, err := filepath.Abs(o.bailey)
	if err != nil {
		return err
	}
	if _, err := os.Stat(bailey); err != nil {
		return fmt.Errorf("no program to try: %w (`make build` makes it)", err)
	}
	dir, err := os.MkdirTemp("", "bailey-demo-")
	if err != nil {
		return err
	}
	if o.keep {
		fmt.Println("demo: everything stays in", dir)
	} else {
		defer func() { _ = os.RemoveAll(dir) }()
	}
	host, err := newMachine()
	if err != nil {
		return err
	}
	defer host.close()
	o.bailey = bailey
	return tell(ctx, o, dir, host)
}

// tell runs the agent without Bailey first, to its end: it kills and opens
// what it can find, also in the other world if that existed.
func tell(ctx context.Context, o options, dir string, host *machine) error {
	fmt.Println("demo: letting the agent loose in the shop, without Bailey ...")
	without, err := newWorld(ctx, filepath.Join(dir, "without"), o, host)
	if err != nil {
		return err
	}
	defer without.close()
	bare := without.unleash(ctx, false)

	fmt.Println("demo: setting up the same shop behind Bailey ...")
	with, err := newWorld(ctx, filepath.Join(dir, "with"), o, host)
	if err != nil {
		return err
	}
	defer with.close()
	table := perform(ctx, with, setUp)
	fmt.Println("demo: letting the agent loose, with Bailey ...")
	kept := with.unleash(ctx, true)
	table = append(table, compare(bare, kept)...)
	table = append(table, perform(ctx, with, afterwards)...)
	if !write(os.Stdout, table) {
		return errRows
	}
	return ctx.Err()
}
