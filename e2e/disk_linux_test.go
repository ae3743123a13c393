package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// onDisk is a user whose vault lies on a file system of its own, as small as
// is said.
func onDisk(t *testing.T, size string) *user {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a file system of its own is mounted by root only: run it as root")
	}
	u := newUser(t, map[string]string{".env": plainEnv})
	if err := os.MkdirAll(u.home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", u.home, "tmpfs", 0, "mode=700,size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Unmount(u.home, unix.MNT_DETACH) })
	pass := filepath.Join(filepath.Dir(u.dir), "pass")
	if err := os.WriteFile(pass, []byte(passphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u.env = append(u.env, "BAILEY_PASSPHRASE_FILE="+pass)
	return u
}

// try runs bailey and returns what it printed.
func (u *user) try(stdin string, args ...string) (out string, err error) {
	cmd := u.command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	b, err := cmd.CombinedOutput()
	return string(b), err
}

func (u *user) must(stdin string, args ...string) string {
	u.t.Helper()
	out, err := u.try(stdin, args...)
	if err != nil {
		u.t.Fatalf("bailey %v: %v\n%s", args, err, out)
	}
	return out
}

// A disk that is full is said, loses nothing that was acknowledged, and once
// there is room again all goes on.
func TestDiskFull(t *testing.T) {
	u := onDisk(t, "4m")
	u.must("", "init", "--yes")
	acked := map[string]string{}
	var refusal string
	for i := range 40 {
		name, val := fmt.Sprintf("BIG_%d", i), strings.Repeat(fmt.Sprint(i%10), 300_000)
		out, err := u.try(val, "secret", "set", name)
		if err != nil {
			refusal = out
			break
		}
		acked[name] = val
	}
	if refusal == "" || len(acked) == 0 {
		t.Fatalf("%d of 40 fit on a disk of 4 MB", len(acked))
	}
	if !strings.Contains(refusal, "no space left") && !strings.Contains(refusal, "full") {
		t.Errorf("the refusal does not say why: %s", refusal)
	}
	if strings.Contains(refusal, "tampered") || strings.Contains(refusal, "internal error") {
		t.Errorf("%s", refusal)
	}
	if err := unix.Mount("", u.home, "", unix.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	u.must("", "vault", "check")
	for name, val := range acked {
		if got := u.must("", "secret", "get", name); got != val {
			t.Errorf("%s was acknowledged and is lost", name)
		}
	}
	u.must("x", "secret", "set", "AFTER")
}

func TestDiskReadOnly(t *testing.T) {
	u := onDisk(t, "16m")
	u.must("", "init", "--yes")
	if err := unix.Mount("", u.home, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"secret", "get", "A"}, {"secret", "set", "B"}, {"vault", "check"}} {
		out, err := u.try("x", args...)
		if err == nil || !strings.Contains(out, "read-only file system") || strings.Contains(out, "tampered") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if err := unix.Mount("", u.home, "", unix.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	if got := u.must("", "secret", "get", "A"); got != "canary-0123456789" {
		t.Errorf("%q", got)
	}
	u.must("", "vault", "check")
}

// Two daemons on one home: the second ends at once and takes nothing away.
func TestTwoDaemons(t *testing.T) {
	u := newUser(t, map[string]string{".env": plainEnv})
	pass := filepath.Join(filepath.Dir(u.dir), "pass")
	if err := os.WriteFile(pass, []byte(passphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	with := &user{t: t, dir: u.dir, home: u.home, env: append(u.env[:len(u.env):len(u.env)], "BAILEY_PASSPHRASE_FILE="+pass)}
	with.must("", "init", "--yes")
	u.must(passphrase+"\n", "unlock", "--stdin")
	for range 3 {
		second := u.command("daemon")
		var said bytes.Buffer
		second.Stdout, second.Stderr = &said, &said
		if err := second.Run(); err != nil {
			t.Errorf("a second daemon: %v\n%s", err, said.String())
		}
	}
	if got := u.must("", "secret", "get", "A"); got != "canary-0123456789" {
		t.Errorf("the first one is not there, or locked: %q", got)
	}
}

func TestSocketPathTooLong(t *testing.T) {
	u := newUser(t, map[string]string{".env": plainEnv})
	pass := filepath.Join(filepath.Dir(u.dir), "pass")
	if err := os.WriteFile(pass, []byte(passphrase+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u.env = append(u.env, "BAILEY_HOME="+filepath.Join(filepath.Dir(u.dir), strings.Repeat("long", 30)))
	plain := u.env
	u.env = append(u.env[:len(u.env):len(u.env)], "BAILEY_PASSPHRASE_FILE="+pass)
	u.must("", "init", "--yes") // without a daemon the path does not matter
	u.env = plain
	out, err := u.try("", "secret", "get", "A")
	if err == nil || !strings.Contains(out, "too long") || !strings.Contains(out, "BAILEY_HOME") {
		t.Errorf("%v\n%s", err, out)
	}
}
