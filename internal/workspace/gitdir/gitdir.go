// Package gitdir makes the private git directory that a sandbox sees in place
// of the project's own: its references, index, logs and settings are copies,
// its objects are borrowed. Everything git does works there, and nothing that
// is written there is read by the host's git.
//
// It reads git's files with code of its own and never runs git, because the
// settings of a repository name commands. Its invariant: what Build writes
// holds no credential and no command of the host's, and what the other functions
// read may be hostile: they are bounded and follow no link.
package gitdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/gitconfig"
)

// ErrNone: the directory has no .git.
var ErrNone = errors.New("not a git repository")

// Repo is a repository of the host whose pointers agree with each other.
type Repo struct {
	Root      string              // working tree
	GitDir    string              // HEAD and index; not CommonDir in a linked worktree
	CommonDir string              // objects, refs and config
	Linked    bool                // Root/.git is a file: linked worktree or submodule
	Hex       int                 // length of an object name: 40 (SHA-1) or 64 (SHA-256)
	Uid, Gid  uint32              // owner of CommonDir
	Partial   bool                // a partial clone: objects may be missing
	Shared    string              // core.sharedRepository
	Settings  []gitconfig.Setting `json:"-"` // of the host: may hold credentials
}

// Locate finds the repository that root is the top of. An error that is not
// ErrNone says, for people, why git has to be hidden.
func Locate(root string) (*Repo, error) {
	r, err := safefs.Open(root)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	info, err := r.Lstat(".git")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	repo := &Repo{Root: root, GitDir: filepath.Join(root, ".git")}
	repo.CommonDir = repo.GitDir
	switch {
	case info.IsDir():
		if _, err := r.Lstat(".git/commondir"); err == nil {
			return nil, errors.New(".git/commondir makes another directory the repository")
		}
	case info.Mode().IsRegular():
		if err := repo.follow(r); err != nil {
			return nil, err
		}
	default:
		return nil, errors.New(".git is neither a directory nor a file")
	}
	return repo, repo.check()
}

// follow reads the pointer of a linked worktree or submodule, and believes it
// only when what it points to points back: a .git file may come with a hostile
// archive.
func (p *Repo) follow(r *safefs.Root) error {
	target, err := pointer(r, ".git", "gitdir: ")
	if err != nil {
		return err
	}
	p.Linked = true
	p.GitDir = absolute(target, p.Root)
	p.CommonDir = p.GitDir
	g, err := safefs.Open(p.GitDir)
	if err != nil {
		return fmt.Errorf(".git points to a directory that cannot be opened: %w", err)
	}
	defer g.Close()
	common, err := pointer(g, "commondir", "")
	if errors.Is(err, fs.ErrNotExist) {
		return p.submodule(g)
	}
	if err != nil {
		return err
	}
	p.CommonDir = absolute(common, p.GitDir)
	back, err := pointer(g, "gitdir", "")
	if err != nil || !same(absolute(back, p.GitDir), filepath.Join(p.Root, ".git")) {
		return errors.New(".git points to a worktree that does not point back (git worktree repair mends it)")
	}
	if !same(filepath.Dir(filepath.Dir(p.GitDir)), p.CommonDir) || filepath.Base(filepath.Dir(p.GitDir)) != "worktrees" {
		return errors.New(".git points to a worktree that is not one of its repository's")
	}
	return nil
}

// submodule: the directory below .git/modules names the working tree.
func (p *Repo) submodule(g *safefs.Root) error {
	settings, err := readConfig(g, "config")
	if err != nil {
		return err
	}
	for _, s := range settings {
		if s.Kind() == "core.worktree" && same(absolute(s.Value, p.GitDir), p.Root) {
			return nil
		}
	}
	return errors.New(".git points to a repository that does not point back")
}

