// Package e2e runs scripts that a user could have typed against the real
// command, each in a home and with a vault of its own.
//
// It holds no unit tests. Its invariant: a script passes only by what the
// program printed, wrote and returned.
package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/cli"
	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/workspace"
)

// passphrase is what unlocks the vaults of the scripts; $PASS names a file
// with it.
const passphrase = "correct horse battery"

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"bailey": bailey})
}

// bailey is the command itself, with cheap passphrases.
func bailey() {
	if len(os.Args) > 1 && os.Args[1] == sandbox.InitArg {
		sandbox.PID1(sandbox.NameRules{Refused: workspace.Refused, Loose: workspace.Loose})
	}
	cli.SealCost = 1
	os.Exit(cli.Main("test", os.Args[1:]))
}

func TestUse(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/use", Setup: setUp, RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"noleak": noLeak, "eventually": eventually, "same": same, "status": status, "code": code, "awkward": awkward},
	})
}

func setUp(env *testscript.Env) error {
	home := filepath.Join(env.WorkDir, "user")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	pass := filepath.Join(env.WorkDir, "passphrase")
	if err := os.WriteFile(pass, []byte(passphrase+"\n"), 0o600); err != nil {
		return err
	}
	own := filepath.Join(env.WorkDir, "b")
	env.Setenv("HOME", home)
	env.Setenv("PASS", pass)
	env.Setenv("BAILEY_HOME", own)
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	awkward, err := filepath.Abs("../internal/dotenv/testdata/awkward.env")
	if err != nil {
		return err
	}
	env.Setenv("AWKWARD", awkward)
	env.Defer(func() { endDaemon(filepath.Join(own, "run/daemon.sock")) })
	return nil
}

// endDaemon ends the daemon that a script started.
func endDaemon(socket string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if s, err := api.Dial(socket).Status(ctx); err == nil {
		_ = syscall.Kill(s.Pid, syscall.SIGTERM)
	}
}

// noLeak fails when one of the words stands in any file below $WORK, names of
// files included, or in what the last command printed. Directories called
// "expected" hold what the script compares with and are left out.
func noLeak(ts *testscript.TestScript, neg bool, words []string) {
	found := false
	report := func(word, place string) {
		found = true
		if !neg {
			ts.Fatalf("%q stands in %s", word, place)
		}
	}
	for _, w := range words {
		for _, stream := range []string{"stdout", "stderr"} {
			if strings.Contains(ts.ReadFile(stream), w) {
				report(w, stream)
			}
		}
	}
	err := filepath.WalkDir(ts.Getenv("WORK"), func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "expected":
			return fs.SkipDir
		case !d.Type().IsRegular():
			return nil
		}
		b, err := os.ReadFile(p)
		for _, w := range words {
			if bytes.Contains(b, []byte(w)) || strings.Contains(p, w) {
				report(w, p)
			}
		}
		return err
	})
	ts.Check(err)
	if neg && !found {
		ts.Fatalf("none of %q stands anywhere: the search proves nothing", words)
	}
}

// eventually runs a command until it succeeds.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := ts.Exec(args[0], args[1:]...)
		if (err == nil) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("did not happen: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// status runs a command that must end with the given exit status.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE COMMAND [ARGUMENT...]")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// code writes the recovery code that the last command showed into a file.
func code(ts *testscript.TestScript, neg bool, args []string) {
	for line := range strings.Lines(ts.ReadFile("stderr")) {
		if strings.HasPrefix(line, "    ") {
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.TrimSpace(line)+"\n"), 0o600))
			return
		}
	}
	ts.Fatalf("no recovery code was shown")
}

// awkward compares a file that "env -0" wrote with the values that the awkward
// file means.
func awkward(ts *testscript.TestScript, neg bool, args []string) {
	b, err := os.ReadFile(strings.TrimSuffix(ts.Getenv("AWKWARD"), ".env") + ".json")
	ts.Check(err)
	want := map[string]string{}
	ts.Check(json.Unmarshal(b, &want))
	got := map[string]string{}
	for entry := range strings.SplitSeq(ts.ReadFile(args[0]), "\x00") {
		name, value, _ := strings.Cut(entry, "=")
		got[name] = value
	}
	for name, v := range want {
		if have, ok := got[name]; !ok || have != v {
			ts.Fatalf("%s = %.80q, want %.80q", name, have, v)
		}
	}
}

// same compares two trees, file by file, with modes.
func same(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: same DIR DIR")
	}
	a, b := tree(ts, args[0]), tree(ts, args[1])
	for name := range a {
		if a[name] != b[name] && !neg {
			ts.Fatalf("%s: %q in %s, %q in %s", name, a[name], args[0], b[name], args[1])
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok && !neg {
			ts.Fatalf("%s is only in %s", name, args[1])
		}
	}
}

func tree(ts *testscript.TestScript, dir string) map[string]string {
	out := map[string]string{}
	root := ts.MkAbs(dir)
	ts.Check(filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		b, err := os.ReadFile(p)
		rel, _ := filepath.Rel(root, p)
		out[rel] = info.Mode().String() + " " + string(b)
		return err
	}))
	return out
}
