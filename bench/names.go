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

// task is work that makes many names. Its script prints how many nanoseconds
// it took; without one the whole life of argv is taken.
type task struct {
	name   string
	argv   []string
	script string
	target float64
}

const clock = "s=$(date +%s%N); "

var tasks = []task{
	{name: "git checkout of 20,000 files", target: 1.41,
		script: "rm -rf d*; " + clock + "git checkout -q -f HEAD; echo $(($(date +%s%N)-s))"},
	{name: "tar x of 20,000 files", target: 1.5,
		script: "tar cf /tmp/t.tar d*; mkdir /tmp/x; " + clock + "tar xf /tmp/t.tar -C /tmp/x; echo $(($(date +%s%N)-s))"},
	{name: "npm install of 100 packages", target: 1.27,
		script: "cd npm; rm -rf node_modules; " + clock + "npm install --offline --no-audit --no-fund --ignore-scripts >/dev/null; echo $(($(date +%s%N)-s))"},
	{name: "go build, cold", target: 1.06, argv: []string{"go", "build", "-o", "/tmp/out", "./go"}},
}

// compareNames runs the tasks in turn in two sandboxes that differ in
// --strict-names alone.
func compareNames(ctx context.Context, o options) ([]row, error) {
	dir, err := os.MkdirTemp("", "bailey-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	bailey, err := filepath.Abs(o.bailey)
	if err != nil {
		return nil, err
	}
	w := &world{dir: dir, home: filepath.Join(dir, "home"), project: filepath.Join(dir, "home", "names"), bailey: bailey}
	if err := w.writeNames(ctx); err != nil {
		return nil, err
	}
	var rows []row
	for _, t := range tasks {
		with, without := &start{name: "--strict-names: " + t.name}, &start{name: "the same without"}
		for range max(o.rounds/10, 3) {
			for _, s := range []*start{with, without} {
				if s.err == nil && ctx.Err() == nil {
					w.task(ctx, t, s, s == with)
				}
			}
		}
		r := pair(with, without)
		if r.err == nil {
			r.ratio = float64(with.median()) / float64(without.median())
			r.judge(r.ratio <= t.target, t.target, fmt.Sprintf("≤ %.2f ×", t.target))
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func (w *world) task(ctx context.Context, t task, s *start, strict bool) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	argv := []string{"agent", "-q"}
	if strict {
		argv = append(argv, "--strict-names")
	}
	argv = append(argv, "--")
	if t.script != "" {
		argv = append(argv, "sh", "-ec", t.script)
	}
	cmd := exec.CommandContext(ctx, w.bailey, append(argv, t.argv...)...)
	cmd.Dir, cmd.Env = w.project, w.environment()
	begin := time.Now()
	out, err := cmd.Output()
	took := time.Since(begin)
	if err == nil && t.script != "" {
		var n int
		n, err = strconv.Atoi(strings.TrimSpace(string(out)))
		took = time.Duration(n)
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("%w: %s", err, lastLine(exit.Stderr))
	}
	s.times, s.err = append(s.times, took), err
}

// writeNames makes the project: a repository, packages, and a program.
func (w *world) writeNames(ctx context.Context) error {
	err := os.MkdirAll(w.baileyHome(), 0o700)
	for i := range 20000 {
		err = errors.Join(err, w.put(fmt.Sprintf("d%d/f%d", i/100, i), strings.Repeat("text\n", i%200)))
	}
	deps := []string{}
	for i := range 100 {
		name := fmt.Sprintf("p%d", i)
		for j := range 30 {
			err = errors.Join(err, w.put(fmt.Sprintf("npm/src/%s/package/f%d.js", name, j), "module.exports = 1\n"))
		}
		err = errors.Join(err, w.put("npm/src/"+name+"/package/package.json", fmt.Sprintf(`{"name": %q, "version": "1.0.0"}`, name)))
		deps = append(deps, fmt.Sprintf(`%q: "file:%s.tgz"`, name, name))
	}
	err = errors.Join(err, w.put("npm/package.json", `{"name": "bench", "dependencies": {`+strings.Join(deps, ", ")+"}}"),
		w.put("go.mod", "module bench\n"), w.put("go/main.go", "package main\n\nimport (\n\t\"encoding/json\"\n\t\"os\"\n)\n\nfunc main() { _ = json.NewEncoder(os.Stdout).Encode(1) }\n"))
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sh", "-ec", `
		for p in npm/src/*; do tar czf npm/${p##*/}.tgz -C $p package; done; rm -r npm/src
		git init -q; git add .; git -c user.name=bench -c user.email=bench@bench.test commit -qm bench`)
	cmd.Dir, cmd.Env = w.project, w.environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, lastLine(out))
	}
	return nil
}

func (w *world) put(name, text string) error {
	p := filepath.Join(w.project, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		return err
	}
	return os.WriteFile(p, []byte(text), 0o644)
}
