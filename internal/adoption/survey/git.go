package survey

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// trackedFiles are the .env files that git tracks. Without git, or outside a
// repository, there are none. Nothing of the repository's configuration that
// runs commands is heeded.
func trackedFiles(ctx context.Context, root string) map[string]bool {
	git, err := exec.LookPath("git")
	if err != nil || !filepath.IsAbs(git) || strings.HasPrefix(git, root+"/") {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, git, "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null",
		"ls-files", "-z", "--", ":(glob)**/.env*")
	cmd.Dir = root
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C"}
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	tracked := map[string]bool{}
	for name := range strings.SplitSeq(string(out), "\x00") {
		tracked[name] = true
	}
	return tracked
}
