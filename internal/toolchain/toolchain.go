// Package toolchain finds the program that a user means by a command name, as
// their shell finds it, and what else must be visible for it to start; and it
// tells known AI agents from other commands.
//
// It is not a package manager and never runs anything: what it knows of a
// version manager is where it keeps its files. Its invariant: no root that it
// names is the home, an ancestor of the home, a place of the system's own
// state, or a directory of credentials; and nothing that a project's files say
// can make it name a directory other than a known manager's.
package toolchain

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// Result is a program and what it needs.
type Result struct {
	Path     string   // as found, absolute; the real file where that name would not exist inside
	Real     string   // the file that is executed
	Roots    []Root   // to be bound read-only, each at its own path; parents first, none within another
	PathList []string // PATH for the inside: the entries that exist there, in the user's order
}

// Root is a file or directory outside the system's own directories. Its path
// may run through a link of the host; the real directory is then a Root too.
type Root struct {
	Path    string
	Exclude []string // relative: credentials beside it, to be hidden
}

// NotFoundError says where a program was looked for.
type NotFoundError struct {
	Name   string
	Looked []string // directories, or the one file
	Advice string
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("%s: command not found", e.Name)
}

// Hint says what the person can do about it.
func (e *NotFoundError) Hint() string { return e.Advice }

// NotExecutableError is a file that was named and cannot be executed. It wraps
// fs.ErrPermission.
type NotExecutableError struct{ Name, Why string }

func (e *NotExecutableError) Error() string { return e.Name + ": " + e.Why }

// Unwrap makes errors.Is find fs.ErrPermission.
func (e *NotExecutableError) Unwrap() error { return fs.ErrPermission }

// Find resolves name through the PATH of env as a POSIX shell does; a name
// with a slash is relative to dir. Entries of PATH that are empty or relative
// are passed over: what they mean depends on where one stands, and that is the
// place that an agent writes to.
//
// The error is a *NotFoundError, or a *NotExecutableError for a named file
// that cannot be executed.
func Find(env []string, name, dir, home string) (Result, error) {
	f := newFinder(env, dir, home)
	path, err := f.lookup(name)
	if err != nil {
		return Result{}, err
	}
	if path, err = unsnap(path); err != nil {
		return Result{}, err
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return Result{}, fmt.Errorf("resolving %s: %w", path, err)
	}
	f.start(path, real)
	f.entries()
	f.keep()
	res := Result{Path: path, Real: real, PathList: f.pathList()}
	if !f.visible(path, 0) {
		res.Path = real
	}
	for _, r := range f.roots {
		res.Roots = append(res.Roots, Root{Path: r, Exclude: hidden(r)})
	}
	return res, nil
}

// within reports whether path is dir or below it.
func within(dir, path string) bool {
	return dir != "" && (path == dir || dir == "/" || strings.HasPrefix(path, dir+"/"))
}

// lookup is the value of a variable; the last one counts, as in execve(2)'s
// users.
func lookup(env []string, name string) string {
	for i := len(env) - 1; i >= 0; i-- {
		if v, ok := strings.CutPrefix(env[i], name+"="); ok {
			return v
		}
	}
	return ""
}
