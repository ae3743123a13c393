package e2e

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

const plainEnv = "A=canary-0123456789\nB='canary 2'\n# end\n"

// TestInitKilled kills init at points all over its time. After each, every
// value is in its file or in the vault, and the next init succeeds; one of the
// two has shown a recovery code that opens the vault. BAILEY_KILL_ROUNDS asks
// for more points.
func TestInitKilled(t *testing.T) {
	rounds := 12
	if n, err := strconv.Atoi(os.Getenv("BAILEY_KILL_ROUNDS")); err == nil {
		rounds = n
	}
	whole, killed := time.Duration(0), 0
	for round := range rounds {
		k := newInitiate(t)
		took, err := k.init(whole)
		if round == 0 {
			whole = took
		}
		if err != nil {
			killed++
		}
		k.check()
	}
	if killed == 0 {
		t.Error("no init was killed before its end: nothing was tried")
	}
}

// initiate is a user whose init is killed.
type initiate struct {
	*user
	said bytes.Buffer // by all of them
}

func newInitiate(t *testing.T) *initiate {
	k := &initiate{user: newUser(t, map[string]string{".env": plainEnv})}
	for name, content := range map[string]string{"pass": passphrase, "other": "another horse battery"} {
		file := filepath.Join(filepath.Dir(k.dir), name)
		if err := os.WriteFile(file, []byte(content+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k.env = append(k.env, "BAILEY_PASSPHRASE_FILE="+filepath.Join(filepath.Dir(k.dir), "pass"))
	return k
}

// init runs init and kills it within the given time, 0 for never.
func (k *initiate) init(within time.Duration) (time.Duration, error) {
	cmd := k.command("init", "--yes")
	cmd.Stdout, cmd.Stderr = &k.said, &k.said
	start := time.Now()
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	if within > 0 {
		timer := time.AfterFunc(rand.N(within), func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
	}
	err := cmd.Wait()
	return time.Since(start), err
}

func (k *initiate) check() {
	k.t.Helper()
	if b, err := os.ReadFile(filepath.Join(k.dir, ".env")); err == nil && string(b) != plainEnv {
		k.t.Errorf("the file is neither whole nor gone: %q", b)
	}
	if _, err := k.init(0); err != nil {
		k.t.Fatalf("the next init: %v\n%s", err, k.said.String())
	}
	for name, want := range map[string]string{"A": "canary-0123456789", "B": "canary 2"} {
		if got, err := k.output("secret", "get", name); err != nil || got != want {
			k.t.Errorf("%s: %q %v", name, got, err)
		}
	}
	codes := regexp.MustCompile(`(?m)^ {4}(([0-9A-Z]+-)+[0-9A-Z]+)$`).FindAllStringSubmatch(k.said.String(), -1)
	if len(codes) == 0 {
		k.t.Fatalf("no recovery code was shown:\n%s", k.said.String())
	}
	k.env = append(k.env, "BAILEY_PASSPHRASE_FILE="+filepath.Join(filepath.Dir(k.dir), "other"))
	cmd := k.command("recover", "--stdin")
	cmd.Stdin = bytes.NewBufferString(codes[len(codes)-1][1] + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		k.t.Errorf("the code that was shown last does not open the vault: %v\n%s", err, out)
	}
	if out, err := k.output("audit", "verify"); err != nil {
		k.t.Errorf("%v\n%s", err, out)
	}
}

// output is what bailey prints on standard output.
func (k *initiate) output(args ...string) (string, error) {
	var out bytes.Buffer
	cmd := k.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &k.said
	err := cmd.Run()
	return out.String(), err
}