// check refuses what is not an ordinary repository of this user.
func (p *Repo) check() error {
	c, err := safefs.Open(p.CommonDir)
	if err != nil {
		return err
	}
	defer c.Close()
	for _, name := range []string{"objects", "refs"} {
		if info, err := c.Lstat(name); err != nil || !info.IsDir() {
			return fmt.Errorf(".git/%s is not a directory", name)
		}
	}
	info, err := os.Stat(p.CommonDir)
	if err != nil {
		return err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		p.Uid, p.Gid = st.Uid, st.Gid
	}
	if me := uint32(os.Geteuid()); me != 0 && p.Uid != me {
		return errors.New("the repository belongs to another user")
	}
	if strings.ContainsAny(p.CommonDir, "\n\r") {
		return errors.New("its path has a line break")
	}
	return p.settings(c)
}

func (p *Repo) settings(c *safefs.Root) error {
	all, err := readConfig(c, "config")
	if err != nil {
		return fmt.Errorf(".git/config: %w", err)
	}
	p.Hex = 40
	for _, s := range all {
		switch s.Kind() {
		case "extensions.objectformat":
			switch strings.ToLower(s.Value) {
			case "sha1":
			case "sha256":
				p.Hex = 64
			default:
				return errors.New("its object format is not known")
			}
		case "extensions.refstorage":
			if !strings.EqualFold(s.Value, "files") {
				return fmt.Errorf("its references are stored as %q, of which only files are supported", s.Value)
			}
		case "extensions.partialclone", "remote..promisor":
			p.Partial = true
		case "core.sharedrepository":
			p.Shared = s.Value
		case "extensions.worktreeconfig":
			if g, err := safefs.Open(p.GitDir); err == nil {
				more, _ := readConfig(g, "config.worktree")
				all = append(all, more...)
				g.Close()
			}
		}
	}
	p.Settings = all
	return nil
}

// readConfig reads a configuration file; a missing one is empty.
func readConfig(r *safefs.Root, name string) ([]gitconfig.Setting, error) {
	b, err := r.ReadFile(name, 4<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return gitconfig.Parse(b)
}

// pointer reads a file that holds one path after a prefix.
func pointer(r *safefs.Root, name, prefix string) (string, error) {
	b, err := r.ReadFile(name, 8<<10)
	if err != nil {
		return "", err
	}
	s, ok := strings.CutPrefix(strings.TrimRight(string(b), "\r\n"), prefix)
	if !ok || s == "" || strings.ContainsAny(s, "\n\r\x00") {
		return "", fmt.Errorf("%s is not a pointer to a git directory", name)
	}
	return s, nil
}

func absolute(p, dir string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(dir, p)
}

// same compares two paths by what they mean.
func same(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// ErrBorrows: objects come from a directory that the caller does not give away.
var ErrBorrows = errors.New("its objects lie in another directory")

// Objects are the directories that hold the repository's objects: its own,
// then those it borrows from. They are shown inside, and whoever wrote the
// repository, an earlier session perhaps, chose their names, by a list of
// alternates or a link: within says which real paths may be given away.
func (p *Repo) Objects(within func(dir string) bool) ([]string, error) {
	own, err := filepath.EvalSymlinks(filepath.Join(p.CommonDir, "objects"))
	if err != nil {
		return nil, err
	}
	list := []string{own}
	for i := 0; i < len(list); i++ {
		if !within(list[i]) {
			return nil, fmt.Errorf("%w: %s", ErrBorrows, list[i])
		}
		more, err := alternates(list[i])
		if err != nil {
			return nil, err
		}
		if list = append(list, more...); len(list) > 16 {
			return nil, errors.New("it borrows its objects from too many directories")
		}
	}
	return list, nil
}

// alternates are the real paths that one directory of objects borrows from.
func alternates(dir string) ([]string, error) {
	root, err := safefs.Open(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	b, err := root.ReadFile("info/alternates", 1<<16)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("its list of borrowed objects: %w", err)
	}
	var list []string
	for line := range strings.SplitSeq(string(b), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		if line[0] == '"' {
			return nil, fmt.Errorf("%w: a quoted name", ErrBorrows)
		}
		real, err := filepath.EvalSymlinks(absolute(line, dir))
		if err == nil {
			list = append(list, real)
		}
	}
	return list, nil
}
