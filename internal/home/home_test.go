package home

import (
	"os"
	"path/filepath"
	"testing"
)

func clear(t *testing.T, home string) {
	t.Helper()
	for _, v := range []string{Variable, xdgData, xdgConfig, xdgRuntime} {
		t.Setenv(v, "")
	}
	t.Setenv("HOME", home)
}

func TestDefaults(t *testing.T) {
	clear(t, "/home/ann")
	want := map[string]string{
		Dir():      "/home/ann/.local/share/bailey",
		Vault():    "/home/ann/.local/share/bailey/vault",
		Audit():    "/home/ann/.local/share/bailey/audit",
		Sessions(): "/home/ann/.local/share/bailey/sessions",
		State():    "/home/ann/.local/share/bailey/state",
		Socket():   "/home/ann/.local/share/bailey/run/daemon.sock",
		Config():   "/home/ann/.config/bailey/config.yaml",
	}
	for got, want := range want {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestXDG(t *testing.T) {
	clear(t, "/home/ann")
	t.Setenv(xdgConfig, "/conf")
	runtime := t.TempDir()
	t.Setenv(xdgRuntime, runtime)
	if got, want := Socket(), filepath.Join(runtime, "bailey/daemon.sock"); got != want {
		t.Errorf("Socket() = %s, want %s", got, want)
	}
	if got := Config(); got != "/conf/bailey/config.yaml" {
		t.Errorf("Config() = %s", got)
	}
	t.Setenv(xdgData, "/data")
	if got := Socket(); got != "/data/bailey/run/daemon.sock" {
		t.Errorf("a moved data directory shares the socket: %s", got)
	}
	t.Setenv(xdgData, "relative")
	if got := Dir(); got != "/home/ann/.local/share/bailey" {
		t.Errorf("a relative XDG_DATA_HOME was used: %s", got)
	}
}

func TestOwnHomeMovesEverything(t *testing.T) {
	clear(t, "/home/ann")
	t.Setenv(xdgRuntime, t.TempDir())
	t.Setenv(xdgData, "/data")
	t.Setenv(Variable, "/b")
	for got, want := range map[string]string{
		Dir(): "/b", Socket(): "/b/run/daemon.sock", Config(): "/b/config.yaml", Log(): "/b/run/daemon.log",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	t.Setenv(Variable, "rel")
	if got := Dir(); !filepath.IsAbs(got) {
		t.Errorf("relative BAILEY_HOME stays relative: %s", got)
	}
}

func TestForeignRuntimeDirIsIgnored(t *testing.T) {
	clear(t, "/home/ann")
	foreign := "/"
	if os.Geteuid() == 0 {
		foreign = t.TempDir()
		if err := os.Chown(foreign, 12345, 12345); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv(xdgRuntime, foreign)
	if got := Run(); got != "/home/ann/.local/share/bailey/run" {
		t.Errorf("Run() = %s", got)
	}
}

func TestUserFromPasswordFile(t *testing.T) {
	passwd := "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\nbad:x:7:7::rel:/bin/sh\n"
	for uid, want := range map[string]string{"0": "/root", "1000": "/home/ann", "7": "/", "9": "/"} {
		if got := userIn(passwd, uid); got != want {
			t.Errorf("uid %s: %s, want %s", uid, got, want)
		}
	}
}

func TestSecure(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b")
	clear(t, "/home/ann")
	t.Setenv(Variable, dir)
	want := func(what string, mode os.FileMode, fine bool) {
		t.Helper()
		was, err := Secure()
		if was != mode || (err == nil) != fine {
			t.Errorf("%s: %#o %v", what, was, err)
		}
	}
	want("not there", 0, true)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	want("closed", 0, true)
	os.Chmod(dir, 0o755)
	want("open and empty", 0o755, true)
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, want 0700", info.Mode())
	}
	os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o644)
	os.Chmod(dir, 0o755)
	want("open, with a file of the user's", 0, false)
	os.Mkdir(filepath.Join(dir, "vault"), 0o700)
	want("open, with a vault", 0o755, true)
	t.Setenv(Variable, filepath.Join(dir, "thesis.tex"))
	want("a file", 0, false)
	if os.Geteuid() != 0 {
		t.Setenv(Variable, "/")
	} else if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	} else {
		t.Setenv(Variable, dir)
	}
	want("another user's", 0, false)
}

func TestMakeDir(t *testing.T) {
	base := t.TempDir()
	open := filepath.Join(base, "open")
	if err := os.Mkdir(open, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := MakeDir(open); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(open); info.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, want 0700", info.Mode())
	}
	link := filepath.Join(base, "link")
	if err := os.Symlink(open, link); err != nil {
		t.Fatal(err)
	}
	if err := MakeDir(link); err == nil {
		t.Error("a symbolic link was taken for a directory")
	}
	if err := MakeDir(filepath.Join(base, "a/b/c")); err != nil {
		t.Error(err)
	}
}
