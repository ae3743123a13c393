// Package daemon is the way from a command to a server: the process that holds
// the unlocked vault behind a Unix socket, the client's side that starts it,
// replaces it and has it unlocked, and the same answers without a process, for
// machines without a terminal.
//
// It knows nothing of routes or secrets. Its invariants: one daemon serves a
// home; only processes of its user become peers; locking ends the process
// image; and a request is sent twice only when that does no harm.
package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/bailey-project/bailey/internal/server"
)

const (
	// DefaultIdle is how long the vault stays open with nobody asking.
	DefaultIdle = 8 * time.Hour
	// restIdle is how long a locked daemon waits for work before it ends.
	restIdle = 10 * time.Minute
	// drain is how long requests in flight may take to end on a lock.
	drain = 10 * time.Second
	// tick is how often idleness and the socket are looked at.
	tick = 5 * time.Second
	// quiet is how long nobody asks before memory is given back.
	quiet = time.Second
	// garbage is how much of it, in per cent of what is in use, is let lie: a
	// list of a thousand secrets makes more than the vault itself takes, and
	// what is left over goes when it is quiet.
	garbage = 200
	// inherited carries the listener and the lock across a re-execution.
	inherited = "BAILEY_DAEMON_FDS"
)

// Daemon serves one vault on a Unix socket until it is told to end. Locking
// ends the process image: it executes itself again and comes up locked, so
// that the kernel frees every page, also what the runtime copied.
type Daemon struct {
	Socket  string
	Options server.Options
	Tick    time.Duration // 0 = tick; tests shorten it

	server   *server.Server
	http     *http.Server
	listener *net.UnixListener
	conns    *counted
	lock     *os.File
	carried  *os.File // keeps the duplicate open until the next image has it
	file     fileID   // of the socket
	ending   sync.Once
	end      chan ending
}

// ending says why the daemon stops serving and what comes next.
type ending struct {
	reason string
	again  bool // execute itself again, locked
}

// Run serves until ctx ends, a signal arrives or nobody needs the daemon. It
// returns nil at once when another daemon serves the socket already.
func (d *Daemon) Run(ctx context.Context) error {
	harden()
	debug.SetGCPercent(garbage)
	syscall.Umask(0o077)
	d.end = make(chan ending, 1)
	if err := d.acquire(); err != nil || d.listener == nil {
		return err
	}
	d.Options.OnLock = func() { d.stop(ending{reason: "locked", again: true}) }
	d.Options.OnReplace = func() { d.stop(ending{reason: "replaced by a newer build"}) }
	d.server = server.New(d.Options)
	d.http = &http.Server{
		Handler: d.server, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ConnContext: connContext(os.Geteuid()),
	}
	serving := make(chan error, 1)
	d.conns = &counted{UnixListener: d.listener}
	go func() { serving <- d.http.Serve(d.conns) }()
	go d.watch(ctx)
	select {
	case err := <-serving:
		return errors.Join(err, d.server.Close())
	case e := <-d.end:
		return d.finish(e)
	}
}

func (d *Daemon) stop(e ending) { d.ending.Do(func() { d.end <- e }) }

// watch ends the daemon on signals, on idleness, and when its socket is no
// longer the one that clients find.
func (d *Daemon) watch(ctx context.Context) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	if d.Tick == 0 {
		d.Tick = tick
	}
	every, breath := time.NewTicker(d.Tick), time.NewTicker(quiet)
	defer every.Stop()
	defer breath.Stop()
	rested := false
	for {
		select {
		case <-ctx.Done():
			d.stop(ending{reason: "told to end"})
			return
		case s := <-signals:
			d.stop(ending{reason: s.String(), again: s == syscall.SIGHUP})
			return
		case <-breath.C:
			rested = d.rest(rested)
		case <-every.C:
			if e, yes := d.due(); yes {
				d.stop(e)
				return
			}
		}
	}
}

// rest gives memory back to the system once nobody asked for a while: a list
// of a thousand secrets takes more for a moment than all that is kept.
func (d *Daemon) rest(rested bool) bool {
	if d.server.IdleFor() < quiet {
		return false
	}
	if !rested {
		debug.FreeOSMemory()
	}
	return true
}

// due says whether it is time to lock or to end.
func (d *Daemon) due() (ending, bool) {
	idle := d.server.IdleFor()
	switch {
	case !d.socketIsOurs():
		return ending{reason: "the socket is gone"}, true
	case !d.server.Locked() && d.Options.Idle > 0 && idle >= d.Options.Idle:
		return ending{reason: "idle", again: true}, true
	case d.server.Locked() && idle >= restIdle:
		return ending{reason: "not needed"}, true
	}
	return ending{}, false
}

// finish lets requests in flight end, closes the vault and leaves, either for
// good or into a fresh image of this program.
func (d *Daemon) finish(e ending) error {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	d.server.End()
	var carry string
	if e.again {
		carry = d.carry()
	} else if d.socketIsOurs() {
		_ = os.Remove(d.Socket)
	}
	err := d.http.Shutdown(ctx)
	d.conns.wait(ctx)
	err = errors.Join(err, d.server.Close())
	d.Options.Logf("daemon ends: %s", e.reason)
	if carry == "" {
		return err
	}
	env := append(withoutInherited(os.Environ()), inherited+"="+carry)
	return fmt.Errorf("executing itself again: %w", syscall.Exec(self(), os.Args, env))
}
