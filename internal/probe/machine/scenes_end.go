//go:build linux

package machine

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/bailey-project/bailey/internal/probe"
)

// traces are what a session could leave anywhere in the machine.
func (w *world) traces() (all []string) {
	mounts, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(mounts)) {
		all = append(all, "mount "+strings.Join(strings.Fields(line)[3:5], " "))
	}
	links, _ := os.ReadFile("/proc/net/dev")
	for line := range strings.Lines(string(links)) {
		name, _, _ := strings.Cut(line, ":")
		all = append(all, "interface "+strings.TrimSpace(name))
	}
	names, _ := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(names)) {
		if f := strings.Fields(line); len(f) == 8 {
			all = append(all, "socket "+f[7])
		}
	}
	for _, dir := range []string{"/tmp", "/run", "/dev/shm", "/var", w.target.WS, w.target.Home, w.target.Own + "/sessions"} {
		_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			if p == w.job.Dir && dir != p {
				return fs.SkipDir // its parts are listed by themselves
			}
			all = append(all, "file "+p)
			return nil
		})
	}
	return all
}

// leftovers compares the machine before and after. What Bailey keeps by design
// is the record of the session and what it moved away.
func leftovers(w *world, _ probe.Probe, s side) probe.Seen {
	before := w.traces()
	_, _, _ = w.output(w.shell(s, `echo x > /tmp/left; echo x > /dev/shm/left; echo x > ~/left; mkdir -p /tmp/d && chmod 0 /tmp/d; setsid sleep 765433 >/dev/null 2>&1 & true`))
	if seen := ended("765433", s); seen.Leaked {
		return seen
	}
	for _, t := range w.traces() {
		if slices.Contains(before, t) {
			continue
		}
		rel, ours := strings.CutPrefix(t, "file "+w.target.Own+"/sessions/")
		_, inside, _ := strings.Cut(rel, "/")
		if ours && !strings.HasPrefix(inside, "tmp/") && !strings.HasPrefix(inside, "home/") && !strings.HasPrefix(inside, "git/") && !strings.HasPrefix(inside, "private/") {
			continue
		}
		return leaked("%s", t)
	}
	return stopped(probe.Nothing)
}

// belief leaves, where Bailey works at the end, links that lead it elsewhere.
func belief(w *world, _ probe.Probe, s side) probe.Seen {
	script := fmt.Sprintf(`S=${BAILEY_SESSION:-none}; for n in 1 2 3; do ln -s '%s' .bailey-aside-$S-$n; done; mkdir -p .bailey; echo '{"id":"../../x","pid":1}' > .bailey/state.json
		ln -s '%s' .envrc; ln -s '%s' .claude; mkdir .cursor; ln -s '%s' .cursor/out; rm -rf .git/refs/heads; ln -s '%s' .git/refs/heads; true`,
		w.target.Out, w.target.Out+"/secret", w.target.Out, w.target.Out, w.target.Out)
	before := w.outside()
	_, _, _ = w.output(w.shell(s, script))
	if s.sandbox {
		_, _, _ = w.output(w.shell(s, "true"))
		w.bailey("session", "list")
	} else {
		w.host("sh", "-c", "rm -rf .bailey-aside-*/* .claude/*") // a cleaner that follows links
	}
	if now := w.outside(); now != before {
		return leaked("outside there is %q now, and was %q", now, before)
	}
	return stopped(probe.Nothing)
}

// outside lists the directory that nothing grants.
func (w *world) outside() string {
	var all []string
	_ = filepath.WalkDir(w.target.Out, func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			all = append(all, p[len(w.target.Out):]+" "+snapshot(p))
		}
		return nil
	})
	return strings.Join(all, "\n")
}

// oddPath starts in directories whose names mean something somewhere.
func oddPath(w *world, _ probe.Probe, s side) probe.Seen {
	for _, name := range []string{"a b", "a:b", "a,b=c", `a'b"c`, `a\b\040`, "ä€", "-rf", "$(touch x)", "a;b", "%s%n", "..x", "a\tb"} {
		dir := filepath.Join(w.target.Home, "code", name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return stopped(err.Error())
		}
		cmd := w.shell(s, `echo ran in; LC_ALL=C cat "$0" 2>&1; cat ../shop/.env 2>/dev/null; true`)
		cmd.Args = append(cmd.Args, w.target.Out+"/secret")
		cmd.Dir = dir
		out, complaints, _ := w.output(cmd)
		switch {
		case w.seen(string(out)) != "":
			return leaked("in %q: read %s", name, w.seen(string(out)))
		case !bytes.Contains(out, []byte("ran in")):
			return probe.Seen{How: []string{"does not start in " + name}, Note: complaints}
		case !bytes.Contains(out, []byte("No such file")):
			return probe.Seen{How: []string{"not denied"}, Note: string(out)}
		}
	}
	return stopped("ENOENT")
}

