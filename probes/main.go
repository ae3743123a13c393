// Command probes tries every probe of the catalogue on this machine and prints
// what came of it, as a table or as JSON; or it prints the catalogue itself as
// the page doc/probes.md.
//
// It is not a test: probes_test.go is. Its invariant: it prints a probe as
// stopped only when the control of that probe was seen to succeed, or says why
// not.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/catalogue"
	"github.com/bailey-project/bailey/internal/probe/machine"
)

func main() {
	var o options
	flag.StringVar(&o.bailey, "bailey", "bin/bailey", "the `program` to try")
	flag.StringVar(&o.ids, "id", "", "only these `probes`, as in B01,C03")
	flag.StringVar(&o.mode, "mode", "", "try a mode that is no column yet, with its `flags` of bailey agent, as in \"review=--review\"")
	flag.IntVar(&o.abi, "abi", 0, "pretend that the kernel has this Landlock `version`")
	flag.BoolVar(&o.json, "json", false, "machine-readable")
	flag.StringVar(&o.peers, "peers", "", "compare with the sandboxes installed in this `directory`, and print one table")
	flag.BoolVar(&o.doc, "doc", false, "print doc/probes.md and try nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "probes:", err)
		os.Exit(1)
	}
}

type options struct {
	bailey, ids, peers, mode string
	abi                      int
	json, doc                bool
}

func run(ctx context.Context, o options) error {
	if o.doc {
		fmt.Print(catalogue.Page())
		return nil
	}
	if o.peers != "" {
		return compare(ctx, o)
	}
	job := machine.Job{Mode: probe.Modes()[0], ABI: o.abi}
	if o.ids != "" {
		job.IDs = strings.Split(o.ids, ",")
	}
	if o.mode != "" {
		name, flags, _ := strings.Cut(o.mode, "=")
		job.Mode = probe.Mode{Name: name, Flags: strings.Fields(flags)}
	}
	var all []probe.Result
	err := machine.Run(ctx, o.bailey, job, func(r probe.Result) {
		all = append(all, r)
		if !o.json {
			fmt.Println(line(r))
		}
	})
	if o.json {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		_ = e.Encode(all)
	}
	return err
}

func line(r probe.Result) string {
	mark := "ok  "
	switch {
	case r.Verdict != "":
		mark = "FAIL"
	case r.Listed != "":
		mark = "note"
	}
	return fmt.Sprintf("%s %-32s %-40s %s%s", mark, r.ID, strings.Join(r.Sandbox.How, " ")+" ("+r.Layer+")", r.Verdict, r.Listed)
}
