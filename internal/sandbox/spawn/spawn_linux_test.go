package spawn

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const reportArg = "spawn-report"

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == reportArg {
		report()
	}
	os.Exit(m.Run())
}

// report says on descriptor 3 what the program was started with.
func report() {
	var all bytes.Buffer
	fds, _ := filepath.Glob("/proc/self/fd/*")
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil {
			fmt.Fprintf(&all, "fd %s %s\n", filepath.Base(fd), to)
		}
	}
	status, _ := os.ReadFile("/proc/thread-self/status")
	uids, _ := os.ReadFile("/proc/self/uid_map")
	gids, _ := os.ReadFile("/proc/self/gid_map")
	dir, _ := os.Getwd()
	fmt.Fprintf(&all, "%s\nuid_map %s\ngid_map %s\npid %d\ndir %s\nenv %d\n", status, uids, gids, os.Getpid(), dir, len(os.Environ()))
	_, _ = os.NewFile(3, "report").Write(all.Bytes())
	os.Exit(0)
}

// attr is for a process that this user may have.
func attr(files ...int) Attr {
	a := Attr{
		Namespaces: unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWNET,
		UID:        Map{os.Getuid(), os.Getuid()}, GID: Map{os.Getgid(), os.Getgid()},
		Caps: []uintptr{unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN}, Files: files,
	}
	if os.Getuid() == 0 {
		a.UID, a.GID, a.Setgroups = Map{100000, 100000}, Map{100000, 100000}, true
	}
	return a
}

// run starts the report and returns it.
func run() (string, error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return "", err
	}
	defer null.Close()
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	n := int(null.Fd())
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pid, err := Start("/proc/self/exe", []string{"bailey", reportArg}, attr(n, n, n, int(w.Fd())))
	w.Close()
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return "", err
	}
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil || status.ExitStatus() != 0 {
		return "", fmt.Errorf("the program: %v, %v\n%s", status, err, text)
	}
	return string(text), nil
}

func TestStartsWhatWasAskedFor(t *testing.T) {
	a := attr()
	ours, err := os.Open("spawn.go") // close-on-exec, as all that Go opens
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	text, err := run()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(text), " ")
	for _, want := range []string{
		"CapEff: 0000000000201000", "CapPrm: 0000000000201000", "CapInh: 0000000000201000", "CapAmb: 0000000000201000",
		"SigBlk: 0000000000000000", "SigIgn: 0000000000000000",
		fmt.Sprintf("uid_map %d %d 1", a.UID.Inside, a.UID.Inside), fmt.Sprintf("gid_map %d %d 1", a.GID.Inside, a.GID.Inside),
		fmt.Sprintf("Uid: %d %d", a.UID.Inside, a.UID.Inside), fmt.Sprintf("Gid: %d %d", a.GID.Inside, a.GID.Inside),
		"pid 1 ", "dir / ", "env 0 ", "fd 0 /dev/null ", "fd 1 /dev/null ", "fd 2 /dev/null ", "fd 3 pipe:",
	} {
		if !strings.Contains(got+" ", want) {
			t.Errorf("not there: %q\nin %s", want, got)
		}
	}
	if os.Getuid() == 0 && !strings.Contains(got, "Groups: NStgid") {
		t.Errorf("it kept root's groups: %s", got)
	}
	if strings.Contains(got, "spawn.go") {
		t.Errorf("a file of ours is open in it: %s", got)
	}
}

func TestFailureNamesTheCall(t *testing.T) {
	_, err := Start("/nowhere/at/all", []string{"x"}, attr())
	var call *os.SyscallError
	if !errors.As(err, &call) || call.Syscall != "execve" || !errors.Is(err, unix.ENOENT) {
		t.Errorf("a missing program: %v", err)
	}
	if _, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("something was left: %v", err)
	}
	a := attr()
	a.Namespaces |= unix.CLONE_THREAD
	if _, err := Start("/proc/self/exe", nil, a); !errors.Is(err, unix.EINVAL) {
		t.Errorf("impossible flags: %v", err)
	}
	if _, err := Start("/proc/self/exe", []string{strings.Repeat("x", scriptSize)}, attr()); !errors.Is(err, errScript) {
		t.Errorf("too long a list: %v", err)
	}
}

func TestHoldLooksIntoTheNamespace(t *testing.T) {
	own, err := os.Readlink("/proc/self/ns/user")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = Hold(attr(), func(pid int) error {
		seen = pid
		there, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/user", pid))
		if err == nil && there == own {
			err = errors.New("it is in our own namespace")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(seen, 0); err != unix.ESRCH {
		t.Errorf("it is still there: %v", err)
	}
}

// TestLeavesOurMemoryAlone starts many processes while signals arrive and the
// collector runs: the process shares our memory, and a handler or a moved stack
// would show.
func TestLeavesOurMemoryAlone(t *testing.T) {
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, unix.SIGUSR1, unix.SIGWINCH)
	defer signal.Stop(caught)
	stop := make(chan struct{})
	var busy sync.WaitGroup
	for range 3 {
		busy.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-caught:
				default:
				}
				_ = deep(i % 200)
				_ = unix.Kill(os.Getpid(), unix.SIGUSR1)
				if i%50 == 0 {
					runtime.GC()
				}
				time.Sleep(200 * time.Microsecond)
			}
		})
	}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				if got, err := run(); err != nil || !strings.Contains(got, "pid 1\n") {
					t.Errorf("it said %q, %v", got, err)
				}
			}
		})
	}
	all.Wait()
	close(stop)
	busy.Wait()
}

// deep makes a stack grow and move.
func deep(n int) int {
	var pad [64]byte
	if n == 0 {
		return len(pad)
	}
	pad[n%64] = byte(n)
	return deep(n-1) + int(pad[n%64])
}
