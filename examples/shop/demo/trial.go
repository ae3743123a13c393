package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// trial is one run of agent.sh, with what it left in its world.
type trial struct {
	w      *world
	output output
	seen   map[string]string // by attempt: what the agent saw
	killed bool              // the user's process that holds a key
	// ran holds what the user's own git has run of what was planted.
	ran map[string]bool
	// commit is who committed notes.txt to the user's main, and as what.
	commit string
}

// unleash runs the agent, and then works in the repository as its user would.
func (w *world) unleash(ctx context.Context, guarded bool) *trial {
	t := &trial{w: w, ran: map[string]bool{}}
	argv := []string{"sh", "agent.sh", w.marks, w.host.databasePort(), w.variable}
	if guarded {
		t.output = w.guarded(ctx, append([]string{"agent", "--"}, argv...)...)
	} else {
		t.output = w.run(ctx, w.unguarded(), argv...)
	}
	t.killed = !w.staging.alive()
	t.seen = parse(t.output.stdout)
	// For who keeps the directory; no row depends on it.
	_ = os.WriteFile(filepath.Join(w.dir, "agent.log"), []byte(t.output.all()), 0o600)
	t.useGit(ctx)
	return t
}

// parse sorts the agent's lines by attempt.
func parse(text string) map[string]string {
	seen := map[string]string{}
	for line := range strings.Lines(text) {
		if name, rest, found := strings.Cut(line, "| "); found {
			seen[name] += rest
		}
	}
	return seen
}

// useGit is the user's next look at the repository. A commondir hides the
// repository's own configuration and hooks, so it is removed for a second
// look. The marks of the agent's own commands don't count.
func (t *trial) useGit(ctx context.Context) {
	const look = "git status; git commit -q --allow-empty -m look"
	commondir := filepath.Join(t.w.project, ".git", "commondir")
	t.clearMarks()
	_ = t.w.git(ctx, look) // what was planted may break it; the marks count
	t.collectMarks()
	if os.Remove(commondir) == nil {
		t.clearMarks()
		_ = t.w.git(ctx, look)
		t.collectMarks()
	}
	out := t.w.run(ctx, nil, "git", "log", "main", "--format=%an: %s", "--", "notes.txt")
	t.commit = strings.TrimSpace(out.stdout)
}

func (t *trial) collectMarks() {
	for _, name := range []string{"hook", "fsmonitor", "commondir"} {
		if _, err := os.Stat(filepath.Join(t.w.marks, name)); err == nil {
			t.ran[name] = true
		}
	}
}

func (t *trial) clearMarks() {
	marks, _ := filepath.Glob(filepath.Join(t.w.marks, "*")) // a constant pattern
	for _, mark := range marks {
		_ = os.Remove(mark)
	}
}

// missing says why a row can't be tried here, "" where it can.
func missing(program string) string {
	if program == "" {
		return ""
	}
	if _, err := exec.LookPath(program); err != nil {
		return program + " is not installed"
	}
	if program != "node" {
		return ""
	}
	out, err := exec.Command("node", "--version").Output()
	if err != nil {
		return "node does not start"
	}
	major := regexp.MustCompile(`\d+`).FindString(string(out))
	if n, err := strconv.Atoi(major); err != nil || n < 18 {
		return fmt.Sprintf("node 18 is needed, here is %s", strings.TrimSpace(string(out)))
	}
	return ""
}
