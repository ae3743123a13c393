package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// step is a thing the user does. Its check returns what happened, and an
// error where that is not what must happen.
type step struct {
	did   string
	needs string // a program, "" for none
	check func(context.Context, *world) (string, error)
}

var setUp = []step{
	{"bailey agent -- cat .env, before any set-up", "", agentBeforeSetUp},
	{"bailey init --yes", "", initialise},
	{"search project and vault for the values", "", searchDisk},
	{"commit the rules; bailey agent asks, you say yes", "script", confirmRules},
	{"bailey run -- npm test", "node", runTests},
	{"bailey run -- node server.js, and buy a mug", "node", buyMug},
	{"bailey run with a wrong passphrase", "", wrongPassphrase},
}

var afterwards = []step{
	{"look for what the session left running or mounted", "", leftovers},
	{"bailey audit log: look for the two refused hosts", "", auditNames},
	{"bailey audit verify", "", auditVerifies},
	{"bailey audit verify, with one letter changed", "", auditNoticesChange},
	{"bailey eject --yes", "", eject},
}

func perform(ctx context.Context, w *world, steps []step) []result {
	var table []result
	for _, s := range steps {
		r := result{section: you, tried: s.did, verdict: notTried}
		if why := missing(s.needs); why != "" {
			r.with = why
		} else if happened, err := s.check(ctx, w); err != nil {
			r.with, r.verdict = err.Error(), failed
		} else {
			r.with, r.verdict = happened, ok
		}
		table = append(table, r)
	}
	return table
}

func agentBeforeSetUp(ctx context.Context, w *world) (string, error) {
	out := w.guarded(ctx, "agent", "--", "cat", ".env")
	if leaked := w.foundIn(out.all()); len(leaked) > 0 {
		return "", fmt.Errorf("it read the %s", strings.Join(leaked, ", "))
	}
	if out.err != nil || !strings.Contains(out.stdout, "PAYMENTS_KEY") {
		return "", errors.New(out.problem())
	}
	if b, err := os.ReadFile(filepath.Join(w.project, ".env")); err != nil || string(b) != w.env {
		return "", errors.New(".env is not what it was")
	}
	return "it saw placeholders, the file is untouched", nil
}

func initialise(ctx context.Context, w *world) (string, error) {
	out := w.guarded(ctx, "init", "--yes")
	if out.err != nil {
		return "", errors.New(out.problem())
	}
	if leaked := w.foundIn(out.all()); len(leaked) > 0 {
		return "", fmt.Errorf("it printed the %s", strings.Join(leaked, ", "))
	}
	if _, err := os.Stat(filepath.Join(w.project, ".env")); !errors.Is(err, os.ErrNotExist) {
		return "", errors.New(".env is still there")
	}
	return ".env is in the vault, the file is gone", nil
}

// confirmRules puts the shop's own bailey.yaml in place of the one that init
// wrote. An agent could have done that, so it counts only after a person at a
// terminal has read it; script(1) is that terminal.
func confirmRules(ctx context.Context, w *world) (string, error) {
	if err := copyFile(w.rules(), filepath.Join(w.project, "bailey.yaml")); err != nil {
		return "", err
	}
	if err := w.git(ctx, "git add -A && git commit -q -m 'shop: keep the keys in a vault'"); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := w.command(ctx, []string{"SHELL=/bin/sh", "BAILEY=" + w.bailey},
		"script", "-qec", `"$BAILEY" agent -- true`, "/dev/null")
	cmd.Stdin = strings.NewReader("y\n")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PAYMENTS_KEY") {
		return "", errors.New(output{stderr: string(out), code: cmd.ProcessState.ExitCode()}.problem())
	}
	return "it showed what they grant, and took the yes", nil
}

func searchDisk(_ context.Context, w *world) (string, error) {
	for _, dir := range []string{w.project, w.baileyHome()} {
		found, err := w.foundBelow(dir)
		if err != nil {
			return "", err
		}
		if len(found) > 0 {
			return "", errors.New("found: " + strings.Join(found, ", "))
		}
	}
	return "none of the three is there", nil
}

func runTests(ctx context.Context, w *world) (string, error) {
	argv := []string{"npm", "test"}
	if missing("npm") != "" {
		argv = []string{"node", "--test"} // what package.json's script is
	}
	out := w.guarded(ctx, append([]string{"run", "--"}, argv...)...)
	if out.err != nil || !testsPass(out.stdout) {
		return "", errors.New(out.problem())
	}
	return "5 tests pass", nil
}

// testsPass understands both of node's reporters.
func testsPass(text string) bool {
	counts := regexp.MustCompile(`(?m)^\S+ (pass|fail) (\d+)$`).FindAllStringSubmatch(text, -1)
	return len(counts) == 2 && counts[0][2] == "5" && counts[1][2] == "0"
}

// buyMug starts the shop itself; the variable PAYMENTS_URL of the caller wins
// over the project's, so that it finds the payments API of this world.
func buyMug(ctx context.Context, w *world) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	cmd := w.command(ctx, []string{
		"PORT=0", "PAYMENTS_URL=https://" + w.payments.addr, "NODE_EXTRA_CA_CERTS=" + w.bundle(),
	}, w.bailey, "run", "--", "node", "server.js")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	line, _ := bufio.NewReader(stdout).ReadString('\n') // an end without a line is seen below
	_, url, started := strings.Cut(strings.TrimSpace(line), "shop: ")
	var bought error
	if started {
		bought = checkout(ctx, url)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait() // ended by that signal
	switch charges, err := w.payments.requests(func(r request) bool {
		return r.Path == "/v1/charges" && r.Key == "real"
	}); {
	case !started:
		return "", errors.New(output{stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}.problem())
	case bought != nil:
		return "", bought
	case err != nil:
		return "", err
	case len(charges) != 1:
		return "", fmt.Errorf("the payments API saw %d charges with the real key", len(charges))
	}
	return "paid, with the real key", nil
}

func checkout(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/checkout", strings.NewReader(`{"product":"mug"}`))
	if err != nil {
		return err
	}
	client := http.Client{Timeout: 20 * time.Second}
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("checkout: %s %s", answer.Status, strings.TrimSpace(string(body)))
	}
	return err
}

func wrongPassphrase(ctx context.Context, w *world) (string, error) {
	wrong := filepath.Join(w.dir, "wrong")
	if err := writeFile(wrong, "not the passphrase", 0o600); err != nil {
		return "", err
	}
	out := w.run(ctx, []string{"BAILEY_PASSPHRASE_FILE=" + wrong}, w.bailey, "run", "--", "env")
	if out.code == 0 || len(w.foundIn(out.all())) > 0 {
		return "", errors.New("it ran")
	}
	return fmt.Sprintf("refused, exit %d", out.code), nil
}
