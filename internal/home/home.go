// Package home decides where Bailey keeps its own files, and nothing else
// does: no other package reads BAILEY_HOME or an XDG variable.
//
// It creates nothing except through MakeDir, and closes Dir to others only in
// Secure. Its invariant: every path is
// absolute, and two different homes never share a socket.
package home

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Variables that move the home. BAILEY_HOME moves everything at once, the
// configuration and the socket included, so that a test or a second vault
// cannot meet the daemon of the first.
const (
	Variable     = "BAILEY_HOME"
	xdgData      = "XDG_DATA_HOME"
	xdgConfig    = "XDG_CONFIG_HOME"
	xdgRuntime   = "XDG_RUNTIME_DIR"
	program      = "bailey"
	defaultData  = ".local/share"
	defaultConf  = ".config"
	passwordFile = "/etc/passwd"
)

// Dir is the directory below which everything of Bailey's rests: $BAILEY_HOME,
// else $XDG_DATA_HOME/bailey, else ~/.local/share/bailey.
func Dir() string {
	if d := own(); d != "" {
		return d
	}
	if d := absoluteVariable(xdgData); d != "" {
		return filepath.Join(d, program)
	}
	return filepath.Join(User(), defaultData, program)
}

// Vault holds the database and the sealed root key.
func Vault() string { return filepath.Join(Dir(), "vault") }

// Audit holds the tamper-evident record.
func Audit() string { return filepath.Join(Dir(), "audit") }

// Sessions holds one directory per agent session.
func Sessions() string { return filepath.Join(Dir(), "sessions") }

// State holds what the user decided: confirmed manifests, bound projects.
func State() string { return filepath.Join(Dir(), "state") }

// Shims holds commands that stand for agents and start them in a sandbox.
func Shims() string { return filepath.Join(Dir(), "shims") }

// Config is the user's own configuration file, which need not exist.
func Config() string {
	if d := own(); d != "" {
		return filepath.Join(d, "config.yaml")
	}
	if d := absoluteVariable(xdgConfig); d != "" {
		return filepath.Join(d, program, "config.yaml")
	}
	return filepath.Join(User(), defaultConf, program, "config.yaml")
}

// Profiles holds the user's own profiles, beside the configuration file. No
// sandbox sees it: what stands there is granted.
func Profiles() string { return filepath.Join(filepath.Dir(Config()), "profiles") }

// Run holds the daemon's socket, log and locks. It is below $XDG_RUNTIME_DIR
// only when nothing moved the data directory: a vault elsewhere has a daemon
// of its own.
func Run() string {
	runtime := absoluteVariable(xdgRuntime)
	moved := own() != "" || absoluteVariable(xdgData) != ""
	if moved || runtime == "" || !ownedByUs(runtime) {
		return filepath.Join(Dir(), "run")
	}
	return filepath.Join(runtime, program)
}

// Socket is where the daemon listens.
func Socket() string { return filepath.Join(Run(), "daemon.sock") }

// Log is what the daemon writes when something goes wrong; never a value.
func Log() string { return filepath.Join(Run(), "daemon.log") }

// MakeDir makes dir and its parents, 0700, and refuses a dir that is a link,
// belongs to another user or is open to others.
func MakeDir(dir string) error {
	if os.Mkdir(dir, 0o700) == nil {
		return nil // fresh, and so ours
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	if !info.IsDir() || !ownedByUs(dir) {
		return fmt.Errorf("%s is not a directory of this user", dir)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return os.Chmod(dir, 0o700)
}

// Secure makes sure that Dir, if it is there, is this user's and closed to
// others. It returns the mode that it had to change, else 0. A directory that
// may hold more than Bailey's files is refused, not closed.
func Secure() (was os.FileMode, err error) {
	dir := Dir()
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return 0, nil
	case err != nil:
		return 0, err
	case !info.IsDir():
		return 0, fmt.Errorf("%s is not a directory", dir)
	case !ownedByUs(dir):
		return 0, fmt.Errorf("%s belongs to another user", dir)
	case info.Mode().Perm()&0o077 == 0:
		return 0, nil
	case !oursAlone(dir):
		return 0, fmt.Errorf("%s is open to other users (mode %#o) and holds more than Bailey's files", dir, info.Mode().Perm())
	}
	return info.Mode().Perm(), os.Chmod(dir, 0o700)
}

// oursAlone is true for a directory in which Bailey has been, and for one with
// nothing of anybody else's.
func oursAlone(dir string) bool {
	dirs := []string{"vault", "audit", "state", "sessions"}
	for _, name := range dirs {
		if info, err := os.Lstat(filepath.Join(dir, name)); err == nil && info.IsDir() && info.Mode().Perm() == 0o700 {
			return true
		}
	}
	entries, err := os.ReadDir(dir)
	return err == nil && !slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return !slices.Contains(append(dirs, "run", "config.yaml", "profiles", "shims"), e.Name())
	})
}

// User is the user's home directory: $HOME, else the one of the password
// file, else "/", which is what a container without either starts in.
func User() string {
	if d := absoluteVariable("HOME"); d != "" {
		return d
	}
	b, err := os.ReadFile(passwordFile)
	if err != nil {
		return "/"
	}
	return userIn(string(b), strconv.Itoa(os.Getuid()))
}

func userIn(passwd, uid string) string {
	for line := range strings.Lines(passwd) {
		f := strings.Split(strings.TrimSpace(line), ":")
		if len(f) >= 6 && f[2] == uid && filepath.IsAbs(f[5]) {
			return f[5]
		}
	}
	return "/"
}

func own() string {
	d := os.Getenv(Variable)
	if d == "" {
		return ""
	}
	abs, err := filepath.Abs(d)
	if err != nil {
		return filepath.Clean("/" + d)
	}
	return abs
}

// absoluteVariable follows the XDG specification: a relative path is ignored.
func absoluteVariable(name string) string {
	if d := os.Getenv(name); filepath.IsAbs(d) {
		return filepath.Clean(d)
	}
	return ""
}
