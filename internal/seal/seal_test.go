package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/secret"
)

func pass(s string) Sealer { return PassphraseWithCost(secret.NewValue([]byte(s)), 10) }

func newRoot(t testing.TB) []byte {
	t.Helper()
	root := make([]byte, RootSize)
	if _, err := rand.Read(root); err != nil {
		t.Fatal(err)
	}
	return root
}

func code(t testing.TB) Code {
	t.Helper()
	c, err := NewCode()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSealers(t *testing.T) {
	c := code(t)
	for _, tt := range []struct {
		kind         string
		right, wrong Sealer
	}{
		{KindPassphrase, pass("correct horse"), pass("correct house")},
		{KindRecovery, Recovery(c), Recovery(code(t))},
	} {
		root := newRoot(t)
		if tt.right.Kind() != tt.kind {
			t.Errorf("kind %s, want %s", tt.right.Kind(), tt.kind)
		}
		sealed, err := tt.right.Seal(root)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := tt.right.Open(sealed); err != nil || !bytes.Equal(got, root) {
			t.Errorf("%s: %v", tt.kind, err)
		}
		if _, err := tt.wrong.Open(sealed); !errors.Is(err, ErrWrong) {
			t.Errorf("%s: wrong one gave %v", tt.kind, err)
		}
		if bytes.Contains(sealed, root) {
			t.Errorf("%s: the root key is readable", tt.kind)
		}
		again, err := tt.right.Seal(root)
		if err != nil || bytes.Equal(again, sealed) {
			t.Errorf("%s: sealed twice alike, %v", tt.kind, err)
		}
	}
}

func TestRefused(t *testing.T) {
	if _, err := pass("").Seal(newRoot(t)); err == nil {
		t.Error("sealed under an empty passphrase")
	}
	if _, err := pass("x").Seal(make([]byte, 31)); err == nil {
		t.Error("sealed a root key of 31 bytes")
	}
	sealed, err := pass("x").Seal(newRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pass("").Open(sealed); !errors.Is(err, ErrWrong) {
		t.Errorf("empty passphrase: %v", err)
	}
	if _, err := Recovery(Code{}).Open(sealed); !errors.Is(err, ErrWrong) {
		t.Errorf("empty code: %v", err)
	}
}

// TestEveryFlip: one flipped byte anywhere is an error, and so is any cut.
func TestEveryFlip(t *testing.T) {
	s := Recovery(code(t))
	sealed, err := s.Seal(newRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		for _, mask := range []byte{0x01, 0x20, 0x80} {
			b := bytes.Clone(sealed)
			b[i] ^= mask
			if _, err := s.Open(b); err == nil {
				t.Errorf("byte %d ^ %#x opened", i, mask)
			}
		}
		if _, err := s.Open(sealed[:i]); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrWrong) {
			t.Errorf("the first %d bytes: %v", i, err)
		}
	}
	if _, err := s.Open(append(sealed, '\n')); err == nil {
		t.Error("opened with a byte behind the end")
	}
}

// TestBounded: a planted file cannot make Open work for long.
func TestBounded(t *testing.T) {
	s := pass("x")
	sealed, err := s.Seal(newRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	i := bytes.Index(sealed, []byte(" 10\n"))
	for _, factor := range []string{"21", "30", "63", "64", "4000000000"} {
		b := append(append(bytes.Clone(sealed[:i+1]), factor...), sealed[i+3:]...)
		if _, err := s.Open(b); !errors.Is(err, ErrCost) {
			t.Errorf("work factor %s: %v", factor, err)
		}
	}
	huge := append(bytes.Clone(sealed), make([]byte, maxFile)...)
	if _, err := s.Open(huge); !errors.Is(err, ErrDamaged) {
		t.Errorf("%d bytes: %v", len(huge), err)
	}
}

func TestMeasure(t *testing.T) {
	if f := measure(); f < minFactor || f > maxFactor {
		t.Errorf("work factor %d", f)
	}
}

func TestCode(t *testing.T) {
	c := code(t)
	text := c.Reveal()
	if parts := strings.Split(text, "-"); len(parts) != Groups || parts[2] != c.Group(3) || c.Group(0) != "" || c.Group(8) != "" {
		t.Errorf("groups of a code of %d characters", len(text))
	}
	for _, typed := range []string{
		text, strings.ToLower(text), strings.ReplaceAll(text, "-", ""), strings.ReplaceAll(text, "-", " ") + "\n",
		strings.NewReplacer("0", "O", "1", "l").Replace(text),
	} {
		got, err := ParseCode(typed)
		if err != nil || got.Reveal() != text {
			t.Errorf("typed in another way: %v", err)
		}
	}
	for _, bad := range []string{"", "hello", text[:len(text)-1], text + "0", strings.Replace(text, text[:1], "U", 1), strings.Replace(text, text[:1], "é", 1)} {
		if _, err := ParseCode(bad); !errors.Is(err, ErrCode) {
			t.Errorf("a text of %d characters: %v", len(bad), err)
		}
	}
}

// TestCodeTyping: every wrong digit, every exchange of neighbours in a group and
// of two groups is noticed, and the group is named.
func TestCodeTyping(t *testing.T) {
	for range 20 {
		text := strings.ReplaceAll(code(t).Reveal(), "-", "")
		for i := range text {
			for _, d := range []byte(digits) {
				b := []byte(text)
				b[i] = d
				wantRefused(t, text, string(b), i/groupSize+1)
			}
			if i%groupSize != 0 {
				b := []byte(text)
				b[i-1], b[i] = b[i], b[i-1]
				wantRefused(t, text, string(b), i/groupSize+1)
			}
		}
		for g := range Groups {
			for h := range g {
				b := []byte(text)
				copy(b[g*groupSize:], text[h*groupSize:][:groupSize])
				copy(b[h*groupSize:], text[g*groupSize:][:groupSize])
				wantRefused(t, text, string(b), h+1)
			}
		}
	}
}

func wantRefused(t *testing.T, right, typed string, group int) {
	t.Helper()
	if typed == right {
		return
	}
	_, err := ParseCode(typed)
	if !errors.Is(err, ErrCode) || !strings.Contains(err.Error(), fmt.Sprintf("group %d ", group)) {
		t.Fatalf("group %d mistyped: %v", group, err)
	}
	if strings.Contains(err.Error(), typed[:groupSize]) {
		t.Fatal("the error shows the code")
	}
}

// TestNoLeak: a code and a sealer do not print what they hold.
func TestNoLeak(t *testing.T) {
	c := code(t)
	for _, v := range []any{c, &c, struct{ c Code }{c}, Recovery(c), pass("hunter22hunter22")} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q"} {
			out := fmt.Sprintf(verb, v)
			for _, leak := range []string{c.Group(1), "hunter22", fmt.Sprintf("%x", c.v.Reveal())} {
				if strings.Contains(out, leak) {
					t.Errorf("%s of %T shows it", verb, v)
				}
			}
		}
		if b, err := json.Marshal(v); err == nil && strings.Contains(string(b), c.Group(1)) {
			t.Errorf("JSON of %T shows it", v)
		}
	}
}

func FuzzOpen(f *testing.F) {
	s := Recovery(code(f))
	root := newRoot(f)
	sealed, err := s.Seal(root)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAAAAAAAAAAAAAAAAAAAA 10\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got, err := s.Open(b); err == nil && (!bytes.Equal(b, sealed) || !bytes.Equal(got, root)) {
			t.Fatal("opened what was not sealed")
		}
	})
}

func FuzzParseCode(f *testing.F) {
	f.Add(code(f).Reveal())
	f.Add("0000-0000")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := ParseCode(s)
		if err != nil {
			return
		}
		again, err := ParseCode(c.Reveal())
		if err != nil || again.Reveal() != c.Reveal() {
			t.Fatalf("%v", err)
		}
	})
}
