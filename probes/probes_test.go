package main

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/bailey-project/bailey/internal/probe"
	"github.com/bailey-project/bailey/internal/probe/catalogue"
	"github.com/bailey-project/bailey/internal/probe/machine"
)

// listedAtMost is the share of probes whose control need not succeed.
const listedAtMost = 0.05

// TestProbes tries the whole catalogue: every probe must be stopped inside, in
// the way its row says, and succeed as its own control.
func TestProbes(t *testing.T) {
	for _, mode := range probe.Modes() {
		t.Run(mode.Name, func(t *testing.T) { hold(t, machine.Job{Mode: mode}) })
	}
}

// TestOlderLandlock tries what shares a session once more where the kernel says
// that it has the oldest Landlock, and one without scopes: no probe may hang on
// the newest.
func TestOlderLandlock(t *testing.T) {
	for _, abi := range []struct {
		name    string
		version int
	}{{"first", 1}, {"without scopes", 5}} {
		t.Run(abi.name, func(t *testing.T) { hold(t, machine.Job{Mode: probe.Modes()[0], ABI: abi.version, Quick: true}) })
	}
}

func hold(t *testing.T, job machine.Job) {
	if runtime.GOOS != "linux" {
		t.Skip("sandboxes need Linux")
	}
	tried, listed := 0, 0
	err := machine.Run(t.Context(), bailey(t), job, func(r probe.Result) {
		tried++
		if r.Listed != "" {
			listed++
		}
		t.Run(r.ID, func(t *testing.T) {
			if r.Verdict != "" {
				t.Errorf("%s: %s\ninside: %+v\ncontrol: %+v", r.Attack, r.Verdict, r.Sandbox, r.Control)
			}
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := expected(job); tried != want {
		t.Errorf("%d probes were tried, of %d", tried, want)
	}
	if float64(listed) > listedAtMost*float64(tried) {
		t.Errorf("%d of %d probes prove less than they should", listed, tried)
	}
}

// expected is how many probes there are for this user.
func expected(job machine.Job) (n int) {
	for _, c := range catalogue.All() {
		for _, p := range c.Probes {
			if machine.Tries(job, p) {
				n++
			}
		}
	}
	return n
}

var built = sync.OnceValues(func() (string, error) {
	newest, err := newestSource("..")
	if err != nil {
		return "", err
	}
	if st, err := os.Stat("../bin/bailey"); err == nil && st.ModTime().UnixNano() > newest {
		return "../bin/bailey", nil
	}
	to := "../bin/bailey"
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", to, "../cmd/bailey")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return to, nil
})

// bailey is the program as it is shipped: what `make build` made, if nothing
// changed since, or a new one.
func bailey(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func newestSource(root string) (newest int64, err error) {
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != root && strings.HasPrefix(d.Name(), "."):
			return fs.SkipDir
		case !strings.HasSuffix(p, ".go") && !strings.HasSuffix(p, ".s") && d.Name() != "go.mod", strings.HasSuffix(p, "_test.go"):
			return nil
		}
		info, err := d.Info()
		if err == nil {
			newest = max(newest, info.ModTime().UnixNano())
		}
		return err
	})
	return newest, err
}

// The page is written from the catalogue, and every row says what it must.
func TestPageIsUpToDate(t *testing.T) {
	b, err := os.ReadFile("../doc/probes.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(b) != catalogue.Page() {
		t.Error("doc/probes.md is not what the catalogue says: go run ./probes -doc > doc/probes.md")
	}
}

func TestRowsAreWhole(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range catalogue.All() {
		for _, p := range c.Probes {
			ways := 0
			for _, way := range []string{p.Shell, p.Call, p.Scene} {
				if way != "" {
					ways++
				}
			}
			switch {
			case seen[p.ID], !strings.HasPrefix(p.ID, c.Letter):
				t.Errorf("%s: stands twice or in the wrong category", p.ID)
			case p.Attack == "", ways != 1:
				t.Errorf("%s: says not, or more than once, how the attack is made", p.ID)
			case !p.Positive && (p.Stop.Layer == "" || len(p.Stop.How) == 0):
				t.Errorf("%s: says not what stops it", p.ID)
			case len(p.Host) > 0 && !p.Alone:
				t.Errorf("%s: what the user runs afterwards needs a session of its own", p.ID)
			}
			seen[p.ID] = true
		}
	}
}
