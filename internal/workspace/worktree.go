package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/gitrun"
)

// Worktree returns the linked worktree of that name of the repository that root
// is the top of, and makes it when it is not there: beside the repository, in
// NAME.worktrees, on a branch of its name. path is the user's PATH. No hook and
// no filter of the repository is run.
func Worktree(ctx context.Context, root, name, path string) (dir string, made bool, err error) {
	if err := worktreeName(name); err != nil {
		return "", false, err
	}
	repo, err := gitdir.Locate(root)
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", root, err)
	}
	main := filepath.Dir(repo.CommonDir)
	if filepath.Base(repo.CommonDir) != ".git" { // bare
		main = strings.TrimSuffix(repo.CommonDir, ".git")
	}
	dir = filepath.Join(main+".worktrees", name)
	unlock, err := queue(repo.CommonDir)
	if err != nil {
		return "", false, err
	}
	defer unlock()
	switch _, err := os.Lstat(dir); {
	case err == nil:
		return dir, false, sameRepository(dir, repo)
	case !errors.Is(err, fs.ErrNotExist):
		return "", false, err
	}
	git, err := gitrun.Find(repo, path, root)
	if err != nil {
		return "", false, err
	}
	args := []string{"worktree", "add", "--quiet", "-b", name, dir}
	if _, err := gitrun.Output(git.Host(ctx, "rev-parse", "--verify", "--quiet", "refs/heads/"+name), ""); err == nil {
		args = []string{"worktree", "add", "--quiet", dir, name}
	}
	if _, err := gitrun.Output(git.Host(ctx, args...), ""); err != nil {
		return "", false, fmt.Errorf("making worktree %s: %w", name, err)
	}
	return dir, true, nil
}

// queue waits for others that make a worktree of the repository: git fails when
// it meets one that is half made.
func queue(dir string) (unlock func(), err error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(d.Fd()), unix.LOCK_EX); err != nil {
		d.Close()
		return nil, fmt.Errorf("%s: waiting for its lock: %w", dir, err)
	}
	return func() { d.Close() }, nil
}

// queueTime bounds how long bringing home waits for a worktree that is made.
const queueTime = 10 * time.Second

// noneMade waits, for a bounded time, until no worktree of the repository is being
// made, and keeps others from beginning: git reads the heads of all of them, and
// would take what came home for damaged when one is half made.
func noneMade(dir string) (unlock func()) {
	d, err := os.Open(dir)
	if err != nil {
		return func() {}
	}
	for end := time.Now().Add(queueTime); time.Now().Before(end); time.Sleep(queueTime / 1000) {
		if unix.Flock(int(d.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil {
			break
		}
	}
	return func() { d.Close() }
}

// sameRepository refuses a directory that is something else.
func sameRepository(dir string, repo *gitdir.Repo) error {
	other, err := gitdir.Locate(dir)
	if err != nil {
		return fmt.Errorf("%s is there and no worktree: %w", dir, err)
	}
	if other.CommonDir != repo.CommonDir {
		return fmt.Errorf("%s is a worktree of another repository, %s", dir, other.CommonDir)
	}
	return nil
}

// worktreeName accepts what is both one directory and one branch (see
// git-check-ref-format(1)).
func worktreeName(name string) error {
	ok := name != "" && len(name) <= 100 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") == "" &&
		!strings.HasPrefix(name, "-") && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".") && !strings.HasSuffix(name, ".lock") && !strings.Contains(name, "..")
	if !ok {
		return fmt.Errorf("%.100q is no name for a worktree: letters, digits, '-', '_' and '.'", name)
	}
	return nil
}
