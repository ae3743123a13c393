package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	key        = "pay_live_BenchOnly0123456789abcdefghijk"
	passphrase = "only for the length of a measurement"
)

// world is a throw-away user: a project whose vault is open, an empty
// directory beside it, and a payments API.
type world struct {
	dir, home, project, empty string
	bailey                    string
	addr, ca                  string // of the payments API
	children                  []*exec.Cmd
	// daemonless says why nothing that needs an open vault can be measured.
	daemonless error
}

func newWorld(ctx context.Context, o options) (*world, error) {
	bailey, err := filepath.Abs(o.bailey)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "bailey-bench-")
	if err != nil {
		return nil, err
	}
	w := &world{
		dir:     dir,
		home:    filepath.Join(dir, "home"),
		project: filepath.Join(dir, "home", "bench"),
		empty:   filepath.Join(dir, "home", "empty"),
		bailey:  bailey,
	}
	if err := errors.Join(w.write(), w.startPayments(ctx, o.payments), w.pin()); err != nil {
		w.close()
		return nil, err
	}
	if w.daemonless = w.initialise(ctx); w.daemonless == nil {
		w.daemonless = errors.Join(w.startDaemon(ctx), w.confirm(ctx))
	}
	return w, nil
}

func (w *world) write() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	client, err := os.ReadFile(filepath.Join(filepath.Dir(self), "client"))
	if err != nil {
		return err
	}
	return errors.Join(
		os.MkdirAll(w.project, 0o755), os.MkdirAll(w.empty, 0o755), os.MkdirAll(w.baileyHome(), 0o700),
		os.WriteFile(filepath.Join(w.dir, "key"), []byte(key), 0o600),
		os.WriteFile(w.passphraseFile(), []byte(passphrase), 0o600),
		os.WriteFile(filepath.Join(w.project, ".env"), []byte("PAYMENTS_KEY="+key+"\n"), 0o600),
		os.WriteFile(filepath.Join(w.project, "client"), client, 0o755),
	)
}

func (w *world) startPayments(ctx context.Context, program string) error {
	cmd := exec.CommandContext(ctx, program, "-dir", w.dir, "-key", filepath.Join(w.dir, "key"))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w (`make bench` builds it)", err)
	}
	w.children = append(w.children, cmd)
	return poll(ctx, func() error {
		addr, err := os.ReadFile(filepath.Join(w.dir, "addr"))
		w.addr, w.ca = string(addr), filepath.Join(w.dir, "ca.pem")
		return err
	})
}

func (w *world) pin() error {
	text := fmt.Sprintf("upstreams:\n  - {host: payments.test, at: %q, ca: %q}\n", w.addr, w.ca)
	return os.WriteFile(filepath.Join(w.baileyHome(), "config.yaml"), []byte(text), 0o600)
}

func (w *world) initialise(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, w.bailey, "init", "--yes")
	cmd.Dir, cmd.Env = w.project, append(w.environment(), "BAILEY_PASSPHRASE_FILE="+w.passphraseFile())
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bailey init: %w: %s", err, lastLine(out))
	}
	return nil
}

// startDaemon starts the daemon and opens the vault, as the first command of a
// day does on a terminal.
func (w *world) startDaemon(ctx context.Context) error {
	daemon := exec.CommandContext(ctx, w.bailey, "daemon")
	daemon.Dir, daemon.Env = w.home, w.environment()
	if err := daemon.Start(); err != nil {
		return err
	}
	w.children = append(w.children, daemon)
	err := poll(ctx, func() error {
		_, err := os.Stat(filepath.Join(w.baileyHome(), "run", "daemon.sock"))
		return err
	})
	if err != nil {
		return fmt.Errorf("bailey daemon: %w", err)
	}
	unlock := exec.CommandContext(ctx, w.bailey, "unlock", "--stdin")
	unlock.Dir, unlock.Env, unlock.Stdin = w.home, w.environment(), strings.NewReader(passphrase)
	if out, err := unlock.CombinedOutput(); err != nil {
		return fmt.Errorf("bailey unlock: %w: %s", err, lastLine(out))
	}
	return nil
}

// confirm binds the key to its host: in bailey.yaml, which counts after a
// person at a terminal has agreed; script(1) is that terminal.
func (w *world) confirm(ctx context.Context) error {
	const manifest = "project: bench\nsecrets:\n  PAYMENTS_KEY: {hosts: [payments.test]}\n"
	if err := os.WriteFile(filepath.Join(w.project, "bailey.yaml"), []byte(manifest), 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "script", "-qec", `"$BAILEY" agent -- true`, "/dev/null")
	cmd.Dir, cmd.Env = w.project, append(w.environment(), "SHELL=/bin/sh", "BAILEY="+w.bailey)
	cmd.Stdin = strings.NewReader("y\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("bailey agent: %w: %s", err, lastLine(out))
	}
	return nil
}

// poll tries until it works, for ten seconds.
func poll(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (w *world) baileyHome() string     { return filepath.Join(w.home, ".local", "share", "bailey") }
func (w *world) passphraseFile() string { return filepath.Join(w.dir, "passphrase") }

func (w *world) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(e string) bool {
		return strings.HasPrefix(e, "BAILEY_") || strings.HasPrefix(e, "XDG_") || strings.HasPrefix(e, "HOME=")
	})
	return append(env, "HOME="+w.home, "BAILEY_HOME="+w.baileyHome())
}

func (w *world) close() {
	for _, c := range w.children {
		_ = c.Process.Kill()
		_ = c.Wait() // killed: its error says nothing
	}
	_ = os.RemoveAll(w.dir)
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
