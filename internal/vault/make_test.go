package vault

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/audit"
)

func dirsIn(dir string) Dirs {
	return Dirs{filepath.Join(dir, "vault"), filepath.Join(dir, "audit")}
}

// made makes a vault in dir and leaves it closed.
func made(t *testing.T, dir string, seals ...Sealer) {
	t.Helper()
	v, log, err := Make(t.Context(), dirsIn(dir), me, seals...)
	if err != nil {
		t.Fatal(err)
	}
	if v.Locked() {
		t.Error("a new vault is locked")
	}
	if err := errors.Join(v.Verify(t.Context()), v.Close(), log.Close()); err != nil {
		t.Fatal(err)
	}
}

// wantOnly checks that nothing but vault, log and lock is in dir.
func wantOnly(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != "vault" && e.Name() != "audit" && e.Name() != lockName {
			t.Errorf("%s is left behind", e.Name())
		}
	}
}

func TestMake(t *testing.T) {
	dir := t.TempDir()
	made(t, dir, right, second{"code"})
	wantOnly(t, dir)
	h := mustReopen(t, dir)
	if got := records(t, h.log, 0); !strings.HasPrefix(got, "vault.create") {
		t.Error(got)
	}
	h.close()
	if _, _, err := Make(t.Context(), dirsIn(dir), me, right); !errors.Is(err, ErrExists) {
		t.Errorf("onto a vault: %v", err)
	}
	other := t.TempDir()
	if _, _, err := Make(t.Context(), dirsIn(other), me, broken{right}); err == nil {
		t.Error("made with a root key that cannot be sealed")
	}
	for name, seals := range map[string][]Sealer{"none": nil, "two of a kind": {right, right}} {
		if _, _, err := Make(t.Context(), dirsIn(other), me, seals...); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := Make(t.Context(), dirsIn(other), Caller{}, right); !errors.Is(err, ErrInvalid) {
		t.Errorf("by nobody: %v", err)
	}
	if left, err := os.ReadDir(other); err != nil || len(left) != 1 {
		t.Errorf("left behind: %v %v", left, err)
	}
	if err := os.Mkdir(filepath.Join(other, "vault"), 0o700); err != nil {
		t.Fatal(err)
	}
	made(t, other, right)
}

// TestMakeLeavesAnotherLogAlone: the record of a vault that is gone, whole or
// damaged, is not for a new vault to continue or to remove.
func TestMakeLeavesAnotherLogAlone(t *testing.T) {
	for _, what := range []string{"whole", "without head"} {
		dir := t.TempDir()
		made(t, dir, right)
		if err := os.RemoveAll(filepath.Join(dir, "vault")); err != nil {
			t.Fatal(err)
		}
		if what == "without head" {
			os.Remove(filepath.Join(dir, "audit", "audit.head"))
		}
		_, _, err := Make(t.Context(), dirsIn(dir), me, right)
		var known *Error
		if !errors.As(err, &known) || !errors.Is(err, ErrExists) || !strings.Contains(known.Hint, "backup") {
			t.Errorf("%s: %v", what, err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "audit", "audit.log")); err != nil || len(b) == 0 {
			t.Errorf("%s: the log is gone: %v", what, err)
		}
		wantOnly(t, dir)
	}
}

// TestMakeAfterAnInterruption builds what is on the disk after a kill at each
// step, and makes a vault over it.
func TestMakeAfterAnInterruption(t *testing.T) {
	states := map[string]func(dir string) error{
		"both in stage":    func(dir string) error { return stageBack(dir, "vault", "audit") },
		"log in its place": func(dir string) error { return stageBack(dir, "vault") },
		"log swept back, vault half removed": func(dir string) error {
			return errors.Join(stageBack(dir, "vault", "audit"), os.Remove(filepath.Join(dir, stageName, "vault", "vault.db")))
		},
		"log begun without a record": func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "vault")), emptyLog(filepath.Join(dir, "audit")))
		},
		"log directory only": func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "vault")), os.RemoveAll(filepath.Join(dir, "audit")), os.Mkdir(filepath.Join(dir, "audit"), 0o700))
		},
	}
	for what, arrange := range states {
		dir := t.TempDir()
		made(t, dir, right)
		if err := arrange(dir); err != nil {
			t.Fatal(what, err)
		}
		v, log, err := Make(t.Context(), dirsIn(dir), me, right)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if err := errors.Join(v.Close(), log.Close()); err != nil {
			t.Error(what, err)
		}
		wantOnly(t, dir)
	}
}

func stageBack(dir string, names ...string) error {
	err := os.Mkdir(filepath.Join(dir, stageName), 0o700)
	for _, name := range names {
		err = errors.Join(err, os.Rename(filepath.Join(dir, name), filepath.Join(dir, stageName, name)))
	}
	return err
}

func emptyLog(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	log, err := audit.Open(dir)
	if err != nil {
		return err
	}
	_, err = log.Unlock(context.Background(), audit.Keys{}, audit.Head{})
	return errors.Join(err, log.Close())
}

// makeChild is the process that TestMakeKilled kills.
func makeChild(dir string) int {
	v, log, err := Make(context.Background(), dirsIn(dir), me, right)
	if err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		return 1
	}
	_ = errors.Join(v.Close(), log.Close())
	return 0
}

// TestMakeKilled kills a process that makes a vault, at points all over its
// time. BAILEY_KILL_ROUNDS asks for more of them.
func TestMakeKilled(t *testing.T) {
	rounds := 25
	if n, err := strconv.Atoi(os.Getenv("BAILEY_KILL_ROUNDS")); err == nil {
		rounds = n
	}
	whole, killed := time.Duration(0), 0
	for round := range rounds {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "VAULT_TEST_MAKE="+dir)
		start := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if round > 0 {
			time.AfterFunc(rand.N(whole), func() { _ = cmd.Process.Kill() })
		}
		if err := cmd.Wait(); err != nil {
			killed++
		}
		if round == 0 {
			whole = time.Since(start)
		}
		if Exists(filepath.Join(dir, "vault")) {
			mustReopen(t, dir).close()
			continue
		}
		made(t, dir, right)
		wantOnly(t, dir)
		mustReopen(t, dir).close()
	}
	if killed == 0 {
		t.Error("no process was killed before its end: nothing was tried")
	}
}
