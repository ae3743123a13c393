package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server"
)

const passphrase = "correct horse battery"

func value(s string) secret.Value { return secret.NewValue([]byte(s)) }

func options(dir string) server.Options {
	return server.Options{VaultDir: filepath.Join(dir, "vault"), AuditDir: filepath.Join(dir, "audit"), Version: "test", Cost: 1}
}

// TestMain is also the daemon of these tests: "daemon IDLE".
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "daemon" {
		idle, err := time.ParseDuration(os.Args[2])
		if err == nil {
			opts := options(home.Dir())
			opts.Idle, opts.Logf = idle, func(f string, a ...any) { fmt.Fprintf(os.Stderr, f+"\n", a...) }
			d := Daemon{Socket: home.Socket(), Options: opts, Tick: 20 * time.Millisecond}
			err = d.Run(context.Background())
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatal("did not happen within 20 s")
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// withDaemon gives a connector to a home of its own. The daemon is not started
// yet; it is ended after the test.
func withDaemon(t *testing.T, idle string) *Connector {
	t.Helper()
	dir, err := os.MkdirTemp("", "bailey") // short: a socket's path is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(home.Variable, dir)
	c := NewConnector("test")
	c.Command = []string{self(), "daemon", idle}
	c.Notef = t.Logf
	t.Cleanup(func() {
		if s, err := api.New(c.transport, api.LocalBase).Status(context.Background()); err == nil {
			_ = syscall.Kill(s.Pid, syscall.SIGTERM)
			eventually(t, func() bool { return !c.answers(context.Background()) })
		}
		if t.Failed() {
			b, _ := os.ReadFile(home.Log())
			t.Logf("daemon's log:\n%s", b)
		}
		_ = os.RemoveAll(dir)
	})
	return c
}

func client(c *Connector) *api.Client { return api.New(c, api.LocalBase) }

func populate(t *testing.T, c *api.Client) api.Ref {
	t.Helper()
	if _, err := c.CreateVault(t.Context(), value(passphrase)); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateProject(t.Context(), "shop"); err != nil {
		t.Fatal(err)
	}
	ref := api.Ref{Project: "shop", Environment: "development", Path: "/"}
	if _, err := c.Put(t.Context(), ref, []api.Item{api.NewItem("A", value("a"))}); err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestDaemonStartsOnceForMany(t *testing.T) {
	c := withDaemon(t, "1h")
	var wg sync.WaitGroup
	var pids sync.Map
	for range 12 {
		wg.Go(func() {
			other := NewConnector("test")
			other.Command = c.Command
			s, err := client(other).Status(t.Context())
			if err != nil {
				t.Error(err)
			}
			pids.Store(s.Pid, true)
		})
	}
	wg.Wait()
	n := 0
	pids.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d daemons", n)
	}
	for path, want := range map[string]os.FileMode{home.Run(): 0o700, home.Socket(): 0o600, home.Log(): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

func TestLockReplacesTheProcessImage(t *testing.T) {
	c := withDaemon(t, "1h")
	ref := populate(t, client(c))
	before, err := client(c).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lease, err := client(c).Lease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := client(c).Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := lease.Wait(); !errors.Is(err, api.ErrLeaseEnded) {
		t.Errorf("lease: %v", err)
	}
	eventually(t, func() bool {
		b, _ := os.ReadFile(home.Log())
		return strings.Contains(string(b), "daemon ends: locked")
	})
	after, err := client(c).Status(t.Context())
	if err != nil || after.Pid != before.Pid || !after.Locked {
		t.Errorf("before %+v, after %+v, %v", before, after, err)
	}
	if _, err := client(c).Secrets(t.Context(), ref, false); !api.IsCode(err, api.Locked) {
		t.Errorf("got %v", err)
	}
	if err := client(c).Unlock(t.Context(), value(passphrase)); err != nil {
		t.Fatal(err)
	}
	if list, err := client(c).Secrets(t.Context(), ref, false); err != nil || len(list) != 1 {
		t.Errorf("%d, %v", len(list), err)
	}
}

// TestNobodyLooksIn has the daemon refuse other processes of its user, before
// and after it executed itself again, and leave no core file.
func TestNobodyLooksIn(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("looks into /proc")
	}
	c := withDaemon(t, "1h")
	populate(t, client(c))
	for range 2 {
		s, err := client(c).Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		proc := fmt.Sprintf("/proc/%d/", s.Pid)
		limits, err := os.ReadFile(proc + "limits")
		if err != nil || !regexp.MustCompile(`Max core file size +0 +0 `).Match(limits) {
			t.Errorf("core files: %v\n%s", err, limits)
		}
		_, err = os.ReadFile(proc + "environ")
		if root := os.Geteuid() == 0; !root && err == nil {
			t.Error("a process of the same user read the daemon's environment")
		}
		if err := client(c).Lock(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, func() bool {
			b, _ := os.ReadFile(home.Log())
			return strings.Contains(string(b), "daemon ends: locked")
		})
	}
}

func TestIdleLocks(t *testing.T) {
	c := withDaemon(t, "300ms")
	populate(t, client(c))
	lease, err := client(c).Lease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Wait(); !errors.Is(err, api.ErrLeaseEnded) {
		t.Errorf("lease: %v", err)
	}
	eventually(t, func() bool {
		s, err := client(c).Status(t.Context())
		return err == nil && s.Locked
	})
}

// TestManyShareOneQuestion has several commands meet a locked vault.
func TestManyShareOneQuestion(t *testing.T) {
	c := withDaemon(t, "1h")
	ref := populate(t, client(c))
	if err := client(c).Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			other := NewConnector("test")
			other.Command = c.Command
			other.Ask = func(_ context.Context, try int) (secret.Value, error) {
				asked.Add(1)
				if try == 0 {
					return value("mistyped passphrase"), nil
				}
				return value(passphrase), nil
			}
			if list, err := client(other).Secrets(t.Context(), ref, false); err != nil || len(list) != 1 {
				t.Errorf("%d, %v", len(list), err)
			}
		})
	}
	wg.Wait()
	if n := asked.Load(); n != 2 {
		t.Errorf("asked %d times, want 2: one mistyped, one right", n)
	}
}

