// Package shim puts commands before an agent's in PATH that start it in a
// sandbox, so that whoever types its name gets the sandboxed one.
//
// It is a habit, not a wall: who calls the agent by its path starts it outside.
// Its invariant: it changes and removes only what it made, which it knows by
// its mark, and it never overwrites another file.
package shim

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
)

const mark = "bailey agent install"

// Step is one thing that is done, or would be.
type Step struct {
	What string `json:"what"` // write, remove, add line, remove line
	Path string `json:"path"`
	Text string `json:"text,omitempty"` // the line

	do func() error
}

// Do does all of them.
func Do(steps []Step) error {
	for _, s := range steps {
		if err := s.do(); err != nil {
			return fmt.Errorf("%s %s: %w", s.What, s.Path, err)
		}
	}
	return nil
}

// Install plans shims in dir for the names, which start exe.
func Install(dir, exe string, names []string) ([]Step, error) {
	var steps []Step
	for _, name := range names {
		if name != filepath.Base(name) || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return nil, api.Usagef("%.40q is no name of a command", name)
		}
		file := filepath.Join(dir, name)
		text := script(exe, name)
		old, err := os.ReadFile(file)
		switch {
		case err == nil && string(old) == text:
			continue
		case err == nil && !ours(old), err != nil && !errors.Is(err, fs.ErrNotExist):
			return nil, api.Errorf(api.Exists, "%s is there and not made by this", file)
		}
		steps = append(steps, Step{What: "write", Path: file, do: func() error { return write(dir, file, text) }})
	}
	return steps, nil
}

// script asks for nothing but a POSIX shell.
func script(exe, name string) string {
	return "#!/bin/sh\n# " + mark + ": " + name + " in a sandbox; the real one is called by its path\n" +
		"exec " + quote(exe) + " agent -- " + name + " \"$@\"\n"
}

// quote is a word of a POSIX shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func ours(text []byte) bool { return bytes.HasPrefix(text, []byte("#!/bin/sh\n# "+mark)) }

func write(dir, file, text string) error {
	if err := home.MakeDir(dir); err != nil {
		return err
	}
	tmp := file + ".new"
	if err := os.WriteFile(tmp, []byte(text), 0o700); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

// Installed are the names of the shims in dir.
func Installed(dir string) []string {
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if text, err := os.ReadFile(filepath.Join(dir, e.Name())); err == nil && ours(text) {
			names = append(names, e.Name())
		}
	}
	return names
}

// Uninstall plans the removal of shims: those that are named, or all for none.
func Uninstall(dir string, names []string) ([]Step, error) {
	have := Installed(dir)
	if len(names) == 0 {
		names = have
	}
	var steps []Step
	for _, name := range names {
		file := filepath.Join(dir, filepath.Base(name))
		if text, err := os.ReadFile(file); err != nil || !ours(text) {
			return nil, api.Errorf(api.Missing, "no shim for %.40q", name)
		}
		steps = append(steps, Step{What: "remove", Path: file, do: func() error { return os.Remove(file) }})
	}
	return steps, nil
}
