package sandbox

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// overlaySpec shows ws under an overlay whose changes are kept in the directory returned.
func overlaySpec(t *testing.T, script string) (s Spec, ws, upper string) {
	t.Helper()
	s, ws = baseSpec(t, script)
	upper = t.TempDir()
	t.Cleanup(func() { _ = os.Chmod(filepath.Join(upper, "work/work"), 0o700) })
	for _, dir := range []string{"tree", "work"} {
		if err := os.Mkdir(filepath.Join(upper, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.Overlay = true
	last := len(s.Mounts) - 1
	s.Mounts = append(s.Mounts[:last],
		Mount{Source: ws, Target: OverlayLower, Idmapped: true, Real: true},
		Mount{Source: upper, Target: OverlayUpper, Writable: true, Idmapped: true},
		Mount{Kind: Overlay, Target: ws})
	return s, ws, upper
}

func put(t *testing.T, name, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func TestOverlayKeepsTheTree(t *testing.T) {
	s, ws, upper := overlaySpec(t, `
		set -e
		echo new > made; echo more >> file; rm gone; rm -r dir; mkdir dir; echo x > dir/x; mv old moved
		chmod 600 readonly; echo y >> readonly; chmod 755 closed; echo z > closed/z; rm -r sealed; mkdir sealed; chmod 555 sealed
		ln file second; mkfifo pipe; ln -s /etc/passwd link
		cat file made; ls /run/bailey/lower /run/bailey/upper; ls -A | tr '\n' ' '
		echo planted > /run/bailey/upper/x || echo no way in
	`)
	put(t, ws+"/file", "one\n", 0o644)
	put(t, ws+"/gone", "x", 0o644)
	put(t, ws+"/dir/old", "x", 0o644)
	put(t, ws+"/old", "x", 0o644)
	put(t, ws+"/readonly", "x", 0o444)
	put(t, ws+"/closed/in", "x", 0o644)
	put(t, ws+"/sealed/in", "x", 0o644)
	if err := os.Chmod(ws+"/closed", 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(ws+"/closed", 0o755) })
	out, e := run(t, s)
	if e.Code != 0 || !strings.HasPrefix(out, "one\nmore\nnew\n") || !strings.Contains(out, "no way in") {
		t.Errorf("exit %d: %s", e.Code, out)
	}
	for name, want := range map[string]string{"file": "one\n", "gone": "x", "dir/old": "x", "old": "x", "readonly": "x"} {
		if b, err := os.ReadFile(filepath.Join(ws, name)); err != nil || string(b) != want {
			t.Errorf("%s was changed: %q %v", name, b, err)
		}
	}
	if list, _ := os.ReadDir(ws); len(list) != 7 {
		t.Errorf("the tree has %v", list)
	}
	if b, err := os.ReadFile(upper + "/tree/file"); err != nil || string(b) != "one\nmore\n" {
		t.Errorf("the change was not kept: %q %v", b, err)
	}
}

// A cover in an overlay is on a name that the host can't take from under it.
func TestOverlayCoverStaysWhateverTheHostDoes(t *testing.T) {
	s, ws, _ := overlaySpec(t, `cat .env; echo ready; i=0; while read line; do cat .env sub/.env; done`)
	put(t, ws+"/.env", "KEY=CANARY\n", 0o644)
	put(t, ws+"/sub/.env", "KEY=CANARY\n", 0o644)
	s.Files = append(s.Files, File{Target: "/run/bailey/view/env", Content: []byte("KEY=placeholder\n"), Mode: 0o444})
	for _, name := range []string{"/.env", "/sub/.env"} {
		s.Mounts = append(s.Mounts, Mount{Kind: Cover, Source: "/run/bailey/view/env", Target: ws + name, Pinned: true})
	}
	p := start(t, s)
	var out strings.Builder
	b := make([]byte, 4096)
	read := func(mark string, times int) {
		for strings.Count(out.String(), mark) < times {
			n, err := p.Stdio.Out.Read(b)
			out.Write(b[:n])
			if err != nil {
				t.Fatalf("%v: %s", err, &out)
			}
		}
	}
	read("ready", 1)
	for i, change := range []func(){
		func() { put(t, ws+"/.new", "KEY=CANARY2\n", 0o644); _ = os.Rename(ws+"/.new", ws+"/.env") },
		func() { _ = os.Remove(ws + "/.env"); put(t, ws+"/.env", "KEY=CANARY3\n", 0o644) },
		func() { _ = os.RemoveAll(ws + "/sub"); put(t, ws+"/sub/.env", "KEY=CANARY4\n", 0o644) },
		func() { _ = os.Rename(ws+"/sub", ws+"/bus"); put(t, ws+"/sub/.env", "KEY=CANARY5\n", 0o644) },
	} {
		change()
		if _, err := p.Stdio.In.WriteString("go\n"); err != nil {
			t.Fatal(err)
		}
		read("placeholder", 1+2*(i+1))
	}
	p.Stdio.In.Close()
	if _, err := p.Wait(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "CANARY") {
		t.Errorf("output: %s", &out)
	}
}