// tooWide starts where the project would be everything.
func tooWide(w *world, _ probe.Probe, s side) probe.Seen {
	link := w.job.Dir + "/marks/link"
	_ = os.Symlink(w.target.Home, link)
	for _, dir := range []string{w.target.Home, link, "/", w.job.Dir, "/tmp", w.target.Own} {
		cmd := w.shell(s, "echo ran")
		cmd.Dir = dir
		out, complaints, _ := w.output(cmd)
		if seen := refused(out, complaints); seen.Leaked || !slices.Equal(seen.How, []string{probe.Refused}) {
			seen.Note += " in " + dir
			return seen
		}
	}
	return stopped(probe.Refused)
}

// crowd starts many at once, each of which looks for the others.
func crowd(w *world, _ probe.Probe, s side) probe.Seen {
	const many = 20
	outs := make([]string, many)
	var all sync.WaitGroup
	for i := range many {
		all.Go(func() {
			script := fmt.Sprintf(`echo member-%d > /tmp/member-%d; echo x > ~/member-%d; for n in 1 2 3 4 5 6 7 8; do cat /proc/[0-9]*/cmdline 2>/dev/null; ls /tmp ~; done; echo end # member-%d`, i, i, i, i)
			b, complaints, err := w.output(w.shell(s, script))
			outs[i] = string(b)
			if err != nil || !strings.Contains(outs[i], "end") {
				outs[i] = "did not run: " + complaints
			}
		})
	}
	all.Wait()
	for i, out := range outs {
		if why, ok := strings.CutPrefix(out, "did not run: "); ok {
			return probe.Seen{How: []string{"did not run"}, Note: why}
		}
		for j := range many {
			if j != i && strings.Contains(out+"\n", fmt.Sprintf("member-%d\n", j)) {
				return leaked("%d sees %d", i, j)
			}
		}
	}
	return stopped(probe.Nothing)
}

// forgedLine asks for names that would be lines of their own in a log.
func forgedLine(w *world, _ probe.Probe, s side) probe.Seen {
	cmd := w.command(s, nil, w.target.WS+"/.attack/bailey", probe.Arg, "forge")
	out, complaints, _ := w.output(cmd)
	report := complaints
	if s.sandbox {
		report += w.bailey("session", "list") + w.bailey("status")
		files, _ := filepath.Glob(w.target.Own + "/sessions/*/*")
		for _, f := range files {
			if b, err := os.ReadFile(f); err == nil && bytes.Contains(b, []byte("\nFORGED")) {
				return leaked("a line in %s", f)
			}
		}
	} else {
		report += string(out) // a log that writes what it is asked for
	}
	if strings.Contains(report, "\nFORGED") || strings.Contains(report, "\x1b]") {
		return leaked("the user's screen shows %.200q", report)
	}
	return stopped(probe.Nothing)
}

// hogs take more than a limit allows, and say so when they got it. Inside they
// stay a while, because a limit that is looked after ends them, not their call.
func hogs() map[string]string {
	return map[string]string{
		"processes":  `i=0; while [ $i -lt 300 ]; do sleep 60 & i=$((i+1)); done; [ -z "$BAILEY_SESSION" ] || sleep 30; echo ran; kill $(jobs -p)`,
		"memory":     `python3 -c 'import os, time; b = bytearray(600 << 20); time.sleep(30 if "BAILEY_SESSION" in os.environ else 0); print("ran")'`,
		"disk":       `head -c 300M /dev/zero > filled; [ -z "$BAILEY_SESSION" ] || sleep 30; echo ran; rm filled`,
		"open-files": `python3 -c 'l = [open("/dev/null") for i in range(200)]; print("ran")'`,
	}
}

// hog runs into one of the session's limits.
func hog(w *world, p probe.Probe, s side) probe.Seen {
	name, _, _ := strings.Cut(p.Args[0], "=")
	out, complaints, _ := w.output(w.command(s, []string{"--limit", p.Args[0]}, "/bin/sh", "-c", hogs()[name]))
	switch {
	case bytes.Contains(out, []byte("ran")):
		return leaked("it got more than %s", p.Args[0])
	case strings.Contains(complaints, "ended: "+name):
		return stopped(probe.Ended)
	case strings.Contains(complaints, "Too many open files"):
		return stopped("EMFILE")
	}
	return probe.Seen{How: []string{"no reason given"}, Note: complaints}
}
