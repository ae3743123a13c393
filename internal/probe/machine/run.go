//go:build linux

package machine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/catalogue"
)

// patience bounds one run of a batch of attacks.
const patience = 90 * time.Second

// side is one of the two runs of a probe.
type side struct {
	sandbox bool
	caps    bool // the capabilities of the machine, for controls that say so
}

// all tries every probe of the job and prints the results.
func (w *world) all(out *json.Encoder) error {
	for _, batch := range w.batches() {
		for _, r := range w.try(batch) {
			if err := out.Encode(r); err != nil {
				return err
			}
		}
	}
	return nil
}

// batches are the probes that share a session: those that disturb nothing in
// one, every other by itself.
func (w *world) batches() (batches [][]probe.Probe) {
	var shared []probe.Probe
	for _, c := range catalogue.All() {
		for _, p := range c.Probes {
			switch {
			case !Tries(w.job, p):
			case p.Alone || p.Scene != "" || p.Positive || w.job.Runner != nil: // a peer may end at the first
				batches = append(batches, []probe.Probe{p})
			default:
				shared = append(shared, p)
			}
		}
	}
	if len(shared) > 0 {
		batches = append([][]probe.Probe{shared}, batches...)
	}
	return batches
}

// try runs a batch outside and inside, and judges.
func (w *world) try(batch []probe.Probe) (results []probe.Result) {
	var plain, caps []probe.Probe
	for _, p := range batch {
		if p.Caps && os.Getuid() != 0 {
			caps = append(caps, p)
		} else {
			plain = append(plain, p)
		}
	}
	control := map[string]probe.Seen{}
	if !w.job.SandboxOnly {
		control = w.run(plain, side{})
		maps.Copy(control, w.run(caps, side{caps: true}))
	}
	inside := w.run(batch, side{sandbox: true})
	for _, p := range batch {
		stop := p.In(w.job.Mode.Name)
		r := probe.Result{ID: p.ID, Attack: p.Attack, Layer: stop.Layer, Mode: w.job.Mode.Name, Regime: w.regime(), Sandbox: inside[p.ID], Control: control[p.ID]}
		r.Verdict, r.Listed = p.Judge(r.Mode, r.Sandbox, r.Control)
		results = append(results, r)
	}
	return results
}

// regime is as whom, and on what kernel.
func (w *world) regime() string {
	r := "user"
	if w.target.UID == 0 {
		r = "root"
	}
	if w.job.ABI > 0 {
		r += fmt.Sprintf(", Landlock %d", w.job.ABI)
	}
	return r
}

// run makes the attacks of a batch on one side, from a fresh start.
func (w *world) run(batch []probe.Probe, s side) map[string]probe.Seen {
	seen := map[string]probe.Seen{}
	if len(batch) == 0 {
		return seen
	}
	if err := w.reset(); err != nil {
		return failed(batch, err.Error())
	}
	w.sinks.Clear()
	if p := batch[0]; p.Scene != "" {
		return map[string]probe.Seen{p.ID: w.scene(p, s)}
	}
	before := w.snapshots(batch)
	reports, complaints, err := w.attack(batch, s)
	if err != nil {
		return failed(batch, err.Error())
	}
	for _, p := range batch {
		r, ok := reports[p.ID]
		if !ok {
			seen[p.ID] = probe.Seen{How: []string{"no report"}, Note: complaints}
			continue
		}
		seen[p.ID] = w.judge(p, r, before)
	}
	return seen
}

func failed(batch []probe.Probe, why string) map[string]probe.Seen {
	seen := map[string]probe.Seen{}
	for _, p := range batch {
		seen[p.ID] = probe.Seen{How: []string{"not run"}, Note: why}
	}
	return seen
}

// attack starts the attacker and reads what it reports.
func (w *world) attack(batch []probe.Probe, s side) (map[string]probe.Report, string, error) {
	file := w.target.WS + "/.attack/target.json"
	b, err := json.Marshal(w.target)
	if err == nil {
		err = os.WriteFile(file, b, 0o644)
	}
	if err != nil {
		return nil, "", err
	}
	args := []string{w.target.WS + "/.attack/bailey", probe.Arg, "run", file}
	for _, p := range batch {
		args = append(args, p.ID)
	}
	var flags []string
	if batch[0].ID == "A02" {
		flags = []string{"--allow", "ok.example"}
	}
	stop := w.meanwhile()
	defer stop()
	out, complaints, _ := w.output(w.command(s, flags, args...))
	reports := map[string]probe.Report{}
	d := json.NewDecoder(bytes.NewReader(out))
	for {
		var r probe.Report
		if d.Decode(&r) != nil {
			break
		}
		reports[r.ID] = r
	}
	return reports, complaints, nil
}

