// Package clipboard keeps a value on the user's clipboard for a while.
//
// It keeps no copy and leaves no process behind: the program that owns the
// selection is a child that ends with the time. Its invariants: the value goes
// through a pipe or a terminal's own sequence, never through an argument list;
// and what somebody else copied meanwhile is not cleared away.
package clipboard

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"time"
)

// ErrNone: there is no way to a clipboard here.
var ErrNone = errors.New("no clipboard: neither wl-copy, xclip nor xsel is installed, and there is no terminal")

// maxSequence is what terminals take in one sequence, bytes of base64.
const maxSequence = 74_994

// Way is one way to a clipboard.
type Way struct {
	Name string
	// Hold puts value there and takes it away again when ctx ends. It returns
	// early with replaced when something else was copied meanwhile.
	Hold func(ctx context.Context, value []byte) (replaced bool, err error)
}

// Find chooses a way. Over ssh the clipboard is where the terminal is, so the
// terminal's own sequence comes first there; tty may be nil.
func Find(lookup func(string) string, tty io.Writer) (Way, error) {
	far := lookup("SSH_CONNECTION") != "" || lookup("SSH_TTY") != ""
	if far && tty != nil {
		return terminal(tty), nil
	}
	for _, o := range []struct {
		display, program string
		args             []string
	}{
		{"WAYLAND_DISPLAY", "wl-copy", []string{"--foreground", "--type", "text/plain"}},
		{"DISPLAY", "xclip", []string{"-selection", "clipboard", "-in", "-quiet"}},
		{"DISPLAY", "xsel", []string{"--clipboard", "--input", "--nodetach"}},
	} {
		if path, err := exec.LookPath(o.program); err == nil && lookup(o.display) != "" {
			return owning(o.program, path, o.args), nil
		}
	}
	if runtime.GOOS == "darwin" {
		return pasteboard(), nil
	}
	if tty != nil {
		return terminal(tty), nil
	}
	return Way{}, ErrNone
}

// owning is a program that serves the selection as long as it runs: its end is
// the clearing, and does nothing to what another program owns by then.
func owning(name, path string, args []string) Way {
	return Way{name, func(ctx context.Context, value []byte) (bool, error) {
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Stdin, cmd.WaitDelay = bytes.NewReader(value), time.Second
		err := cmd.Run()
		if ctx.Err() != nil {
			return false, nil
		}
		return err == nil, err
	}}
}

// terminal asks the terminal by OSC 52. It cannot be asked back, so whatever
// is there is cleared.
func terminal(tty io.Writer) Way {
	set := func(b []byte) error {
		_, err := io.WriteString(tty, "\x1b]52;c;"+base64.StdEncoding.EncodeToString(b)+"\a")
		return err
	}
	return Way{"the terminal", func(ctx context.Context, value []byte) (bool, error) {
		if base64.StdEncoding.EncodedLen(len(value)) > maxSequence {
			return false, errors.New("the value is longer than terminals take")
		}
		if err := set(value); err != nil {
			return false, err
		}
		<-ctx.Done()
		return false, set(nil)
	}}
}

// pasteboard is the one of macOS, which nobody owns: it is cleared only while
// it holds the value.
func pasteboard() Way {
	return Way{"pbcopy", func(ctx context.Context, value []byte) (bool, error) {
		put := func(b []byte) error {
			cmd := exec.Command("pbcopy")
			cmd.Stdin = bytes.NewReader(b)
			return cmd.Run()
		}
		if err := put(value); err != nil {
			return false, err
		}
		<-ctx.Done()
		if now, err := exec.Command("pbpaste").Output(); err == nil && !bytes.Equal(now, value) {
			return true, nil
		}
		return false, put(nil)
	}}
}
