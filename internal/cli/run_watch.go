package cli

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/job"
	"github.com/bailey-project/bailey/internal/term"
)

const (
	// endGrace is how long a command may take to end before it is made to.
	endGrace = 10 * time.Second
	// gathered is how long changes are gathered, so that many cause one restart.
	gathered = 300 * time.Millisecond
	// lookElsewhere is how often a place other than the vault is asked.
	lookElsewhere = 30 * time.Second
	// resume is how long a stream that broke, or a locked vault, is left alone.
	resume = 5 * time.Second
)

// runWatched is run, staying beside the command: when a value changes, the
// command is ended with what it started and begins anew with the new values.
func runWatched(ctx context.Context, p place, vars []variable, args []string) error {
	path, err := program(args)
	if err != nil {
		return err
	}
	var tty *os.File
	if term.Std().InIsTerminal() {
		if tty, err = os.OpenFile("/dev/tty", os.O_RDWR, 0); err != nil {
			return err
		}
		defer tty.Close()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	client := silent()
	changed := follow(ctx, client, p)
	for {
		env, err := environ(os.Environ(), vars)
		if err != nil {
			return err
		}
		j, err := job.Start(path, args, env, tty)
		if err != nil {
			return notStarted(args, err)
		}
		next, err := untilChanged(ctx, j, changed, func() ([]variable, error) { return gather(ctx, client, p) }, vars)
		if err != nil {
			return err
		}
		if next == nil {
			return status(j.Code())
		}
		term.Std().Notef("%s changed: starting %s again", strings.Join(differing(vars, next), ", "), filepath.Base(args[0]))
		j.End(endGrace)
		vars = next
	}
}

// untilChanged waits for the command's end, or for other values: nil is the
// end. What cannot be read leaves the command as it is.
func untilChanged(ctx context.Context, j *job.Job, changed <-chan struct{}, read func() ([]variable, error), vars []variable) ([]variable, error) {
	for {
		select {
		case <-j.Done():
			return nil, nil
		case <-ctx.Done():
			j.End(endGrace)
			return nil, api.ErrInterrupted
		case <-changed:
		}
		select {
		case <-j.Done():
			return nil, nil
		case <-time.After(gathered):
		}
		next, err := read()
		if err != nil || len(differing(vars, next)) == 0 {
			continue
		}
		return next, nil
	}
}

// differing are the names that have another value, or only one of both has.
func differing(before, after []variable) []string {
	have := map[string]variable{}
	for _, v := range before {
		have[v.name] = v
	}
	names := map[string]bool{}
	for _, v := range after {
		old, ok := have[v.name]
		if delete(have, v.name); !ok || !old.value.Equal(v.value) {
			names[v.name] = true
		}
	}
	for name := range have {
		names[name] = true
	}
	return slices.Sorted(maps.Keys(names))
}

// follow tells of every change in the project, and of those that it may have
// missed while it was not told itself.
func follow(ctx context.Context, client *api.Client, p place) <-chan struct{} {
	changed := make(chan struct{}, 1)
	poke := func(string, string) {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	go func() {
		for ctx.Err() == nil {
			if w, err := client.Watch(ctx, p.Project); err == nil {
				poke("", "")
				w.Each(poke)
			}
			pause(ctx, resume)
		}
	}()
	if elsewhere(p) != "" {
		go lookAround(ctx, client, p)
	}
	return changed
}

// lookAround brings the copy of a place up to date from time to time.
func lookAround(ctx context.Context, client *api.Client, p place) {
	e, err := mirrored(client, p)
	for err == nil && ctx.Err() == nil {
		pause(ctx, lookElsewhere)
		_, _ = e.Update(ctx) // next time, if not now
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