// command is args as the side runs them: as they are, or by bailey agent.
func (w *world) command(s side, flags []string, args ...string) *exec.Cmd {
	argv := args
	switch {
	case s.sandbox && w.job.Runner != nil:
		argv = nil
		for _, a := range w.job.Runner {
			argv = append(argv, strings.NewReplacer("{ws}", w.target.WS, "{home}", w.target.Home, "{dir}", w.job.Dir).Replace(a))
		}
		argv = append(argv, args...)
	case s.sandbox:
		argv = []string{w.job.Dir + "/bin/bailey", "agent"}
		if w.job.ABI > 0 {
			argv = []string{w.job.Dir + "/bin/bailey", probe.Arg, "abi", fmt.Sprint(w.job.ABI), argv[0], "agent"}
		}
		argv = append(append(append(argv, w.job.Mode.Flags...), flags...), append([]string{"--"}, args...)...)
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env, cmd.ExtraFiles = w.target.WS, w.env, w.fds
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if s.caps {
		cmd.SysProcAttr.AmbientCaps = w.caps()
	}
	return cmd
}

// output runs cmd to its end, or to the end of patience.
func (w *world) output(cmd *exec.Cmd) (out []byte, complaints string, err error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &stdout, &stderr, time.Second
	if err := cmd.Start(); err != nil {
		return nil, err.Error(), err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL) })
	err = cmd.Wait()
	if !stop() {
		err = ctx.Err()
	}
	return stdout.Bytes(), stderr.String(), err
}

// meanwhile plays the part of the host's programs while an attack runs: a dev
// server that makes a socket in the project when it is asked to.
func (w *world) meanwhile() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if _, err := os.Lstat(w.target.WS + "/want-socket"); err == nil {
					_ = os.Link(w.target.Dir+"/late.sock", w.target.WS+"/late.sock")
				}
			}
		}
	}()
	return func() { cancel(); <-done }
}

// judge puts together what the attacker reports and what the host sees.
func (w *world) judge(p probe.Probe, r probe.Report, before map[string]string) probe.Seen {
	s := probe.Seen{How: r.How}
	for _, line := range p.Host {
		cmd := exec.Command("timeout", "20", "sh", "-c", line)
		cmd.Dir, cmd.Env = w.target.WS, append(slices.Clone(w.env), "MARK="+w.target.Mark, "EDITOR=true")
		_, _ = cmd.CombinedOutput()
	}
	if _, err := os.Lstat(w.target.Mark); err == nil {
		s.Leaked, s.Proof = true, "what was planted ran outside"
	}
	for _, path := range p.Watch {
		if now := snapshot(w.path(path)); now != before[path] {
			s.Leaked, s.Proof = true, fmt.Sprintf("%s: was %.60q, is %.60q", path, before[path], now)
		}
		if w.movedAway(strings.TrimPrefix(path, "ws:")) && !slices.Contains(s.How, probe.Quarantined) {
			s.How = append(slices.DeleteFunc(s.How, func(h string) bool { return h == probe.Nothing }), probe.Quarantined)
		}
	}
	if where := w.sinks.Got(w.target.Token(p.ID)); where != "" {
		s.Leaked, s.Proof = true, "arrived at "+where
	}
	if place := w.seen(r.Evidence); place != "" {
		s.Leaked, s.Proof = true, "read "+place
	}
	if r.Claim != "" && !s.Leaked {
		s.Leaked, s.Proof = true, r.Claim
	}
	return s
}

// movedAway looks whether a path of the project, or a directory above it, lies
// among what sessions moved away.
func (w *world) movedAway(path string) bool {
	moved, _ := filepath.Glob(w.target.Own + "/sessions/*/quarantine/*")
	for ; path != "."; path = filepath.Dir(path) {
		for _, m := range moved {
			if strings.HasSuffix(m, "-"+strings.ReplaceAll(path, "/", "_")) {
				return true
			}
		}
	}
	return false
}

// path resolves the places that Watch names.
func (w *world) path(p string) string {
	place, rel, _ := strings.Cut(p, ":")
	return map[string]string{"ws": w.target.WS, "home": w.target.Home, "out": w.target.Out, "own": w.target.Own}[place] + "/" + rel
}

func (w *world) snapshots(batch []probe.Probe) map[string]string {
	all := map[string]string{}
	for _, p := range batch {
		for _, path := range p.Watch {
			all[path] = snapshot(w.path(path))
		}
	}
	return all
}

// snapshot is everything of a file that an attacker could change; of a
// directory only that it is one.
func snapshot(path string) string {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return "absent"
	}
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		b, _ := os.ReadFile(path)
		sum := sha256.Sum256(b)
		x := make([]byte, 64)
		n, _ := unix.Getxattr(path, "user.x", x)
		return fmt.Sprintf("file %o %d.%d %x %q", st.Mode, st.Mtim.Sec, st.Mtim.Nsec, sum[:8], x[:max(n, 0)])
	case unix.S_IFLNK:
		to, _ := os.Readlink(path)
		return "link to " + to
	}
	return fmt.Sprintf("%o", st.Mode)
}
