//go:build linux

// Package attack is the attacker's half of the probes: what runs as the agent,
// inside a sandbox and, as its control, outside.
//
// It knows nothing of the sandbox and judges nothing. Its invariant: every
// attack is aimed at the fixture machine only, changes nothing outside of it,
// and ends by itself.
package attack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/catalogue"
	"github.com/bailey-project/bailey/internal/probe/wire"
)

const (
	// limit bounds one attack: those that wait for an answer wait less.
	limit = 20 * time.Second
	// atOnce is how many attacks are made side by side; most of them wait.
	atOnce = 8
	// maxEvidence is what one attack may report, bytes.
	maxEvidence = 64 << 10
)

// try collects what one attack meets.
type try struct {
	probe.Target
	id       string
	args     []string
	how      []string
	claim    string
	evidence bytes.Buffer
}

// token marks everything that this attack sends.
func (t *try) token() string { return t.Target.Token(t.id) }

// met notes how a step ended; without an error the step has worked.
func (t *try) met(err error, what string) bool {
	if err == nil {
		t.claim = what
		return true
	}
	t.saw(wire.Errno(err))
	return false
}

func (t *try) saw(how string) {
	if !slices.Contains(t.how, how) {
		t.how = append(t.how, how)
	}
}

// found keeps what was read, to be searched for canaries.
func (t *try) found(b []byte) {
	if t.evidence.Len() < maxEvidence {
		t.evidence.Write(b[:min(len(b), maxEvidence-t.evidence.Len())])
		t.evidence.WriteByte('\n')
	}
}

// Run makes the named attacks, each in a process of its own, and prints a
// report of each. Those that need peace run alone at the end.
func Run(self, file string, ids []string) error {
	out := json.NewEncoder(os.Stdout)
	var printing sync.Mutex
	var group sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, id := range ids {
		group.Go(func() {
			slots <- struct{}{}
			r := separately(self, file, id)
			<-slots
			printing.Lock()
			defer printing.Unlock()
			_ = out.Encode(r)
		})
	}
	group.Wait()
	return nil
}

// separately makes one attack in a process of its own: some are killed for it.
func separately(self, file, id string) probe.Report {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, probe.Arg, "one", file, id)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = time.Second
	b, err := cmd.Output()
	var r probe.Report
	if json.Unmarshal(b, &r) == nil && r.ID == id {
		return r
	}
	r = probe.Report{ID: id}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			r.How = []string{unix.SignalName(ws.Signal())}
			return r
		}
	}
	r.How = []string{fmt.Sprintf("no report: %v", err)}
	return r
}

// One makes one attack in this process.
func One(file, id string) error {
	p, ok := catalogue.Find(id)
	if !ok {
		return fmt.Errorf("no probe %s", id)
	}
	t := &try{id: id, args: p.Args}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &t.Target)
	}
	if err != nil {
		return err
	}
	if p.Shell != "" {
		t.shell(p.Shell)
	} else if f := calls()[p.Call]; f != nil {
		f(t)
	} else {
		return fmt.Errorf("probe %s: no attack %q", id, p.Call)
	}
	if len(t.how) == 0 {
		t.saw(probe.Nothing)
	}
	slices.Sort(t.how)
	return json.NewEncoder(os.Stdout).Encode(probe.Report{ID: id, How: t.how, Claim: t.claim, Evidence: t.evidence.String()})
}

// shell runs a line with the target's places as variables. What it prints is
// evidence, a line "GOT ..." a claim, and what its programs complain of is how
// they were stopped.
func (t *try) shell(line string) {
	ctx, cancel := context.WithTimeout(context.Background(), limit/2)
	defer cancel()
	var complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, "sh", "-c", line)
	cmd.Dir, cmd.Stderr, cmd.WaitDelay = t.WS, &complaints, time.Second
	cmd.Env = append(os.Environ(), "LC_ALL=C", "WS="+t.WS, "OUT="+t.Out, "HOME="+t.Home, "OWN="+t.Own, "MARK="+t.Mark, "SOCKS="+t.Dir,
		"TOKEN="+t.token(), fmt.Sprintf("VICTIM=%d", t.Victim), fmt.Sprintf("HOSTUID=%d", t.UID), fmt.Sprintf("PORT=%d", t.Port),
		"EXT="+probe.Ext4, "TTY="+t.TTY)
	out, err := cmd.Output()
	t.found(out)
	t.found(complaints.Bytes())
	if m := regexp.MustCompile(`(?m)^GOT (.*)$`).FindSubmatch(out); m != nil {
		t.claim = string(m[1])
	}
	for text, name := range complaintNames() {
		if strings.Contains(complaints.String(), text) {
			t.saw(name)
		}
	}
	if ctx.Err() != nil {
		t.saw("timeout")
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if ws, ok := exit.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			t.saw(unix.SignalName(ws.Signal()))
		}
	}
}

// complaintNames are the texts of strerror(3) in the C locale.
func complaintNames() map[string]string {
	return map[string]string{
		"No such file or directory": "ENOENT", "Directory nonexistent": "ENOENT", "can't cd to": "ENOENT", "nonexistent directory": "ENOENT",
		"Permission denied": "EACCES", "Operation not permitted": "EPERM",
		"Read-only file system": "EROFS", "Device or resource busy": "EBUSY", "Function not implemented": "ENOSYS",
		"Invalid cross-device link": "EXDEV", "Not a directory": "ENOTDIR", "No such process": "ESRCH",
		"Text file busy": "ETXTBSY", "No such device or address": "ENXIO", "No such device": "ENODEV",
		"Connection refused": "ECONNREFUSED", "Couldn't connect": "ECONNREFUSED", "Could not connect": "ECONNREFUSED",
		"Empty reply": probe.Closed, "did not let": probe.Closed, "reset by peer": probe.Closed, "timed out": probe.Silent, "Could not resolve": probe.NoName, "Invalid argument": "EINVAL", "Too many levels of symbolic links": "ELOOP",
	}
}
