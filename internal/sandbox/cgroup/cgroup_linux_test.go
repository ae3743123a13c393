package cgroup

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/limit"
)

// put writes files below a directory that plays /sys/fs/cgroup.
func put(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

var all = limit.Set{limit.Memory: {N: 8 << 30}, limit.Processes: {N: 800}, limit.CPUs: {N: 1500}}

// A terminal of a systemd user session: the nearest directory that is divided
// and ours is two levels up.
func TestVersion2TakesTheNearestDirectoryThatIsDivided(t *testing.T) {
	root := t.TempDir()
	const slice = "user.slice/user-1000.slice/user@1000.service/app.slice"
	put(t, root, map[string]string{
		"user.slice/cgroup.subtree_control":          "cpu memory pids\n",
		"user.slice/cgroup.procs":                    "",
		slice + "/cgroup.subtree_control":            "cpu memory pids\n",
		slice + "/cgroup.procs":                      "",
		slice + "/term.scope/cgroup.procs":           "1\n",
		slice + "/term.scope/cgroup.subtree_control": "",
		slice + "/term.scope/tab/cgroup.procs":       "1\n",
	})
	g, err := newIn(root, "0::/"+slice+"/term.scope/tab\n", "bailey-1-x", true)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, slice, "bailey-1-x")
	opened, err := g.Open()
	if err != nil || !g.Unified() || len(opened) != 1 || opened[0].Name() != dir {
		t.Fatalf("made %v, %v", g.dirs, err)
	}
	defer opened[0].Close()
	// The kernel makes these files.
	put(t, dir, map[string]string{"memory.max": "", "memory.oom.group": "", "memory.swap.max": "", "pids.max": "", "cpu.max": "",
		"memory.events": "max 3\noom 0\noom_kill 0\noom_group_kill 0\n", "pids.events": "max 0\n"})
	if err := g.Limit(all, 1); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{"memory.max": strconv.Itoa(9 << 30), "memory.oom.group": "1", "pids.max": "964", "cpu.max": "150000 100000"} {
		if got := read(t, filepath.Join(dir, file)); got != want {
			t.Errorf("%s is %q, want %q", file, got, want)
		}
	}
	reached := make(chan limit.Breach, 1)
	stop, err := g.Watch(all, func(b limit.Breach) { reached <- b })
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, map[string]string{"memory.events": "max 9\noom 1\noom_kill 1\noom_group_kill 1\n"})
	stop() // these are no files of the kernel's, which it would report: found at the last look
	select {
	case b := <-reached:
		if b.Name != limit.Memory || b.Limit != 8<<30 {
			t.Errorf("reached %+v", b)
		}
	case <-time.After(10 * time.Second):
		t.Error("the last look did not find it")
	}
}

func TestNoGroupWhereNothingIsDelegated(t *testing.T) {
	root := t.TempDir()
	put(t, root, map[string]string{"user.slice/cgroup.subtree_control": "", "user.slice/cgroup.procs": ""})
	for _, self := range []string{"", "0::/\n", "0::/user.slice/session-1.scope\n", "4:memory:/none\n3:pids:/none\n", "nonsense"} {
		if g, err := newIn(root, self, "bailey-1-x", true); err == nil {
			t.Errorf("%q gave %+v", self, g)
		}
	}
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if strings.Contains(path, "bailey") {
			t.Errorf("%s was left", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Groups of supervisors that were killed go, those of living ones stay.
func TestSweepRemovesWhatDeadSupervisorsLeft(t *testing.T) {
	root := t.TempDir()
	gone, alive := filepath.Join(root, "bailey-999999999-1"), filepath.Join(root, "bailey-"+strconv.Itoa(os.Getpid())+"-1")
	for _, dir := range []string{gone, alive} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sweep(root)
	if _, err := os.Stat(gone); err == nil {
		t.Error("the dead supervisor's group is still there")
	}
	if _, err := os.Stat(alive); err != nil {
		t.Error("a living supervisor's group was removed")
	}
}
