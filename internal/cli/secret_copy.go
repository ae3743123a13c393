package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/clipboard"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/term"
)

// copyValue holds v on the clipboard. It waits there: a process that went on
// in the background would keep the value where nobody sees it.
func copyValue(ctx context.Context, name secret.Name, v secret.Value, after time.Duration) error {
	t := term.Std()
	var tty io.Writer
	if t.CanAsk() {
		f, err := os.OpenFile("/dev/tty", os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close()
		tty = f
	}
	way, err := clipboard.Find(os.Getenv, tty)
	if errors.Is(err, clipboard.ErrNone) {
		return api.Errorf(api.Missing, "%s", err).WithHint("install wl-clipboard or xclip, or use a terminal")
	}
	if err != nil {
		return err
	}
	t.Notef("%s is on the clipboard (%s) for %s; Ctrl-C clears it", name, way.Name, after)
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, after)
	defer cancel()
	replaced, err := way.Hold(ctx, v.Reveal())
	switch {
	case err != nil:
		return api.Errorf(api.Unavailable, "%s: %s", way.Name, err)
	case replaced:
		t.Notef("something else was copied meanwhile")
	default:
		t.Notef("the clipboard is cleared")
	}
	return nil
}
