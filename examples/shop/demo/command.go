package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// commandTime bounds each command of the story.
const commandTime = 2 * time.Minute

// output is what a command left behind.
type output struct {
	stdout, stderr string
	code           int // exit status, -1 where it did not run to its end
	err            error
}

// all is both streams, to search.
func (o output) all() string { return o.stdout + o.stderr }

// problem is the last thing the command said, for a row that failed: bailey's
// own last line where it said one.
func (o output) problem() string {
	last := ""
	for line := range strings.Lines(o.stderr) {
		line = strings.TrimSpace(line)
		if at := strings.LastIndex(line, "bailey: "); at > 0 {
			line = line[at:] // it stands behind a question
		}
		own := strings.HasPrefix(line, "bailey: ") && !strings.HasPrefix(line, "bailey: hint:")
		if own || line != "" && !strings.HasPrefix(last, "bailey: ") {
			last = line
		}
	}
	return fmt.Sprintf("exit %d: %s", o.code, last)
}

// command prepares argv in the project, with the user's environment and env.
// It ends with ctx, first asked to.
func (w *world) command(ctx context.Context, env []string, argv ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = w.project
	cmd.Env = append(w.environment(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func (w *world) run(ctx context.Context, env []string, argv ...string) output {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := w.command(ctx, env, argv...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return output{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode(), err}
}

// guarded runs bailey with args.
func (w *world) guarded(ctx context.Context, args ...string) output {
	return w.run(ctx, nil, append([]string{w.bailey}, args...)...)
}

// git runs a line of shell as the user would on the host.
func (w *world) git(ctx context.Context, line string) error {
	out := w.run(ctx, nil, "sh", "-c", line)
	if out.err != nil {
		return errors.New(out.problem())
	}
	return nil
}

// environment is the caller's own, with this world's home, and without what
// would lead to the caller's own vault, repository or terminal.
func (w *world) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		for _, prefix := range []string{"BAILEY_", "XDG_", "GIT_", "MAKE", "MFLAGS=", "npm_", "HOME="} {
			if strings.HasPrefix(e, prefix) {
				return true
			}
		}
		return false
	})
	return append(env,
		"HOME="+w.home,
		"BAILEY_HOME="+w.baileyHome(),
		"BAILEY_PASSPHRASE_FILE="+w.passphraseFile(),
	)
}

// unguarded is what an agent without Bailey is started with: the keys of .env
// in the terminal, the real addresses, and trust in the hosts' authorities.
func (w *world) unguarded() []string {
	env := []string{
		"PAYMENTS_URL=https://" + w.payments.addr,
		"DOCS_URL=https://" + w.docs.addr,
		"TRACKER_URL=https://" + w.tracker.addr,
		"WGETRC=" + w.wgetrc(),
	}
	for _, name := range []string{"CURL_CA_BUNDLE", "SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO"} {
		env = append(env, name+"="+w.bundle())
	}
	for line := range strings.Lines(w.env) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok || strings.HasPrefix(name, "#") || name == "PAYMENTS_URL" {
			continue
		}
		value, _, _ = strings.Cut(value, " ")
		env = append(env, name+"="+strings.Trim(value, `"`))
	}
	return env
}
