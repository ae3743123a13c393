package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// status is what a person at a prompt waits for: the median of five. The first
// also reads what was not read before, and a session that begins has work of
// its own beside it, so it is not timed.
const status = "git status >/dev/null; for i in 1 2 3 4 5; do " + clock +
	"git status >/dev/null; echo $(($(date +%s%N)-s)); done | sort -n | sed -n 3p"

// compareInside times work in a project of 20,000 files within a session and
// outside, in turn.
func compareInside(ctx context.Context, w *world, rounds int) []row {
	many := *w
	many.project = filepath.Join(w.home, "many")
	in, out := &start{name: "git status of 20,000 files, inside"}, &start{name: "the same outside"}
	if err := many.writeMany(ctx); err != nil {
		in.err = err
		return []row{pair(in, out)}
	}
	for range max(rounds/4, 3) {
		for s, argv := range map[*start][]string{
			in:  {w.bailey, "agent", "-q", "--", "sh", "-ec", status},
			out: {"sh", "-ec", status},
		} {
			if s.err == nil && ctx.Err() == nil {
				many.clocked(ctx, s, argv)
			}
		}
	}
	r := pair(in, out)
	if r.err == nil {
		r.ratio = float64(in.median()) / float64(out.median())
		r.judge(r.ratio <= 1.05, 1.05, "≤ 1.05 ×")
	}
	return []row{r}
}

func (w *world) writeMany(ctx context.Context) error {
	var err error
	for i := range 20000 {
		err = errors.Join(err, w.put(fmt.Sprintf("d%d/f%d", i/100, i), "text\n"))
	}
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sh", "-ec", "git init -q; git add .; git -c user.name=bench -c user.email=bench@bench.test commit -qm bench")
	cmd.Dir, cmd.Env = w.project, w.environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, lastLine(out))
	}
	return nil
}

// clocked takes the nanoseconds that the script prints.
func (w *world) clocked(ctx context.Context, s *start, argv []string) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = w.project, w.environment()
	out, err := cmd.Output()
	n := 0
	if err == nil {
		n, err = strconv.Atoi(strings.TrimSpace(string(out)))
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, lastLine(exit.Stderr))
	}
	s.times, s.err = append(s.times, time.Duration(n)), err
}

// settled is when a session that does nothing has given back what it needed to
// start.
const settled = 3 * time.Second

// idleSession says what a session costs that waits: the memory of its two
// processes, what both map of the one program counted once.
func idleSession(ctx context.Context, w *world) row {
	r := row{what: "memory of an idle session", err: w.daemonless}
	if r.err != nil {
		return r
	}
	cmd := exec.CommandContext(ctx, w.bailey, "agent", "-q", "--", "sleep", "60")
	cmd.Dir, cmd.Env = w.project, w.environment()
	if r.err = cmd.Start(); r.err != nil {
		return r
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed: its error says nothing
	}()
	select {
	case <-time.After(settled):
	case <-ctx.Done():
	}
	var kb int
	if kb, r.err = sessionMemory(cmd.Process.Pid); r.err != nil {
		return r
	}
	r.measured = fmt.Sprintf("%.1f MB", float64(kb)/1024)
	r.judge(kb <= 25<<10, 25, "≤ 25 MB")
	return r
}

// sessionMemory is in kB.
func sessionMemory(pid int) (int, error) {
	first, err := childOf(pid)
	if err != nil {
		return 0, err
	}
	anonymous, mapped := 0, 0
	for _, p := range []int{pid, first} {
		a, f, err := memoryOf(p)
		if err != nil {
			return 0, err
		}
		anonymous, mapped = anonymous+a, max(mapped, f)
	}
	return anonymous + mapped, nil
}

// childOf finds the first process of the sandbox.
func childOf(pid int) (int, error) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, t := range tasks {
		b, err := os.ReadFile(t)
		if fields := strings.Fields(string(b)); err == nil && len(fields) > 0 {
			return strconv.Atoi(fields[0])
		}
	}
	return 0, errors.New("the session has no process")
}

// memoryOf reads proc_pid_status(5), which is open for every process.
func memoryOf(pid int) (anonymous, mapped int, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		var n int
		switch name, value, _ := strings.Cut(line, ":"); name {
		case "RssAnon", "RssShmem":
			if _, err := fmt.Sscan(value, &n); err != nil {
				return 0, 0, err
			}
			anonymous += n
		case "RssFile":
			if _, err := fmt.Sscan(value, &mapped); err != nil {
				return 0, 0, err
			}
		}
	}
	return anonymous, mapped, nil
}
