// Package term is the only place that prints: messages, tables, JSON, and
// questions to the person at the terminal.
//
// It decides nothing and never exits. Its invariant: text that came from
// outside (file names, hosts, names in a manifest) reaches a terminal without
// control characters, and what is typed at a secret question is not echoed.
package term

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// ErrNoTerminal is returned by every question when nobody can be asked.
var ErrNoTerminal = errors.New("no terminal to ask on")

// Term is where a command's input comes from and its output goes. Safe for
// concurrent use; each call writes its text in one piece.
type Term struct {
	In  io.Reader
	Out io.Writer
	Err io.Writer

	mu sync.Mutex
}

// Std is the process's own standard streams.
func Std() *Term { return std }

var std = &Term{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}

// Printf writes a result to standard output.
func (t *Term) Printf(format string, args ...any) {
	t.write(t.Out, fmt.Sprintf(format, args...))
}

// Write sends bytes to standard output as they are: a secret's value, an
// exported file. Nothing else may use it.
func (t *Term) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.Out.Write(b)
}

// Show displays text that a person is to copy on standard error, between
// empty lines: a recovery code. Nothing else may use it.
func (t *Term) Show(b []byte) { t.write(t.Err, "\n    "+string(b)+"\n\n") }

// JSON writes v to standard output, indented, with a final newline.
func (t *Term) JSON(v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = t.Write(append(b, '\n'))
	return err
}

// Notef tells the person something on standard error: "bailey: …".
func (t *Term) Notef(format string, args ...any) {
	t.write(t.Err, message("bailey: ", fmt.Sprintf(format, args...)))
}

// Hintf says what to do about the message before it: "bailey: hint: …".
func (t *Term) Hintf(format string, args ...any) {
	t.write(t.Err, message("bailey: hint: ", fmt.Sprintf(format, args...)))
}

// Hinter is an error that knows what the person can do about it.
type Hinter interface{ Hint() string }

// Error prints err, and its hint when it has one.
func (t *Term) Error(err error) {
	t.Notef("%s", err)
	var h Hinter
	if errors.As(err, &h) && h.Hint() != "" {
		t.Hintf("%s", h.Hint())
	}
}

func (t *Term) write(w io.Writer, s string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = io.WriteString(w, s)
}

// message puts the prefix before the first line and a tab before the others,
// so that a continued message can be told from the next one.
func message(prefix, s string) string {
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	for i := range lines {
		lines[i] = Clean(lines[i])
	}
	return prefix + strings.Join(lines, "\n\t") + "\n"
}

// OutIsTerminal says whether a person reads standard output directly.
func (t *Term) OutIsTerminal() bool { return isTerminal(t.Out) }

// ErrIsTerminal says whether a person reads standard error directly.
func (t *Term) ErrIsTerminal() bool { return isTerminal(t.Err) }

// InIsTerminal says whether standard input is a keyboard.
func (t *Term) InIsTerminal() bool { return isTerminal(t.In) }

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
