package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// start is a program whose whole life is timed, from fork to wait.
type start struct {
	name  string
	dir   string
	argv  []string
	times []time.Duration
	err   error
}

// Names of the starts, as the table quotes them.
const (
	bare      = "/bin/true"
	hello     = "a static Go hello"
	bubble    = "minimal bubblewrap"
	version   = "bailey version"
	agent     = "bailey agent -- /bin/true"
	agentKept = "the same, with vault and a bound key"
	runTrue   = "bailey run -- true"
)

// compareStarts starts every program once per round, in turn.
func compareStarts(ctx context.Context, w *world, rounds int) []row {
	starts := w.starts()
	for range rounds {
		for _, s := range starts {
			if s.err == nil && ctx.Err() == nil {
				s.once(ctx, w)
			}
		}
	}
	m := map[string]*start{}
	for _, s := range starts {
		m[s.name] = s
	}
	return []row{
		ratio(m[agent], m[bubble], 3),
		ratio(m[agentKept], m[bubble], 0),
		ratio(m[agent], m[bare], 0),
		ratio(m[bubble], m[bare], 0),
		absolute(m[version], 6*time.Millisecond),
		ratio(m[version], m[hello], 0),
		difference(m[runTrue], m[bare], 10*time.Millisecond),
	}
}

func (w *world) starts() []*start {
	self, err := os.Executable()
	starts := []*start{
		{name: bare, dir: w.empty, argv: []string{"/bin/true"}},
		{name: hello, dir: w.empty, argv: []string{strings.TrimSuffix(self, "bench") + "hello"}, err: err},
		{name: bubble, dir: w.empty, argv: bubblewrap()},
		{name: version, dir: w.empty, argv: []string{w.bailey, "version"}},
		{name: agent, dir: w.empty, argv: []string{w.bailey, "agent", "--", "/bin/true"}},
		{name: agentKept, dir: w.project, argv: []string{w.bailey, "agent", "--", "/bin/true"}, err: w.daemonless},
		{name: runTrue, dir: w.project, argv: []string{w.bailey, "run", "--", "true"}, err: w.daemonless},
	}
	return starts
}

// bubblewrap is the least sandbox that is one: own namespaces, a read-only
// system, nothing else.
func bubblewrap() []string {
	argv := []string{"bwrap", "--unshare-all", "--ro-bind", "/usr", "/usr"}
	for _, dir := range []string{"/lib", "/lib64", "/bin"} {
		if target, err := os.Readlink(dir); err == nil {
			argv = append(argv, "--symlink", target, dir)
		} else if _, err := os.Stat(dir); err == nil {
			argv = append(argv, "--ro-bind", dir, dir)
		}
	}
	return append(argv, "--proc", "/proc", "--dev", "/dev", "/bin/true")
}

func (s *start) once(ctx context.Context, w *world) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, s.argv[0], s.argv[1:]...)
	cmd.Dir, cmd.Env, cmd.Stderr = s.dir, w.environment(), &stderr
	begin := time.Now()
	err := cmd.Run()
	s.times = append(s.times, time.Since(begin))
	if err != nil {
		s.err = fmt.Errorf("%w: %s", err, lastLine(stderr.Bytes()))
	}
}

func (s *start) median() time.Duration {
	return median(s.times)
}

func median[T ~int64 | ~float64](values []T) T {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
