// Package extent decides which directory a session may be given whole.
//
// It only looks: it opens no file. Its invariant: the answer is never the home,
// a directory above it, a place of credentials or one of the system's.
package extent

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// ErrTooWide: a directory that must not be given away as a whole.
var ErrTooWide = errors.New("too wide for a workspace")

// refusal is ErrTooWide about one directory.
type refusal struct{ dir, why string }

func (r *refusal) Error() string { return fmt.Sprintf("%s: %v: %s", r.dir, ErrTooWide, r.why) }

func (r *refusal) Unwrap() error { return ErrTooWide }

// Hint is the way out, see term.Hinter.
func (r *refusal) Hint() string {
	return "all of a workspace is open to the agent: go to the directory of one project first, or make one with mkdir"
}

// Find returns the directory that an agent started in dir works in: the
// top of the repository that dir lies in, else dir. An error wraps ErrTooWide
// when that would be the home, a directory above it or one of the system's.
func Find(dir, home string) (string, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return "", err
	}
	if real, err := filepath.EvalSymlinks(home); err == nil {
		home = real
	}
	if why := TooWide(dir, home); why != "" {
		return "", &refusal{dir, why}
	}
	for at := dir; ; at = filepath.Dir(at) {
		if TooWide(at, home) != "" {
			return dir, nil // a repository there, such as dotfiles in the home, is not meant
		}
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil && trusted(at, dir) {
			return at, nil
		}
	}
}

// trusted keeps a repository that somebody else planted above dir (in /tmp,
// say) from being the workspace, as git's safe.directory does.
func trusted(at, dir string) bool {
	top, err := os.Lstat(filepath.Join(at, ".git"))
	if err != nil {
		return false
	}
	uid, ok := owner(top)
	if !ok || uid == os.Geteuid() {
		return ok
	}
	if os.Geteuid() != 0 {
		return false
	}
	if sudo, err := strconv.Atoi(os.Getenv("SUDO_UID")); err == nil && uid == sudo {
		return true
	}
	below, err := os.Lstat(dir)
	if err != nil {
		return false
	}
	own, ok := owner(below)
	return ok && own == uid
}

func owner(info os.FileInfo) (int, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}

var (
	// systemDirs are never a workspace, nor is anything below them.
	systemDirs = []string{"/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/run", "/sbin", "/sys",
		"/usr/bin", "/usr/lib", "/usr/sbin", "/usr/share", "/var/lib", "/var/run", "/nix/store"}
	// sharedDirs hold what belongs to others too; a directory in them is fine.
	sharedDirs = []string{"/", "/home", "/media", "/mnt", "/opt", "/root", "/snap", "/srv", "/tmp", "/usr", "/usr/local", "/var", "/var/tmp", "/dev/shm", "/Users"}
	// keyDirs of the home hold credentials, whole and below.
	keyDirs = []string{".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".mozilla", ".password-store"}
	// homeDirs hold what many programs trust; one program's part may be a project.
	homeDirs = []string{".config", ".local", ".local/share", ".local/bin", ".cache", ".config/bailey"}
	// agentDirs hold what agents do in every project, below too: who writes there
	// speaks to all later sessions. Some keep worktrees of projects there.
	agentDirs = []string{".claude", ".codex", ".gemini", ".copilot", ".cursor", ".agents", ".config/opencode", ".config/goose"}
)

// TooWide says why a directory must not be given away, "" if it may.
func TooWide(dir, home string) string {
	switch {
	case dir == home:
		return "it is your home directory"
	case Below(home, dir):
		return "your home directory lies in it"
	case slices.Contains(sharedDirs, dir):
		return "it holds more than one project"
	}
	if home != "/" && Below(dir, home) {
		return tooWideAtHome(strings.TrimPrefix(dir, home+"/"))
	}
	for _, d := range systemDirs {
		if (dir == d || Below(dir, d)) && !Below(dir, "/dev/shm") && !Below(dir, "/run/user") {
			return "it belongs to the system"
		}
	}
	return ""
}

func tooWideAtHome(dir string) string {
	first, _, _ := strings.Cut(dir, "/")
	switch {
	case slices.Contains(keyDirs, first):
		return "it holds credentials"
	case slices.ContainsFunc(agentDirs, func(d string) bool { return (dir == d || Below(dir, d)) && !Below(dir, d+"/worktrees") }):
		return "it holds what agents do in every project"
	case slices.Contains(homeDirs, dir):
		return "it holds the settings of many programs"
	}
	return ""
}

// Below reports whether dir lies in parent.
func Below(dir, parent string) bool {
	return strings.HasPrefix(dir, strings.TrimSuffix(parent, "/")+"/") && dir != parent
}