func TestGivingUpLetsTheNextAsk(t *testing.T) {
	c := withDaemon(t, "1h")
	ref := populate(t, client(c))
	_ = client(c).Lock(t.Context())
	c.Ask = func(context.Context, int) (secret.Value, error) { return secret.Value{}, api.ErrInterrupted }
	if _, err := client(c).Secrets(t.Context(), ref, false); !errors.Is(err, api.ErrInterrupted) {
		t.Errorf("got %v", err)
	}
	c.Ask = func(context.Context, int) (secret.Value, error) { return value("never right"), nil }
	if _, err := client(c).Secrets(t.Context(), ref, false); !api.IsCode(err, api.Denied) {
		t.Errorf("got %v", err)
	}
	c.Ask = func(context.Context, int) (secret.Value, error) { return value(passphrase), nil }
	if _, err := client(c).Secrets(t.Context(), ref, false); err != nil {
		t.Error(err)
	}
}

func TestOlderDaemonStepsAside(t *testing.T) {
	c := withDaemon(t, "1h")
	populate(t, client(c))
	before, _ := client(c).Status(t.Context())
	newer := NewConnector("test")
	newer.Command = c.Command
	b := api.OwnBuild("test")
	b.Written++
	newer.build = b.String()
	// The daemon that is started instead is this same binary, so the "newer"
	// client would replace it for ever: one replacement is what is looked at.
	_, err := client(newer).Status(t.Context())
	if !api.IsCode(err, api.Unavailable) {
		t.Errorf("got %v", err)
	}
	after, err := client(c).Status(t.Context())
	if err != nil || after.Pid == before.Pid || !after.Locked {
		t.Errorf("before %d, after %+v, %v", before.Pid, after, err)
	}
}

func TestDaemonEndsWhenItsSocketIsGone(t *testing.T) {
	c := withDaemon(t, "1h")
	s, err := client(c).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(home.Run()); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return errors.Is(syscall.Kill(s.Pid, 0), syscall.ESRCH) })
}

