package shim

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func plan(t *testing.T, steps []Step, err error) []Step {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return steps
}

// What install makes runs the program with the arguments as they were, and
// uninstall leaves nothing of it.
func TestInstallAndUninstall(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "shims")
	exe := filepath.Join(t.TempDir(), "it's bailey")
	if err := os.WriteFile(exe, []byte("#!/bin/sh\nprintf '<%s>' \"$@\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	steps, err := Install(dir, exe, []string{"claude", "codex"})
	if _, serr := os.Stat(dir); serr == nil {
		t.Error("planning wrote something")
	}
	if err := Do(plan(t, steps, err)); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(dir, "claude"), "a b", "$(id)", "").CombinedOutput()
	if string(out) != "<agent><--><claude><a b><$(id)><>" || err != nil {
		t.Errorf("%s, %v", out, err)
	}
	if again, err := Install(dir, exe, []string{"claude"}); err != nil || len(again) != 0 {
		t.Errorf("a second time: %v, %v", again, err)
	}
	if got := Installed(dir); !slices.Equal(got, []string{"claude", "codex"}) {
		t.Errorf("installed: %q", got)
	}
	steps, err = Uninstall(dir, []string{"codex"})
	if err := Do(plan(t, steps, err)); err != nil || !slices.Equal(Installed(dir), []string{"claude"}) {
		t.Errorf("%q, %v", Installed(dir), err)
	}
}

// Nobody else's file is overwritten or removed.
func TestOthersFiles(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "claude"), []byte("#!/bin/sh\necho mine\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Install(dir, "/bailey", []string{"claude"}); err == nil {
		t.Error("install overwrites")
	}
	if _, err := Uninstall(dir, []string{"claude"}); err == nil {
		t.Error("uninstall removes")
	}
	for _, name := range []string{"../x", "a b", "a;b", ""} {
		if _, err := Install(dir, "/bailey", []string{name}); err == nil {
			t.Errorf("%q is taken for a command", name)
		}
	}
}

// The line comes last, once, and goes without a trace.
func TestLine(t *testing.T) {
	home := t.TempDir()
	for shell, before := range map[string]string{"/bin/bash": "PATH=/x:$PATH\n", "/usr/bin/zsh": "no end", "/usr/bin/fish": ""} {
		file, line, ok := Line(shell, home, "/home/u/.local/share/bailey/shims")
		if !ok {
			t.Fatal(shell)
		}
		if before != "" {
			if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			steps, err := AddLine(file, line)
			if err := Do(plan(t, steps, err)); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(file)
		if err != nil || !strings.HasSuffix(string(b), "\n"+line+"\n") && string(b) != line+"\n" || strings.Count(string(b), line) != 1 {
			t.Errorf("%s: %q, %v", shell, b, err)
		}
	}
	if err := Do(RemoveLines(home)); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(home + "/.bashrc"); string(b) != "PATH=/x:$PATH\n" {
		t.Errorf("left: %q", b)
	}
	if _, err := os.Stat(home + "/.config/fish/conf.d/bailey.fish"); err == nil {
		t.Error("an empty file is left")
	}
	if _, _, ok := Line("/bin/bash", home, "/home/u/$(id)"); ok {
		t.Error("a path that the shell would read as code is accepted")
	}
}
