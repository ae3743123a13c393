package term

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/term"
)

// ErrInterrupted is returned by a question that was answered with Ctrl-C.
var ErrInterrupted = errors.New("interrupted")

// CanAsk says whether a question would reach a person: one of the standard
// streams is a terminal and the controlling terminal can be opened. A program
// with all three redirected is a script, even when a terminal is near.
func (t *Term) CanAsk() bool {
	if !t.InIsTerminal() && !t.OutIsTerminal() && !t.ErrIsTerminal() {
		return false
	}
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return false
	}
	_ = f.Close()
	return true
}

// Secret asks for a value without echo. The caller owns the bytes.
func (t *Term) Secret(prompt string) ([]byte, error) {
	tty, err := t.open()
	if err != nil {
		return nil, err
	}
	defer tty.Close()
	b, err := readSilently(tty, prompt)
	_, _ = fmt.Fprintln(tty)
	return b, err
}

// Ask asks for a line of text.
func (t *Term) Ask(prompt string) (string, error) {
	tty, err := t.open()
	if err != nil {
		return "", err
	}
	defer tty.Close()
	if _, err := io.WriteString(tty, prompt); err != nil {
		return "", err
	}
	line, err := bufio.NewReader(tty).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = ErrInterrupted
	}
	return strings.TrimSpace(line), err
}

// Confirm asks a yes-or-no question; an empty answer means byDefault.
func (t *Term) Confirm(question string, byDefault bool) (bool, error) {
	choice := " [y/N] "
	if byDefault {
		choice = " [Y/n] "
	}
	for {
		answer, err := t.Ask(question + choice)
		if err != nil {
			return false, err
		}
		switch strings.ToLower(answer) {
		case "":
			return byDefault, nil
		case "y", "yes":
			return true, nil
		case "n", "no":
			return false, nil
		}
	}
}

func (t *Term) open() (*os.File, error) {
	if !t.CanAsk() {
		return nil, ErrNoTerminal
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, ErrNoTerminal
	}
	return tty, nil
}

// readSilently turns echo off before it asks, since people type ahead, and,
// whatever ends the question, on again: a terminal left without echo is what
// people remember of such a program.
func readSilently(tty *os.File, prompt string) ([]byte, error) {
	fd := int(tty.Fd())
	restore, err := echoOff(fd)
	if err != nil {
		return nil, err
	}
	defer restore()
	if _, err := io.WriteString(tty, prompt); err != nil {
		return nil, err
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(stop)
	type answer struct {
		b   []byte
		err error
	}
	done := make(chan answer, 1)
	go func() {
		b, err := term.ReadPassword(fd)
		done <- answer{b, err}
	}()
	select {
	case a := <-done:
		if errors.Is(a.err, io.EOF) {
			a.err = ErrInterrupted
		}
		return a.b, a.err
	case <-stop:
		return nil, ErrInterrupted
	}
}