// TestKillLosesNothingAcknowledged kills the daemon with SIGKILL in the middle
// of writes, and locks it in the middle of others.
// TestOldDaemonLeavesTheNewSocket: a daemon whose home was taken away ends
// without taking the name of the one that serves the new home.
func TestOldDaemonLeavesTheNewSocket(t *testing.T) {
	c := withDaemon(t, "1h")
	old, err := client(c).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.transport.CloseIdleConnections()
	if err := syscall.Kill(old.Pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(home.Run(), home.Run()+".old"); err != nil {
		t.Fatal(err)
	}
	now, err := client(c).Status(t.Context())
	if err != nil || now.Pid == old.Pid {
		t.Fatalf("%+v, %v", now, err)
	}
	if err := syscall.Kill(old.Pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { // its lock is free when it has ended
		lock, err := tryLock(filepath.Join(home.Run()+".old", "daemon.lock"))
		if err != nil {
			t.Fatal(err)
		}
		return lock != nil && lock.Close() == nil
	})
	c.transport.CloseIdleConnections()
	if still, err := client(c).Status(t.Context()); err != nil || still.Pid != now.Pid {
		t.Errorf("pid %d instead of %d, %v", still.Pid, now.Pid, err)
	}
}

func TestKillLosesNothingAcknowledged(t *testing.T) {
	c := withDaemon(t, "1h")
	ref := populate(t, client(c))
	s, err := client(c).Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bare := api.New(c.transport, api.LocalBase)
	acknowledged := make(map[secret.Name]string)
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				name, v := secret.Name(fmt.Sprintf("W%d_%d", w, i)), fmt.Sprintf("value %d %d", w, i)
				if _, err := bare.Put(t.Context(), ref, []api.Item{api.NewItem(name, value(v))}); err != nil {
					return
				}
				mu.Lock()
				acknowledged[name] = v
				if len(acknowledged) == 40 {
					_ = syscall.Kill(s.Pid, syscall.SIGKILL)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(acknowledged) < 40 {
		t.Fatalf("only %d writes before the kill", len(acknowledged))
	}
	if err := client(c).Unlock(t.Context(), value(passphrase)); err != nil {
		t.Fatal(err)
	}
	list, err := client(c).Secrets(t.Context(), ref, false)
	if err != nil {
		t.Fatal(err)
	}
	have := map[secret.Name]string{}
	for i := range list {
		have[list[i].Key] = string(list[i].Value().Reveal())
	}
	for name, v := range acknowledged {
		if have[name] != v {
			t.Errorf("%s: acknowledged, and now %q", name, have[name])
		}
	}
	if v, err := client(c).VerifyAudit(t.Context()); err != nil || !v.OK {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestLockDuringWrites(t *testing.T) {
	c := withDaemon(t, "1h")
	ref := populate(t, client(c))
	bare := api.New(c.transport, api.LocalBase)
	acknowledged := map[secret.Name]bool{}
	for i := range 200 {
		name := secret.Name(fmt.Sprintf("L%d", i))
		if i == 20 {
			go func() { _ = bare.Lock(context.Background()) }()
		}
		if _, err := bare.Put(t.Context(), ref, []api.Item{api.NewItem(name, value("v"))}); err != nil {
			break
		}
		acknowledged[name] = true
	}
	eventually(t, func() bool {
		s, err := client(c).Status(t.Context())
		return err == nil && s.Locked
	})
	if err := client(c).Unlock(t.Context(), value(passphrase)); err != nil {
		t.Fatal(err)
	}
	list, err := client(c).Names(t.Context(), ref, false)
	if err != nil || len(list) < len(acknowledged)+1 {
		t.Errorf("%d acknowledged, %d there, %v", len(acknowledged), len(list), err)
	}
}

func TestForeignUserIsNobody(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: server.New(options(dir)), ConnContext: connContext(os.Geteuid() + 1)}
	u := &counted{UnixListener: l.(*net.UnixListener)}
	go func() { _ = srv.Serve(u) }()
	defer srv.Close()
	if _, err := api.Dial(filepath.Join(dir, "s")).Status(t.Context()); !api.IsCode(err, api.Denied) {
		t.Errorf("a process of another user was answered: %v", err)
	}
}

func TestDaemonEnvironmentHasNoSecrets(t *testing.T) {
	got := daemonEnv([]string{"HOME=/h", "STRIPE_KEY=x", "GOOGLE_API_KEY=y", "BAILEY_HOME=/b", "PATH=/bin", "XDG_SECRET=z"})
	if strings.Join(got, " ") != "HOME=/h BAILEY_HOME=/b PATH=/bin" {
		t.Errorf("got %q", got)
	}
}

func TestLocalUnlocksOnce(t *testing.T) {
	opts := options(t.TempDir())
	first := server.New(opts)
	populate(t, api.New(first.Transport(), api.LocalBase))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "passphrase")
	for content, code := range map[string]api.Code{passphrase + "\n": "", passphrase + "\r\nsecond line": "", "": api.Invalid, "wrong\n": api.Denied} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		l := &Local{Server: server.New(opts), File: file}
		_, err := api.New(l, api.LocalBase).Secrets(t.Context(), api.Ref{Project: "shop", Environment: "development"}, false)
		if code == "" && err != nil || code != "" && !api.IsCode(err, code) {
			t.Errorf("%q: %v", content, err)
		}
		_ = l.Server.Close()
	}
	l := &Local{Server: server.New(opts), File: filepath.Join(t.TempDir(), "none")}
	if _, err := api.New(l, api.LocalBase).Projects(t.Context()); !api.IsCode(err, api.Missing) {
		t.Errorf("no file: %v", err)
	}
}
