package vault

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
)

// child writes 100 secrets, one after the other, and prints each name that was
// acknowledged. It ends without closing anything.
func child(dir string) int {
	ctx := context.Background()
	h, err := reopen(ctx, dir)
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	prefix := os.Getenv("VAULT_TEST_PREFIX")
	for i := range 100 {
		name := fmt.Sprintf("%s_%03d", prefix, i)
		val := secret.NewValue([]byte("value of " + name))
		if _, err := h.vault.Set(ctx, me, here, Change{Name: secret.Name(name), Value: &val}); err != nil {
			fmt.Println("error:", err)
			return 1
		}
		fmt.Println(name)
	}
	return 0
}

// writer starts a child on dir.
func writer(t *testing.T, dir, prefix string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), "VAULT_TEST_CHILD="+dir, "VAULT_TEST_PREFIX="+prefix)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

// wantAll checks that every acknowledged name is there with its value, that
// everything else is whole, and that nothing else is there but at most one
// write that was under way.
func wantAll(t *testing.T, dir string, acked map[string]bool, spare int) {
	t.Helper()
	h := mustReopen(t, dir)
	defer h.close()
	if err := h.vault.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.log.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := h.vault.List(t.Context(), me, here, ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, s := range out {
		if got := string(s.Value.Reveal()); got != "value of "+string(s.Name) {
			t.Errorf("%s has another value", s.Name)
		}
		found[string(s.Name)] = true
	}
	for name := range acked {
		if !found[name] {
			t.Errorf("%s was acknowledged and is lost", name)
		}
	}
	if len(found) > len(acked)+spare {
		t.Errorf("%d secrets, %d acknowledged", len(found), len(acked))
	}
}

// TestKill9 kills a writer in the middle of 100 writes, again and again.
func TestKill9(t *testing.T) {
	h := newHome(t)
	h.close()
	acked := map[string]bool{}
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for round := range rounds {
		cmd, out := writer(t, h.dir, fmt.Sprint("R", round))
		for n := 0; n < 3+7*round && out.Scan(); n++ {
			acked[out.Text()] = true
		}
		_ = cmd.Process.Kill()
		for out.Scan() {
			acked[out.Text()] = true
		}
		_ = cmd.Wait()
		for name := range acked {
			if strings.HasPrefix(name, "error") {
				t.Fatal(name)
			}
		}
		wantAll(t, h.dir, acked, round+1)
	}
}

// TestTwoProcesses has two children and this process write at once.
func TestTwoProcesses(t *testing.T) {
	h := newHome(t)
	acked := map[string]bool{}
	var mu sync.Mutex
	ack := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		acked[name] = true
	}
	var wg sync.WaitGroup
	for _, prefix := range []string{"P", "Q"} {
		cmd, out := writer(t, h.dir, prefix)
		wg.Go(func() {
			for out.Scan() {
				ack(out.Text())
			}
			if err := cmd.Wait(); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range 100 {
		name := fmt.Sprintf("SELF_%03d", i)
		set(t, h.vault, here, name, "value of "+name)
		ack(name)
		if _, err := h.vault.List(t.Context(), me, here, ListOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	wg.Wait()
	if len(acked) != 300 {
		t.Errorf("%d acknowledged", len(acked))
	}
	if out, err := h.vault.List(t.Context(), me, here, ListOptions{NamesOnly: true}); err != nil || len(out) != 300 {
		t.Errorf("this process sees %d, %v", len(out), err)
	}
	h.close()
	wantAll(t, h.dir, acked, 0)
}
