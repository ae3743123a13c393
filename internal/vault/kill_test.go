package vault

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
)

// worker writes, imports (many at once), rotates all keys and changes the seal,
// in turn and at random, and prints what was acknowledged.
func worker(dir string) int {
	ctx := context.Background()
	h, err := reopen(ctx, dir)
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	prefix := os.Getenv("VAULT_TEST_PREFIX")
	for i := range 1000 {
		switch rand.IntN(8) {
		case 0:
			err = h.vault.Rotate(ctx, me, right)
		case 1:
			err = h.vault.Reseal(ctx, me, right)
		case 2, 3:
			var all []Change
			for j := range importSize {
				name := fmt.Sprintf("%s_%d_I%d", prefix, i, j)
				val := secret.NewValue([]byte("value of " + name))
				all = append(all, Change{Name: secret.Name(name), Value: &val})
			}
			if _, err = h.vault.SetMany(ctx, me, here, all); err == nil {
				for _, ch := range all {
					fmt.Println(ch.Name)
				}
			}
		default:
			name := fmt.Sprintf("%s_%d", prefix, i)
			val := secret.NewValue([]byte("value of " + name))
			if _, err = h.vault.Set(ctx, me, here, Change{Name: secret.Name(name), Value: &val}); err == nil {
				fmt.Println(name)
			}
		}
		if err != nil {
			fmt.Println("error:", err)
			return 1
		}
	}
	return 0
}

const importSize = 10

// TestKilledAtAnyPoint kills such a worker at a random moment: every write
// that was acknowledged is there, no import is there in part, and whatever was
// being rotated, the vault opens and is whole. BAILEY_KILL_ROUNDS says how often.
func TestKilledAtAnyPoint(t *testing.T) {
	rounds := 30
	if n, err := strconv.Atoi(os.Getenv("BAILEY_KILL_ROUNDS")); err == nil {
		rounds = n
	}
	var h *home
	acked := map[string]bool{}
	for round := range rounds {
		if round%20 == 0 { // or the last rounds would mostly read
			h = newHome(t)
			h.close()
			acked = map[string]bool{}
		}
		killWorker(t, h.dir, fmt.Sprint("R", round), acked)
		wantAll(t, h.dir, acked, (round%20+1)*importSize)
		wantWholeImports(t, h.dir)
	}
}

func killWorker(t *testing.T, dir, prefix string, acked map[string]bool) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "VAULT_TEST_WORK="+dir, "VAULT_TEST_PREFIX="+prefix)
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewScanner(pipe)
	out.Scan() // it is at work
	acked[out.Text()] = true
	kill := time.AfterFunc(time.Duration(rand.IntN(60_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	for out.Scan() {
		acked[out.Text()] = true
	}
	_ = cmd.Wait()
	for name := range acked {
		if strings.HasPrefix(name, "error") {
			t.Fatal(name)
		}
	}
	delete(acked, "")
}

func wantWholeImports(t *testing.T, dir string) {
	t.Helper()
	h := mustReopen(t, dir)
	defer h.close()
	all, err := h.vault.List(t.Context(), me, here, ListOptions{NamesOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string]int{}
	for _, s := range all {
		if group, _, isImport := strings.Cut(string(s.Name), "_I"); isImport {
			imports[group]++
		}
	}
	for group, n := range imports {
		if n != importSize {
			t.Errorf("import %s is there in part: %d of %d", group, n, importSize)
		}
	}
}
