package session

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/term"
)

// trialTime bounds a trial.
const trialTime = 20 * time.Second

// Try starts a session in an empty directory, whole but without a record, runs
// a script of sh in it and returns what it printed.
func Try(ctx context.Context, env []string, script string) (out string, r sandbox.Regime, err error) {
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	dir, err := os.MkdirTemp("", "bailey-trial-*")
	if err != nil {
		return "", r, err
	}
	defer os.RemoveAll(dir)
	quiet := &term.Term{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}
	s := &Session{home: home.User(), startedAt: time.Now(), ID: newID(), plan: true,
		opts: Options{Args: []string{"sh", "-c", script}, Dir: dir, Env: env, Environment: "development", Term: quiet, Quiet: true}}
	if s.box, err = sandbox.Launch(s.base()); err != nil {
		return "", r, err
	}
	defer s.discard()
	if err := s.prepare(ctx); err != nil {
		s.box.Kill()
		return "", r, err
	}
	if err := s.box.Build(s.spec([3]bool{})); err != nil {
		return "", r, err
	}
	if err := s.box.Run(ctx); err != nil {
		return "", r, err
	}
	_ = s.box.Stdio.In.Close()
	b, _ := io.ReadAll(io.LimitReader(s.box.Stdio.Out, 64<<10))
	_, err = s.box.Wait()
	return string(b), s.box.Regime, err
}
