package source

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
)

// environment is what this process was started with.
type environment struct{ w World }

// Read gives those of the project's names that are set.
func (e environment) Read(context.Context) ([]exchange.Item, error) {
	var items []exchange.Item
	for _, n := range e.w.Names {
		if v, ok := e.w.Lookup(string(n)); ok {
			items = append(items, exchange.Item{Name: n, Value: secret.NewValue([]byte(v))})
		}
	}
	if len(items) == 0 {
		return nil, api.Errorf(api.Missing, "environment: none of the project's names is set")
	}
	return whole("environment:", items)
}

// command prints an environment, as dotenv or as a JSON object.
type command struct {
	w    World
	argv []string
}

// Read runs the program, without a shell and away from the project: what lies
// there an agent can change after the command was confirmed.
func (c command) Read(ctx context.Context) ([]exchange.Item, error) {
	for _, arg := range c.argv[1:] {
		if !filepath.IsAbs(arg) {
			arg = filepath.Join(c.w.Home, arg)
		}
		if _, err := os.Lstat(arg); err == nil && inside(c.w.Root, arg) {
			return nil, mutable(arg)
		}
	}
	out, err := run(ctx, c.w, nil, c.argv...)
	if err != nil {
		return nil, err
	}
	defer clear(out)
	format := exchange.Dotenv
	if bytes.HasPrefix(bytes.TrimSpace(out), []byte("{")) {
		format = exchange.JSON
	}
	items, err := exchange.Decode(format, out)
	if err != nil {
		return nil, api.Errorf(api.Invalid, "%s printed what is not read: %s", c.argv[0], err)
	}
	return whole(c.argv[0], items)
}

// run starts a program and returns what it prints. What it complains of is
// cut short and shown: programs explain there what is missing.
func run(ctx context.Context, w World, stdin []byte, argv ...string) ([]byte, error) {
	program, err := program(w, argv[0])
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, argv[1:]...)
	cmd.Dir, cmd.Stdin, cmd.WaitDelay = w.Home, bytes.NewReader(stdin), time.Second
	out, complaint := &bounded{most: maxBytes}, &bounded{most: 4 << 10}
	cmd.Stdout, cmd.Stderr = out, complaint
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, api.Errorf(api.Unavailable, "%s did not end in time", argv[0])
	case err != nil:
		return nil, api.Errorf(api.Invalid, "%s: %s: %s", argv[0], err, lastLine(complaint.b))
	case out.over:
		return nil, api.Errorf(api.Invalid, "%s printed more than %d bytes", argv[0], maxBytes)
	}
	return out.b, nil
}

// program finds name in PATH, outside the project.
func program(w World, name string) (string, error) {
	if filepath.IsAbs(name) && inside(w.Root, name) {
		return "", mutable(name)
	}
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrNotFound) {
		return "", api.Errorf(api.Missing, "%s is not installed", name)
	}
	if err == nil {
		path, err = filepath.Abs(path)
	}
	switch {
	case err != nil:
		return "", api.Errorf(api.Invalid, "%s cannot be started", name)
	case inside(w.Root, path):
		return "", mutable(name)
	}
	return path, nil
}

func mutable(name string) error {
	return api.Errorf(api.Denied, "%s lies in the project, where an agent can change it", name).
		WithHint("keep it elsewhere")
}

// inside says whether path, or what it is a link to, lies below root.
func inside(root, path string) bool {
	if root == "" {
		return false
	}
	below := func(root, path string) bool {
		in, err := filepath.Rel(root, path)
		return err == nil && filepath.IsLocal(in)
	}
	if below(root, filepath.Clean(path)) {
		return true
	}
	realRoot, err := filepath.EvalSymlinks(root)
	real, err2 := filepath.EvalSymlinks(path)
	return err == nil && err2 == nil && below(realRoot, real)
}

// bounded keeps the first bytes of what is written to it.
type bounded struct {
	b    []byte
	most int
	over bool
}

// Write never fails: a program that prints too much is not stopped by it.
func (w *bounded) Write(p []byte) (int, error) {
	room := min(w.most-len(w.b), len(p))
	w.over = w.over || room < len(p)
	w.b = append(w.b, p[:room]...)
	return len(p), nil
}

func lastLine(b []byte) string {
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines[len(lines)-1]
}
