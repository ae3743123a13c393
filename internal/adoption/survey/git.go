package survey

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// repository asks git about the one that root lies in. Nothing of its
// configuration that runs commands is heeded.
type repository struct{ git, root string }

// repositoryOf is false without git.
func repositoryOf(root string) (repository, bool) {
	git, err := exec.LookPath("git")
	return repository{git, root}, err == nil && filepath.IsAbs(git) && !strings.HasPrefix(git, root+"/")
}

func (r repository) ask(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.git, append([]string{"-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
		"-c", "protocol.allow=never"}, args...)...)
	cmd.Dir = r.root
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GIT_OPTIONAL_LOCKS=0", "GIT_NO_LAZY_FETCH=1", "LC_ALL=C"}
	out, err := cmd.Output()
	return string(out), err
}

// tracked are the .env files that git tracks; outside a repository, none.
func (r repository) tracked(ctx context.Context) map[string]bool {
	out, err := r.ask(ctx, "ls-files", "-z", "--", ":(glob)**/.env*")
	if err != nil {
		return nil
	}
	tracked := map[string]bool{}
	for name := range strings.SplitSeq(out, "\x00") {
		tracked[name] = true
	}
	return tracked
}

// committed says whether any commit has or had the file; when git does not
// answer, that it may.
func (r repository) committed(ctx context.Context, path string) bool {
	out, err := r.ask(ctx, "rev-list", "--all", "HEAD", "-n", "1", "--", ":(literal)"+path)
	if err != nil { // of an empty repository HEAD is no commit
		out, err = r.ask(ctx, "rev-list", "--all", "-n", "1", "--", ":(literal)"+path)
	}
	return err != nil || out != ""
}
