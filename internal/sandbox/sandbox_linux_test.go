package sandbox

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == InitArg {
		PID1(testRules)
	}
	if len(os.Args) > 2 && os.Args[1] == callArg {
		switch os.Args[2] {
		case "x32":
			raw(0x40000000 | unix.SYS_GETPID)
		case "net":
			performNet(os.Args[3:])
		case "serve":
			performServe(os.Args[3:])
		case "paths":
			performPaths(os.Args[3], os.Args[4])
		case "supervise":
			performSupervise(os.Args[3])
		default:
			performCall(os.Args[2])
		}
		return
	}
	os.Exit(m.Run())
}

// testUID is the subordinate uid of tests that run as root.
const testUID = 1<<30 + 7

func testIdentity() Identity {
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = testUID, testUID
	}
	return Identity{UID: uid, GID: gid, Name: "tester", Home: "/home/tester", Shell: "/bin/sh"}
}

// baseSpec has the system, a workspace and nothing else.
func baseSpec(t *testing.T, script string) (Spec, string) {
	t.Helper()
	return specFor(t.TempDir(), script)
}

func specFor(ws, script string) (Spec, string) {
	s := Spec{
		Path: "/bin/sh", Args: []string{"sh", "-c", script}, Dir: ws,
		Env: []string{"PATH=/usr/bin:/bin", "GORACE=atexit_sleep_ms=0"}, Hostname: "bailey",
		Base:  Base{Identity: testIdentity(), Copies: []string{"/etc/ld.so.cache"}},
		Files: []File{{Target: "/etc/resolv.conf", Content: []byte("nameserver " + ResolverAddr + "\n"), Mode: 0o644}},
		Mounts: []Mount{
			{Source: "/usr", Target: "/usr"},
			{Kind: Tmpfs, Target: "/tmp", Size: 64 << 20, Mode: 0o1777},
			{Source: ws, Target: ws, Writable: true, Idmapped: true},
		},
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib64"} {
		if to, err := os.Readlink("/" + name); err == nil {
			s.Links = append(s.Links, Link{"/" + name, to})
		}
	}
	return s, ws
}

// run starts s and returns what it printed and how it ended.
func run(t *testing.T, s Spec) (string, Exit) {
	t.Helper()
	p := start(t, s)
	p.Stdio.In.Close()
	out, _ := io.ReadAll(io.MultiReader(p.Stdio.Out, p.Stdio.Err))
	e, err := p.Wait()
	if err != nil {
		t.Fatalf("wait: %v; output: %s", err, out)
	}
	return string(out), e
}

func start(t *testing.T, s Spec) *Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	p, err := Start(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = p.Close()
	})
	return p
}

func TestRunsAndReportsItsEnd(t *testing.T) {
	s, ws := baseSpec(t, `echo hello; echo made > made; kill -TERM $$`)
	out, e := run(t, s)
	if out != "hello\n" || e.Signal != int(unix.SIGTERM) || e.Code != 128+15 {
		t.Fatalf("got %q %+v", out, e)
	}
	st, err := os.Stat(filepath.Join(ws, "made"))
	if err != nil {
		t.Fatal(err)
	}
	if uid := st.Sys().(*syscall.Stat_t).Uid; uid != uint32(os.Getuid()) {
		t.Fatalf("the file belongs to %d on the host, want %d", uid, os.Getuid())
	}
}

func TestSeesOnlyItself(t *testing.T) {
	s, _ := baseSpec(t, `ls -A / | tr '\n' ' '; ls /proc | grep -c '^[0-9]'; id -u; cat /proc/1/environ 2>&1; ls /home 2>&1; hostname; grep -c lo: /proc/net/dev`)
	out, e := run(t, s)
	want := fmt.Sprintf("bin dev etc lib lib64 proc run sbin tmp usr 4\n%d\ncat: /proc/1/environ: Permission denied\n"+
		"ls: cannot access '/home': No such file or directory\nbailey\n1\n", s.Identity.UID)
	if out != want || e.Code != 0 {
		t.Errorf("got:\n%s\nwant:\n%s", out, want)
	}
}

// A listing shows devices as what they are: a search for files reads none of them.
func TestDevicesLookLikeDevices(t *testing.T) {
	s, _ := baseSpec(t, `find /dev -type f; find /dev -maxdepth 1 -type c | sort | tr '\n' ' '; head -c 3 /dev/zero | wc -c; echo x > /dev/null && cat /dev/null`)
	want := "/dev/full /dev/null /dev/random /dev/tty /dev/urandom /dev/zero 3\n"
	if out, e := run(t, s); out != want || e.Code != 0 {
		t.Errorf("got %q %+v, want %q", out, e, want)
	}
}

func TestPinComesBack(t *testing.T) {
	s, ws := baseSpec(t, `cat .env; echo ready; read line; cat .env; echo; echo again; read line; cat .env; echo .`)
	env := filepath.Join(ws, ".env")
	if err := os.WriteFile(env, []byte("KEY=CANARY\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Files = append(s.Files, File{Target: "/run/bailey/view/env", Content: []byte("KEY=placeholder\n"), Mode: 0o444})
	s.Mounts = append(s.Mounts, Mount{Kind: Cover, Source: "/run/bailey/view/env", Target: env, Pinned: true})
	p := start(t, s)
	var out bytes.Buffer
	readUntil(t, p.Stdio.Out, &out, "ready")
	// The host's sed -i: a new file renamed over the old one.
	tmp := env + ".new"
	if err := os.WriteFile(tmp, []byte("KEY=CANARY2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tmp, env); err != nil {
		t.Fatal(err)
	}
	if n := <-p.Notices; n.Kind != Repinned || n.Path != env {
		t.Fatalf("notice %+v", n)
	}
	io.WriteString(p.Stdio.In, "go\n")
	readUntil(t, p.Stdio.Out, &out, "again")
	// The host's git checkout: unlink, then create.
	if err := os.Remove(env); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(env, []byte("KEY=CANARY3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	<-p.Notices
	io.WriteString(p.Stdio.In, "go\n")
	rest, _ := io.ReadAll(p.Stdio.Out)
	out.Write(rest)
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "CANARY") || strings.Count(out.String(), "placeholder") != 3 {
		t.Fatalf("output: %s", out.String())
	}
}

func readUntil(t *testing.T, r io.Reader, out *bytes.Buffer, mark string) {
	t.Helper()
	b := make([]byte, 256)
	for !strings.Contains(out.String(), mark) {
		n, err := r.Read(b)
		out.Write(b[:n])
		if err != nil {
			t.Fatalf("reading: %v; so far %s", err, out)
		}
	}
}
