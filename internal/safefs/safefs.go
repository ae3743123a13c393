// Package safefs is the only way host code reads or writes a workspace, that
// is a tree in which somebody else (an agent, a hostile repository) may change
// any entry at any moment.
//
// It is not a general file library: it opens regular files and directories
// only, never waits on what it opens, and reads no more than it is told to.
//
// Its invariant: no call follows a symbolic link or leaves the directory that
// Open was given, whatever is renamed meanwhile. On Linux the kernel enforces
// this (openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS); elsewhere os.Root
// and a check of every component stand in for it.
package safefs

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

var (
	// ErrNotRegular: the name is a directory, socket, FIFO or device.
	ErrNotRegular = errors.New("not a regular file")
	// ErrTooLarge: the file is larger than the caller accepts.
	ErrTooLarge = errors.New("file is too large")
	// ErrOutside: the name leaves the root or passes a symbolic link.
	ErrOutside = errors.New("leaves the directory or passes a symbolic link")
)

// Entry is one name of a directory, as the directory itself tells it: no stat
// is made for it, so Ino is only good for comparing with another Entry.
type Entry struct {
	Name    string
	Type    fs.FileMode // type bits only
	Ino     uint64
	Changed time.Time // when its status last changed, if Limits.Changed asked for it
	Stat    *Stat     // if Limits.Stat asked for it; nil when the entry is gone again
}

// Stat describes an entry itself, never what a link points to.
type Stat struct {
	Type     fs.FileMode // type bits only
	Perm     uint32      // the low twelve bits of st_mode, set-id bits included
	UID, GID uint32
	Size     int64
	Modified int64 // nanoseconds
	Changed  int64 // nanoseconds; no program can set it to what it likes
	Ino      uint64
	Links    uint64
	Device   uint64 // of a device file
}

// Attr is what Put, Symlink and SetAttr give an entry besides its content.
type Attr struct {
	Perm     uint32 // as Stat.Perm
	Modified int64  // nanoseconds; 0 leaves it
	Owned    bool   // give it to UID and GID, which only root can
	UID, GID uint32
}

// Temporary says whether a name is one that WriteFile and its like use for a
// moment: a process that was killed leaves it.
func Temporary(name string) bool {
	middle, begins := strings.CutPrefix(name, tmpPrefix)
	middle, ends := strings.CutSuffix(middle, tmpSuffix)
	return begins && ends && len(middle) == 26 && strings.Trim(middle, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

const (
	tmpPrefix = ".bailey-"
	tmpSuffix = ".tmp"
)

func tmpName() string { return tmpPrefix + rand.Text() + tmpSuffix }

// IsDir reports whether the entry is a directory (not a link to one).
func (e Entry) IsDir() bool { return e.Type.IsDir() }

// Path is the absolute path the root was opened with.
func (r *Root) Path() string { return r.path }

// ReadFile reads a regular file of at most max bytes.
func (r *Root) ReadFile(rel string, max int64) ([]byte, error) {
	f, err := r.OpenFile(rel)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := readAtMost(f, max)
	if err != nil {
		return nil, pathError("read", rel, err)
	}
	return b, nil
}

// readAtMost counts what it reads: the size seen first may grow meanwhile.
func readAtMost(f *os.File, max int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(f, max+1))
	if err == nil && int64(len(b)) > max {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, max)
	}
	return b, err
}

// Resolve follows the links of rel and returns the name, relative to the root,
// of what it finally means; an error wrapping ErrOutside when that lies
// elsewhere. The answer is a snapshot: use it only through another call of
// Root, which checks again.
func (r *Root) Resolve(rel string) (string, error) {
	if _, err := clean(rel); err != nil {
		return "", err
	}
	base, err := filepath.EvalSymlinks(r.path)
	if err != nil {
		return "", pathError("resolve", rel, err)
	}
	real, err := filepath.EvalSymlinks(filepath.Join(r.path, rel))
	if err != nil {
		return "", pathError("resolve", rel, err)
	}
	in, err := filepath.Rel(base, real)
	if err != nil || in == ".." || strings.HasPrefix(in, "../") {
		return "", pathError("resolve", rel, ErrOutside)
	}
	return in, nil
}

// clean accepts slash-separated names below the root; "." is the root itself.
func clean(rel string) (string, error) {
	c := path.Clean(rel)
	bad := rel == "" || path.IsAbs(rel) || c == ".." || strings.HasPrefix(c, "../") || strings.ContainsRune(rel, 0)
	if bad {
		return "", pathError("open", rel, ErrOutside)
	}
	return c, nil
}

// split returns the parent directory and the last component; the root itself
// has none and cannot be created, renamed or removed.
func split(rel string) (dir, base string, err error) {
	c, err := clean(rel)
	if err != nil {
		return "", "", err
	}
	if c == "." {
		return "", "", pathError("open", rel, ErrOutside)
	}
	dir, base = path.Split(c)
	return path.Clean(dir), base, nil
}

func pathError(op, rel string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err
	}
	return &fs.PathError{Op: op, Path: rel, Err: err}
}
