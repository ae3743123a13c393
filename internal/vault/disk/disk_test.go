package disk

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func TestWriteIsWholeOrNotThere(t *testing.T) {
	dir := t.TempDir()
	for _, text := range []string{"first", "second, longer"} {
		if err := Write(dir, "a", []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(dir, "a")); err != nil || string(b) != text {
			t.Errorf("%q %v", b, err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, "taken", nil); err == nil {
		t.Error("a directory was replaced")
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("left behind: %v", left)
	}
	if info, err := os.Stat(filepath.Join(dir, "a")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
}

func TestLockIsOneHolders(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "lock")
	var inside, count atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			unlock, err := Lock(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer unlock()
			if inside.Add(1) != 1 {
				t.Error("two hold it")
			}
			count.Add(1)
			inside.Add(-1)
		})
	}
	all.Wait()
	if count.Load() != 50 {
		t.Errorf("%d of 50", count.Load())
	}
	link := filepath.Join(filepath.Dir(path), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Lock(link); err == nil {
		t.Error("a link was taken for a lock file")
	}
}
