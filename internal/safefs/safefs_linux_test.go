package safefs

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What is not a regular file is refused at once, whatever it would block on.
func TestNeverBlocks(t *testing.T) {
	r, dir := open(t)
	must(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	l, err := net.Listen("unix", filepath.Join(dir, "sock"))
	must(t, err)
	defer l.Close()
	write(t, filepath.Join(dir, "leased"), "x")
	leased, err := os.OpenFile(filepath.Join(dir, "leased"), os.O_RDWR, 0)
	must(t, err)
	defer leased.Close()
	_, err = unix.FcntlInt(leased.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
	must(t, err)
	done := make(chan map[string]error)
	go func() {
		got := map[string]error{}
		for _, name := range []string{"fifo", "sock", "leased"} {
			_, got[name] = r.ReadFile(name, 10)
		}
		done <- got
	}()
	select {
	case got := <-done:
		if !errors.Is(got["fifo"], ErrNotRegular) || !errors.Is(got["sock"], ErrNotRegular) || got["leased"] == nil {
			t.Errorf("got %v", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("blocked")
	}
}

func BenchmarkWalk20000(b *testing.B) {
	r, dir := open(b)
	for i := range 200 {
		d := filepath.Join(dir, string(rune('a'+i%26)), string(rune('a'+i/26)))
		must(b, os.MkdirAll(d, 0o755))
		for j := range 100 {
			must(b, os.WriteFile(filepath.Join(d, "file"+string(rune('a'+j%26))+string(rune('a'+j/26))), nil, 0o644))
		}
	}
	for b.Loop() {
		n := 0
		_, err := r.Walk(b.Context(), ".", Limits{}, func(string, Entry) error { n++; return nil })
		if err != nil || n < 20000 {
			b.Fatal(n, err)
		}
	}
}

// A directory that is removed and made again often has the number it had.
func TestBirth(t *testing.T) {
	dir := t.TempDir()
	r, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Birth("d"); err == nil {
		t.Error("what is not there was born")
	}
	seen := map[Birth]bool{}
	for range 20 {
		if err := os.Mkdir(dir+"/d", 0o755); err != nil {
			t.Fatal(err)
		}
		b, err := r.Birth("d")
		if again, _ := r.Birth("d"); err != nil || b.Ino == 0 || again != b || seen[b] {
			t.Errorf("%+v %+v %v", b, again, err)
		}
		seen[b] = true
		if err := os.Remove(dir + "/d"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // file times tick
	}
}
