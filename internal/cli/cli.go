// Package cli is the command line: one file per command, each of which turns
// flags into calls and answers into print.
//
// It holds no mechanism: vault, sandbox and gateway are behind the API and
// the engines. Its invariant: a secret value never comes from argv, and never
// goes anywhere but standard output, a file that was asked for, or the
// environment of the command that run becomes.
package cli

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/daemon"
	"github.com/bailey-project/bailey/internal/term"
)

// buildVersion is what the linker told main.
var buildVersion = "unknown"

// exitError carries a status that is not in the table: a child's own, or that
// of a command that could not be found. An empty text prints nothing.
type exitError struct {
	code int
	text string
}

// Error is what is printed; it may be empty.
func (e *exitError) Error() string { return e.text }

// Main runs one command line and returns the exit status.
func Main(version string, args []string) int {
	buildVersion = version
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newFor(args)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	release()
	if err != nil && ctx.Err() != nil {
		err = api.ErrInterrupted
	}
	return report(err)
}

// report prints err and turns it into an exit status.
func report(err error) int {
	t := term.Std()
	var exit *exitError
	switch {
	case err == nil:
		return api.ExitOK
	case errors.As(err, &exit):
		if exit.text != "" {
			t.Notef("%s", exit.text)
		}
		return exit.code
	case errors.Is(err, term.ErrInterrupted), errors.Is(err, api.ErrInterrupted):
		return api.ExitInterrupted
	}
	if strings.HasPrefix(err.Error(), "unknown command") {
		err = &api.UsageError{Err: err, Advice: "see all commands with: bailey help"}
	}
	t.Error(err)
	if api.IsCode(err, api.Locked) && !t.CanAsk() && !headless() {
		t.Hintf("without a terminal: name a file with the passphrase in %s (bailey help headless)", daemon.PassphraseVariable)
	}
	return api.ExitCode(err)
}
