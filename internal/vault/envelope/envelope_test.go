package envelope

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
)

func TestKey(t *testing.T) {
	root := bytes.Repeat([]byte{7}, KeySize)
	k, err := NewKey(root)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(root, make([]byte, KeySize)) {
		t.Error("the caller's copy is not wiped")
	}
	a, err := k.Derive("a")
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := k.Derive("b"); a == b || a == [KeySize]byte{} {
		t.Error("two purposes share a key")
	}
	page := k.page
	if os.Getpagesize() <= len(page) && !flagged(t, page) {
		t.Error("the page may be dumped")
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Derive("a"); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
	if _, err := NewKey(make([]byte, 16)); err == nil {
		t.Error("took a key of 16 bytes")
	}
}

func TestBox(t *testing.T) {
	box := NewBox([KeySize]byte{1})
	l := Label{Scope: UUID{1}, Parent: UUID{2}, Kind: 3, ID: UUID{4}, Version: 5, Lookup: box.Lookup(3, "/", "NAME")}
	for _, n := range []int{0, 1, 63, 64, 65, 5000} {
		plain := bytes.Repeat([]byte{'x'}, n)
		sealed, err := box.Seal(l, plain)
		if err != nil {
			t.Fatal(err)
		}
		if want := (n+63)/64*64 + Overhead; len(sealed) != want {
			t.Errorf("%d bytes sealed to %d, want %d", n, len(sealed), want)
		}
		got, err := box.Open(l, sealed)
		if err != nil || strings.TrimRight(string(got), " ") != string(plain) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

// TestBoxRefuses: every flipped byte, every cut, every other label and key.
func TestBoxRefuses(t *testing.T) {
	box := NewBox([KeySize]byte{1})
	l := Label{Scope: UUID{1}, Parent: UUID{2}, Kind: 3, ID: UUID{4}, Version: 5, Lookup: box.Lookup(3, "/", "NAME")}
	sealed, err := box.Seal(l, []byte(`{"value":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		b := bytes.Clone(sealed)
		b[i] ^= 1
		if _, err := box.Open(l, b); !errors.Is(err, ErrOpen) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
		if _, err := box.Open(l, sealed[:i]); !errors.Is(err, ErrOpen) {
			t.Errorf("cut to %d: %v", i, err)
		}
	}
	others := map[string]func(*Label){
		"scope":   func(l *Label) { l.Scope[15] ^= 1 },
		"parent":  func(l *Label) { l.Parent[0] ^= 1 },
		"kind":    func(l *Label) { l.Kind++ },
		"id":      func(l *Label) { l.ID[3] ^= 1 },
		"version": func(l *Label) { l.Version-- },
		"name":    func(l *Label) { l.Lookup = box.Lookup(3, "/", "OTHER") },
		"path":    func(l *Label) { l.Lookup = box.Lookup(3, "/api", "NAME") },
	}
	for name, change := range others {
		other := l
		change(&other)
		if _, err := box.Open(other, sealed); !errors.Is(err, ErrOpen) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	if _, err := NewBox([KeySize]byte{2}).Open(l, sealed); !errors.Is(err, ErrOpen) {
		t.Errorf("another key: %v", err)
	}
	if box.Lookup(3, "a", "b") == box.Lookup(3, "ab", "") || box.Lookup(3, "a") == box.Lookup(4, "a") {
		t.Error("two names share a lookup")
	}
}

func FuzzOpen(f *testing.F) {
	box := NewBox([KeySize]byte{1})
	f.Add([]byte{}, uint64(1))
	f.Fuzz(func(t *testing.T, b []byte, version uint64) {
		if _, err := box.Open(Label{Version: version}, b); err == nil {
			t.Fatal("opened what was not sealed")
		}
	})
}
