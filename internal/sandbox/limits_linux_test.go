package sandbox

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/limit"
	"github.com/bailey-project/bailey/internal/sandbox/cgroup"
)

// limitRegimes runs f with a control group, where this user can have one, and
// without.
func limitRegimes(t *testing.T, f func(t *testing.T)) {
	if g, err := cgroup.New("test", false); err == nil {
		g.Remove()
		t.Run("cgroup", f)
	} else if os.Getuid() == 0 {
		t.Logf("no control groups here: %v", err)
	}
	t.Run("meter", func(t *testing.T) {
		newGroup = func(string, bool) (*cgroup.Group, error) { return nil, errors.New("none in this test") }
		defer func() { newGroup = cgroup.New }()
		f(t)
	})
}

func TestWhatTakesTooMuchEndsTheSandbox(t *testing.T) {
	limitRegimes(t, func(t *testing.T) {
		for _, test := range []struct {
			name   limit.Name
			n      int64
			script string
		}{
			{limit.Processes, 60, `while :; do sleep 600 & done`},
			{limit.Processes, 60, `exec bash -c 'bomb() { bomb | bomb & }; bomb; sleep 600'`},
			{limit.Memory, 200 << 20, `head -c 20G /dev/zero | tail -n 1; echo survived; sleep 600`},
			{limit.Memory, 200 << 20, `python3 -c "import os; f = os.memfd_create('x'); [os.write(f, bytes(1<<20)) for _ in range(20000)]"; sleep 600`},
			{limit.Disk, 64 << 20, `yes > file; sleep 600`},
			{limit.Disk, 64 << 20, `fallocate -l 300M file; sleep 600`},
			{limit.Disk, 64 << 20, `exec 9> gone; rm gone; fallocate -l 300M /proc/self/fd/9; sleep 600`},
		} {
			t.Run(string(test.name), func(t *testing.T) {
				s, ws := baseSpec(t, test.script)
				s.Limits = limit.Set{test.name: {N: test.n}}
				p := start(t, s)
				p.Stdio.In.Close()
				out, _ := io.ReadAll(io.MultiReader(p.Stdio.Out, p.Stdio.Err))
				e, err := p.Wait()
				if err != nil || e.Breach == nil || e.Breach.Name != test.name || e.Code != 137 || strings.Contains(string(out), "survived") {
					t.Fatalf("%+v, %v; output %.300s", e, err, out)
				}
				t.Logf("%s (%s)", e.Breach, e.Breach.Layer)
				_ = os.Remove(filepath.Join(ws, "file"))
			})
		}
	})
}

func TestWhatStaysWithinItsLimitsGoesOn(t *testing.T) {
	limitRegimes(t, func(t *testing.T) {
		s, _ := baseSpec(t, `for i in $(seq 30); do sleep 0.5 & done; head -c 50M /dev/zero | tail -n 1 | wc -c
			head -c 30M /dev/zero > file; sync; ulimit -Hn; ulimit -c; wait; echo done`)
		s.Limits = limit.Set{limit.Processes: {N: 60}, limit.Memory: {N: 300 << 20}, limit.Disk: {N: 100 << 20},
			limit.OpenFiles: {N: 100}, limit.CPUs: {N: 1000}}
		out, e := run(t, s)
		if e.Breach != nil || !strings.HasPrefix(out, "52428800\n100\n0\n") || !strings.HasSuffix(out, "done\n") {
			t.Fatalf("%q %+v", out, e)
		}
	})
}

// Memory that processes share counts once, and what others write to the disk
// not at all.
func TestOnlyWhatItTakesItselfCounts(t *testing.T) {
	limitRegimes(t, func(t *testing.T) {
		s, ws := baseSpec(t, `python3 -c '
import os, time
x = bytearray(100 << 20)
for i in range(0, len(x), 4096): x[i] = 1
for i in range(8):
    if os.fork() == 0:
        time.sleep(2)
        os._exit(0)
for i in range(8): os.wait()
'; echo shared; read line; echo done`)
		s.Limits = limit.Set{limit.Memory: {N: 250 << 20}, limit.Disk: {N: 64 << 20}}
		p := start(t, s)
		var out bytes.Buffer
		readUntil(t, p.Stdio.Out, &out, "shared")
		other := filepath.Join(filepath.Dir(ws), "other")
		if err := os.WriteFile(other, make([]byte, 200<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		defer os.Remove(other)
		p.Stdio.In.Write([]byte("\n"))
		rest, _ := io.ReadAll(p.Stdio.Out)
		e, err := p.Wait()
		if err != nil || e.Breach != nil || !strings.HasSuffix(string(rest), "done\n") {
			t.Fatalf("%+v, %v; %s%s", e, err, out.String(), rest)
		}
	})
}

// The limit is the workload's own to lower, not to raise.
func TestLimitsCannotBeRaised(t *testing.T) {
	s, _ := baseSpec(t, `ulimit -u 100000 2>/dev/null && echo BAD processes; ulimit -n 100000 2>/dev/null && echo BAD files; ulimit -c 100 2>/dev/null && echo BAD core; echo done`)
	s.Path, s.Args[0] = "/bin/bash", "bash"
	s.Limits = limit.Set{limit.Processes: {N: 1000}, limit.OpenFiles: {N: 100}}
	if out, e := run(t, s); out != "done\n" || e.Code != 0 {
		t.Fatalf("%q %+v", out, e)
	}
}

func TestControlGroupsAreRemoved(t *testing.T) {
	if _, err := cgroup.New("probe", false); err != nil && os.Getuid() != 0 {
		t.Log("an ordinary user without a delegated group: nothing to remove")
	}
	before := groupDirs()
	s, _ := baseSpec(t, `true`)
	s.Limits = limit.Set{limit.Memory: {N: 1 << 30}}
	p := start(t, s)
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	_ = p.Close()
	if after := groupDirs(); len(after) > len(before) {
		t.Fatalf("left: %v", after)
	}
}

// groupDirs are the control groups that this process made.
func groupDirs() []string {
	var found []string
	for _, pattern := range []string{"/sys/fs/cgroup/*/", "/sys/fs/cgroup/*/*/", "/sys/fs/cgroup/*/*/*/"} {
		dirs, _ := filepath.Glob(pattern + fmt.Sprintf("bailey-%d-*", os.Getpid()))
		found = append(found, dirs...)
	}
	return found
}
