package daemon

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/seal"
	"github.com/bailey-project/bailey/internal/secret"
)

// TestMemory looks for values and keys in the whole memory of a daemon: while
// the vault is open they are there, which shows that the search finds them;
// after a lock, in the process that the daemon became, none is, not in its
// memory and not in a core of it.
func TestMemory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can read the memory of a daemon, which is not dumpable: run it as root")
	}
	c := withDaemon(t, "1h")
	api := client(c)
	ctx := t.Context()
	phrase := random(t)
	if _, err := api.CreateVault(ctx, value(phrase)); err != nil {
		t.Fatal(err)
	}
	if _, err := api.CreateProject(ctx, "shop"); err != nil {
		t.Fatal(err)
	}
	canaries := fill(t, api)
	canaries["the passphrase"] = []byte(phrase)
	canaries["the root key"] = rootKey(t, phrase)
	status, err := api.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	open := found(t, status.Pid, canaries)
	for _, what := range []string{"value 0", "the root key"} {
		if !open[what] {
			t.Errorf("%s is not found while the vault is open: the search finds nothing", what)
		}
	}
	if err := api.Lock(ctx); err != nil {
		t.Fatal(err)
	}
	after, err := api.Status(ctx) // answered by the next image
	if err != nil || !after.Locked || after.Pid != status.Pid {
		t.Fatalf("%+v, %v", after, err)
	}
	for what := range found(t, after.Pid, canaries) {
		t.Errorf("%s is in the memory of a locked daemon", what)
	}
	for what := range foundInCore(t, after.Pid, canaries) {
		t.Errorf("%s is in the core of a locked daemon", what)
	}
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", after.Pid))
	if err != nil || in(environ, canaries) != "" {
		t.Errorf("its environment: %v", err)
	}
}

// fill puts values into the vault and has the daemon handle them in each way.
func fill(t *testing.T, client *api.Client) map[string][]byte {
	t.Helper()
	ctx := t.Context()
	at := api.Ref{Project: "shop", Environment: "development", Path: "/"}
	canaries := map[string][]byte{}
	for i := range 20 {
		v := random(t)
		canaries[fmt.Sprint("value ", i)] = []byte(v)
		name := secret.Name(fmt.Sprintf("KEY_%d", i))
		if _, err := client.Put(ctx, at, []api.Item{api.NewItem(name, value(v))}); err != nil {
			t.Fatal(err)
		}
		one := at
		one.Name = name
		if _, err := client.Secret(ctx, one, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.Secrets(ctx, at, true); err != nil {
		t.Fatal(err)
	}
	return canaries
}

// random is a text that stands nowhere but where it was put.
func random(t *testing.T) string {
	b := make([]byte, 16)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(b)
}

func rootKey(t *testing.T, phrase string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(home.Vault(), "passphrase.age"))
	if err != nil {
		t.Fatal(err)
	}
	root, err := seal.Passphrase(value(phrase)).Open(b)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// found reads every readable mapping of a process.
func found(t *testing.T, pid int, canaries map[string][]byte) map[string]bool {
	t.Helper()
	maps, err := os.Open(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer maps.Close()
	mem, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer mem.Close()
	out := map[string]bool{}
	total := int64(0)
	for s := bufio.NewScanner(maps); s.Scan(); {
		var from, to int64
		var mode string
		if n, _ := fmt.Sscanf(s.Text(), "%x-%x %s", &from, &to, &mode); n != 3 || !strings.HasPrefix(mode, "r") || from < 0 {
			continue
		}
		total += search(io.NewSectionReader(mem, from, to-from), canaries, out)
	}
	if total < 10<<20 {
		t.Errorf("only %d bytes of memory could be read", total)
	}
	return out
}

func foundInCore(t *testing.T, pid int, canaries map[string][]byte) map[string]bool {
	t.Helper()
	if _, err := exec.LookPath("gcore"); err != nil {
		t.Log("no gcore here: script/setup test installs gdb; the memory itself was searched")
		return nil
	}
	base := filepath.Join(t.TempDir(), "core")
	if b, err := exec.Command("gcore", "-o", base, fmt.Sprint(pid)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	f, err := os.Open(fmt.Sprintf("%s.%d", base, pid))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string]bool{}
	if n := search(f, canaries, out); n < 1<<20 {
		t.Errorf("a core of only %d bytes", n)
	}
	return out
}

// search reads in pieces that overlap, and stops where reading does.
func search(r io.Reader, canaries map[string][]byte, out map[string]bool) (total int64) {
	const overlap = 64
	buf := make([]byte, 1<<20)
	have := 0
	for {
		n, err := r.Read(buf[have:])
		total += int64(n)
		for what, c := range canaries {
			if bytes.Contains(buf[:have+n], c) {
				out[what] = true
			}
		}
		if err != nil || n == 0 {
			return total
		}
		keep := min(overlap, have+n)
		copy(buf, buf[have+n-keep:have+n])
		have = keep
	}
}

func in(b []byte, canaries map[string][]byte) string {
	for what, c := range canaries {
		if bytes.Contains(b, c) {
			return what
		}
	}
	return ""
}
