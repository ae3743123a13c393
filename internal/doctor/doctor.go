// Package doctor goes through what Bailey needs of a machine, row by row, and
// names or does what mends it.
//
// It repairs nothing unasked and knows no other engine: what only a running
// sandbox or a vault can tell, it is handed as functions. Its invariant: a row
// is ok only when a test of the thing itself succeeded, never because a setting
// looks right.
package doctor

import (
	_ "embed"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// State is the outcome of a row.
type State string

// The states of a row.
const (
	OK   State = "ok"
	Note State = "note" // worth knowing; nothing is wrong
	Warn State = "warn" // works, and could be safer
	Fail State = "fail" // something does not work until it is mended
)

// Row is one line of the checklist.
type Row struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	State  State    `json:"state"`
	Detail string   `json:"detail,omitempty"`
	Mend   []string `json:"mend,omitempty"` // commands, or one sentence
	// Fixable says that Fix would do it for the user who asks now.
	Fixable bool `json:"fixable,omitempty"`

	fix func() error
}

// Fix does what the row says, when it can.
func (r Row) Fix() error {
	if r.fix == nil {
		return errors.New(r.ID + " can't be mended from here")
	}
	return r.fix()
}

// Sandbox is what a trial sandbox was found to be.
type Sandbox struct {
	Regime string // in words
	Output string // of Script
}

// Script is what the trial sandbox runs: it prints every way back to Windows
// that it finds, and nothing on a good machine.
const Script = `for p in /init /mnt/c /mnt/wslg /run/WSL; do [ ! -e "$p" ] || echo "$p"; done
[ -z "${WSL_INTEROP-}${WSLENV-}" ] || echo WSL_INTEROP
for f in /mnt/c/Windows/System32/cmd.exe; do "$f" /c ver 2>/dev/null; done
true`

// Hinter is an error that knows its mend.
type Hinter interface {
	error
	Hint() string
}

// Host is what is looked at.
type Host struct {
	Root   string // of the file system: "/"
	UID    int
	GOOS   string
	Home   string // Bailey's own directory
	Exe    string // this program
	Env    func(name string) string
	Agents []Agent // those that start outside of a sandbox
	Shims  string  // directory of commands that start agents in one
	Kernel Kernel
	// Sandbox starts a sandbox, runs Script and returns what it saw.
	Sandbox func() (Sandbox, error)
	// Backup says whether there are secrets, and whether somebody proved to
	// have the recovery code; nil when no vault can be asked.
	Backup func() (secrets, verified bool)
}

// Agent is one that starts outside of a sandbox, and how.
type Agent struct{ Name, Path, How string }

// Kernel answers by system calls, not by files that a distribution may lack.
type Kernel struct {
	Release  string
	Landlock func() (abi, errata int, err error)
	Seccomp  func() error
	Groups   func() string // how a session's limits are kept, in words
}

// Rows goes through the checklist.
func (h *Host) Rows() []Row {
	if h.GOOS != "linux" {
		return append([]Row{h.platform()}, h.own()...)
	}
	own := h.own() // before a sandbox starts, which closes what stood open
	rows := []Row{h.platform(), h.landlock(), h.seccomp()}
	rows = append(rows, h.sandbox()...)
	rows = append(rows, h.apparmor(), h.container(), h.uids(), h.trace())
	rows = append(rows, own...)
	rows = append(rows, Row{ID: "limits", Title: "Limits", State: Note, Detail: h.Kernel.Groups()})
	return slices.DeleteFunc(rows, func(r Row) bool { return r.ID == "" })
}

// own are the rows about Bailey's own files and the user's habits.
func (h *Host) own() []Row { return []Row{h.permissions(), h.backup(), h.agents()} }

// Healthy is true when no row fails.
func Healthy(rows []Row) bool {
	return !slices.ContainsFunc(rows, func(r Row) bool { return r.State == Fail })
}

//go:embed apparmor.profile
var profile string

// Profile is the AppArmor profile for the program at exe.
func Profile(exe string) string { return strings.ReplaceAll(profile, "@EXE@", quote(exe)) }

// quote writes a path the way apparmor.d(5) wants it.
func quote(path string) string {
	if strings.Trim(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+") == "" {
		return path
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`, `@`, `\@`).Replace(path) + `"`
}

// read is a file below the root, trimmed; "" when there is none.
func (h *Host) read(path string) string {
	b, err := os.ReadFile(filepath.Join(h.Root, path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}

func (h *Host) exists(path string) bool {
	_, err := os.Lstat(filepath.Join(h.Root, path))
	return err == nil
}
