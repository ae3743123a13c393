package job

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func start(t *testing.T, script string) *Job {
	t.Helper()
	j, err := Start("/bin/sh", []string{"sh", "-c", script}, os.Environ(), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Signal(syscall.SIGKILL) })
	return j
}

func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not happen", what)
		}
	}
}

func TestCode(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -TERM $$": 143, "kill -9 $$": 137} {
		j := start(t, script)
		<-j.Done()
		if j.Code() != want {
			t.Errorf("%s: %d, want %d", script, j.Code(), want)
		}
	}
	if _, err := Start("/nonexistent", []string{"x"}, nil, nil); err == nil {
		t.Error("nothing was started")
	}
}

// pids reads the process ids that a script wrote, one per line.
func pids(file string) (out []int) {
	b, _ := os.ReadFile(file)
	for w := range strings.FieldsSeq(string(b)) {
		pid, _ := strconv.Atoi(w)
		out = append(out, pid)
	}
	return out
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// End leaves nothing: not what the command started, and not what does not
// listen; and it waits for what ends in its own time.
func TestEndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	list, last := filepath.Join(dir, "pids"), filepath.Join(dir, "last")
	j := start(t, `(trap "" TERM; echo $(sh -c 'echo $PPID') >> `+list+`; while :; do sleep 0.05; done) &
		(trap "sleep 0.2; echo done > `+last+`; exit" TERM; echo $(sh -c 'echo $PPID') >> `+list+`; while :; do sleep 0.05; done) &
		echo $$ >> `+list+`; while :; do sleep 1; done`)
	await(t, "the start", func() bool { return len(pids(list)) == 3 })
	begun := time.Now()
	j.End(time.Second)
	if took := time.Since(begun); took < 900*time.Millisecond || took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
	await(t, "the end of all", func() bool {
		for _, pid := range pids(list) {
			if alive(pid) && !zombie(pid) {
				return false
			}
		}
		return true
	})
	if b, _ := os.ReadFile(last); string(b) != "done\n" {
		t.Error("what was ending in its own time was killed")
	}
}

// zombie: in a container nobody may reap what lost its parent.
func zombie(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(b), ") Z ")
}

func TestEndOfAStoppedOne(t *testing.T) {
	j := start(t, "kill -STOP $$; exit 3")
	begun := time.Now()
	j.End(5 * time.Second)
	if time.Since(begun) > 4*time.Second || j.Code() != 143 && j.Code() != 3 {
		t.Errorf("%d after %v", j.Code(), time.Since(begun))
	}
	j.End(time.Second) // again is nothing
}
