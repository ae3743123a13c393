package manifest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/safefs"
)

// Hash covers every field of the manifest and nothing else: comments, order
// and spelling do not change what was confirmed.
func (m *Manifest) Hash() string {
	b, err := json.Marshal(m) // maps come out sorted
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(append([]byte("bailey.yaml\x00"), b...))
	return hex.EncodeToString(sum[:])
}

// Confirm records that the user agreed to the content with that hash in the
// repository that root belongs to.
func Confirm(root, hash string) error {
	return note("confirmed", Repository(root)+"\x00"+hash, []byte(root+"\n"))
}

// Confirmed says whether the user agreed to that content in that repository.
// An empty hash never was.
func Confirmed(root, hash string) bool {
	_, err := os.Lstat(notePath("confirmed", Repository(root)+"\x00"+hash))
	return hash != "" && err == nil
}

// Bind records that the repository of root may use the secrets of project.
// Without it, any checkout could name any project in its bailey.yaml.
func Bind(root, project string) error {
	return note("bound", Repository(root), []byte(project+"\n"))
}

// Bound is the project that the repository may use.
func Bound(root string) (project string, ok bool) {
	b, err := os.ReadFile(notePath("bound", Repository(root)))
	return strings.TrimSpace(string(b)), err == nil
}

// Unbind takes Bind back, for eject, and remembers the project for Left.
func Unbind(root string) error {
	project, ok := Bound(root)
	if !ok {
		return nil
	}
	if err := note("left", Repository(root), []byte(project+"\n")); err != nil {
		return err
	}
	return os.Remove(notePath("bound", Repository(root)))
}

// Left is the project that the repository was bound to when it was ejected.
// It may have that one back.
func Left(root string) (project string, ok bool) {
	b, err := os.ReadFile(notePath("left", Repository(root)))
	return strings.TrimSpace(string(b)), err == nil
}

// Lock keeps other commands of this user from changing bailey.yaml at root
// until unlock is called: it is changed by reading, merging and writing.
func Lock(root string) (unlock func(), err error) {
	dir := filepath.Join(home.State(), "locks")
	if err := home.MakeDir(dir); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(notePath("locks", Repository(root)), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", f.Name(), errors.Join(err, f.Close()))
	}
	return func() { _ = f.Close() }, nil
}

// notePath hashes the key, so that two writers never meet in one file unless
// they write the same thing.
func notePath(kind, key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(home.State(), kind, hex.EncodeToString(sum[:]))
}

func note(kind, key string, content []byte) error {
	dir := filepath.Join(home.State(), kind)
	if err := home.MakeDir(dir); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), notePath(kind, key))
}

// Repository identifies the repository that root belongs to: its common git
// directory, so that all worktrees of a clone are one, else root itself. A
// ".git" file is believed only when the directory it names points back:
// whoever can write one in a checkout must not become another repository.
func Repository(root string) string {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		real = filepath.Clean(root)
	}
	git := filepath.Join(real, ".git")
	info, err := os.Lstat(git)
	switch {
	case err != nil:
		return real
	case info.IsDir():
		return git
	}
	if common, ok := commonDir(real, git); ok {
		return common
	}
	return real
}

func commonDir(root, git string) (string, bool) {
	line, ok := readLine(root, ".git")
	dir, isLink := strings.CutPrefix(line, "gitdir: ")
	if !ok || !isLink {
		return "", false
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(root, dir)
	}
	back, ok := readLine(dir, "gitdir")
	if !ok || filepath.Clean(back) != git {
		return "", false
	}
	common, ok := readLine(dir, "commondir")
	if !ok {
		return "", false
	}
	if !filepath.IsAbs(common) {
		common = filepath.Join(dir, common)
	}
	return filepath.Clean(common), true
}

func readLine(dir, name string) (string, bool) {
	d, err := safefs.Open(dir)
	if err != nil {
		return "", false
	}
	defer d.Close()
	b, err := d.ReadFile(name, 4096)
	return strings.TrimSpace(string(b)), err == nil
}
