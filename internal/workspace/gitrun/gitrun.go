// Package gitrun starts the user's git on repositories that are not trusted.
//
// Its invariant: no setting, hook, filter or program that a repository names is
// run, no transport is used, the git that is started does not lie in the
// workspace, and what it prints becomes one plain line.
package gitrun

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/bailey-project/bailey/internal/workspace/gitdir"
)

// hardened switches off every setting by which a repository names a command,
// and all transports. They stand on the command line, which wins over files.
var hardened = []string{
	"core.hooksPath=/dev/null", "core.fsmonitor=false", "core.sshCommand=false", "core.gitProxy=", "core.askPass=",
	"core.pager=cat", "core.editor=false", "core.alternateRefsCommand=", "core.attributesFile=/dev/null",
	"credential.helper=", "protocol.allow=never", "gc.auto=0", "maintenance.auto=false", "submodule.recurse=false",
	"gpg.program=false", "commit.gpgSign=false", "tag.gpgSign=false", "log.showSignature=false", "diff.external=",
	"core.bigFileThreshold=32m", "pack.windowMemory=256m", "pack.threads=2", "fetch.writeCommitGraph=false", "core.untrackedCache=keep",
}

// Limits of one git process, bytes. Real work stays far below.
const (
	maxMemory = 4 << 30
	MaxPack   = 8 << 30
)

// Git is the user's git for one repository.
type Git struct {
	path string
	repo *gitdir.Repo
	cred *syscall.Credential // the repository's owner, when we are root and he is not
}

// ErrNone: there is no git to run.
var ErrNone = errors.New("git was not found on this machine")

// Find looks for git in path, the user's PATH; nothing below workspace counts.
func Find(repo *gitdir.Repo, path, workspace string) (*Git, error) {
	r := &Git{repo: repo}
	for _, dir := range append(filepath.SplitList(path), "/usr/local/bin", "/usr/bin", "/bin", "/opt/homebrew/bin") {
		p := filepath.Join(dir, "git")
		real, err := filepath.EvalSymlinks(p)
		if err != nil || !filepath.IsAbs(dir) || inside(p, workspace) || inside(real, workspace) {
			continue // the workspace may have planted one
		}
		if info, err := os.Stat(real); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			r.path = p
			break
		}
	}
	if r.path == "" {
		return nil, ErrNone
	}
	if os.Geteuid() == 0 && repo.Uid != 0 {
		r.cred = &syscall.Credential{Uid: repo.Uid, Gid: repo.Gid}
	}
	return r, nil
}

func inside(p, dir string) bool {
	return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// Host is a command on the user's own repository.
func (r *Git) Host(ctx context.Context, args ...string) *exec.Cmd {
	cmd := r.command(ctx, append([]string{"--git-dir=" + r.repo.GitDir, "--work-tree=" + r.repo.Root}, args...)...)
	cmd.SysProcAttr.Credential = r.cred
	return cmd
}

// Bare is a command on a repository made here.
func (r *Git) Bare(ctx context.Context, dir string, args ...string) *exec.Cmd {
	return r.command(ctx, append([]string{"--git-dir=" + dir, "--bare"}, args...)...)
}

func (r *Git) command(ctx context.Context, args ...string) *exec.Cmd {
	all := make([]string, 0, 2*len(hardened)+len(args))
	for _, s := range hardened {
		all = append(all, "-c", s)
	}
	cmd := exec.CommandContext(ctx, r.path, append(all, args...)...)
	cmd.Dir = "/"
	cmd.Env = []string{
		"PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "XDG_CONFIG_HOME=/nonexistent", "LC_ALL=C",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=none", "GIT_NO_LAZY_FETCH=1", "GIT_NO_REPLACE_OBJECTS=1",
		"GIT_COMMITTER_NAME=bailey", "GIT_COMMITTER_EMAIL=bailey@localhost", "GIT_AUTHOR_NAME=bailey", "GIT_AUTHOR_EMAIL=bailey@localhost",
		"GIT_EDITOR=false", "GIT_PAGER=cat", "GIT_ASKPASS=false", "SSH_ASKPASS=false", "GIT_FLUSH=0",
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	return cmd
}

// Output runs a command and returns what it printed, at most 64 MiB.
func Output(cmd *exec.Cmd, stdin string) (string, error) {
	var out, errs Limited
	out.Left, errs.Left = 64<<20, 4<<10
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	if err := Start(cmd); err != nil {
		return "", err
	}
	if err := cmd.Wait(); err != nil {
		return "", Said(cmd, err, errs.String())
	}
	return out.String(), nil
}

// Start starts a command with its limits.
func Start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	limit(cmd.Process.Pid)
	return nil
}

// Said makes an error of what git printed, as one plain line.
func Said(cmd *exec.Cmd, err error, stderr string) error {
	line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	line = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 {
			return -1
		}
		return r
	}, line)
	if line == "" {
		line = err.Error()
	}
	return fmt.Errorf("git %s: %s", verb(cmd.Args), line)
}

// verb is the subcommand: the first argument after options and their values.
func verb(args []string) string {
	for i := 1; i < len(args); i++ {
		switch {
		case args[i] == "-c":
			i++
		case !strings.HasPrefix(args[i], "-"):
			return args[i]
		}
	}
	return ""
}

// Limited keeps the first Left bytes and drops the rest.
type Limited struct {
	bytes.Buffer
	Left int
}

func (l *Limited) Write(p []byte) (int, error) {
	n := min(len(p), l.Left)
	l.Left -= n
	l.Buffer.Write(p[:n])
	return len(p), nil
}

var _ io.Writer = (*Limited)(nil)
