package clipboard

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const canary = "hunter2canary\n"

// owner writes a program that holds the selection as the real ones do: it
// reads its input, and runs until it is ended or replaced.
func owner(t *testing.T, name, args string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	text := "#!/bin/sh\n[ \"$*\" = '" + args + "' ] || { echo \"arguments $*\" > " + dir + "/wrong; exit 2; }\n" +
		"cat > " + dir + "/held.new; mv " + dir + "/held.new " + dir + "/held\n" +
		"until [ -e " + dir + "/replaced ]; do sleep 0.02; done\n"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	return dir
}

func variables(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

func TestOwners(t *testing.T) {
	for name, test := range map[string]struct{ display, args string }{
		"wl-copy": {"WAYLAND_DISPLAY", "--foreground --type text/plain"},
		"xclip":   {"DISPLAY", "-selection clipboard -in -quiet"},
		"xsel":    {"DISPLAY", "--clipboard --input --nodetach"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, replace := range []bool{false, true} {
				dir := owner(t, name, test.args)
				way, err := Find(variables(map[string]string{test.display: ":1"}), nil)
				if err != nil || way.Name != name {
					t.Fatalf("%s, %v", way.Name, err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go func() {
					for !exists(dir+"/held") && !exists(dir+"/wrong") {
						time.Sleep(5 * time.Millisecond)
					}
					if !replace {
						cancel()
						return
					}
					_ = os.WriteFile(dir+"/replaced", nil, 0o600)
				}()
				replaced, err := way.Hold(ctx, []byte(canary))
				if err != nil || replaced != replace {
					t.Errorf("replaced %v, %v", replaced, err)
				}
				if b, _ := os.ReadFile(dir + "/held"); string(b) != canary {
					t.Errorf("it held %q", b)
				}
			}
		})
	}
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// screen is a terminal that keeps what it gets.
type screen struct {
	mu  sync.Mutex
	got bytes.Buffer
}

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.Write(b)
}

func (s *screen) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got.String()
}

func TestTerminal(t *testing.T) {
	s := &screen{}
	t.Setenv("PATH", t.TempDir())
	way, err := Find(variables(nil), s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	set := "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(canary)) + "\a"
	go func() {
		for s.text() != set {
			time.Sleep(5 * time.Millisecond)
		}
		cancel()
	}()
	if _, err := way.Hold(ctx, []byte(canary)); err != nil || s.text() != set+"\x1b]52;c;\a" {
		t.Errorf("%q, %v", s.text(), err)
	}
	if _, err := way.Hold(t.Context(), []byte(strings.Repeat("x", 60_000))); err == nil || len(s.text()) > 1000 {
		t.Error("more was sent than a terminal takes")
	}
}

// Over ssh the clipboard is at the other end; a display without its program is
// no clipboard.
func TestFind(t *testing.T) {
	owner(t, "xclip", "")
	far := map[string]string{"DISPLAY": ":1", "SSH_CONNECTION": "x"}
	if way, err := Find(variables(far), &screen{}); err != nil || way.Name != "the terminal" {
		t.Errorf("over ssh: %s, %v", way.Name, err)
	}
	if way, err := Find(variables(map[string]string{"WAYLAND_DISPLAY": "x"}), &screen{}); err != nil || way.Name != "the terminal" {
		t.Errorf("without wl-copy: %s, %v", way.Name, err)
	}
	if _, err := Find(variables(nil), nil); !errors.Is(err, ErrNone) {
		t.Errorf("nothing: %v", err)
	}
}
