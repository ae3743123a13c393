package relay

import (
	"bytes"
	"strings"
	"testing"
)

func filtered(chunks ...string) string {
	var out bytes.Buffer
	f := NewFilter(&out)
	for _, c := range chunks {
		if _, err := f.Write([]byte(c)); err != nil {
			panic(err)
		}
	}
	return out.String()
}

func TestFilter(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"text", "hello\r\n\tü 漢字 🚀", "hello\r\n\tü 漢字 🚀"},
		{"colour", "\x1b[38;2;1;2;3mx\x1b[0m", "\x1b[38;2;1;2;3mx\x1b[0m"},
		{"title", "\x1b]0;hi\x07", "\x1b]0;hi\x07"},
		{"link", "\x1b]8;;https://a.test\x1b\\x", "\x1b]8;;https://a.test\x1b\\x"},
		{"clipboard", "a\x1b]52;c;aGk=\x07b", "ab"},
		{"clipboard with ST", "a\x1b]52;c;aGk=\x1b\\b", "ab"},
		{"clipboard in tmux", "a\x1bPtmux;\x1b\x1b]52;c;aGk=\x07\x1b\\b", "ab"},
		{"clipboard by C1", "a\x9d52;c;aGk=\x07b", "a52;c;aGk=\x07b"},
		{"clipboard by UTF-8 C1", "a\u009d52;c;aGk=\x07b", "a52;c;aGk=\x07b"},
		{"leading zero", "\x1b]052;c;aGk=\x07", ""},
		{"file transfer", "\x1b]1337;File=x:aGk=\x07", ""},
		{"kitty graphics", "\x1b_Gt=f;L2V0Yy9wYXNzd2Q=\x1b\\", ""},
		{"title report", "\x1b[21t", ""},
		{"answerback", "\x05", ""},
		{"control inside string", "\x1b]0;a\rb\x07", ""},
		{"aborted string", "\x1b]52;c;\x1b[31mx", "\x1b[31mx"},
		{"charset", "\x1b(Bx", "\x1b(Bx"},
		{"capability query", "\x1bP+q544e\x1b\\", "\x1bP+q544e\x1b\\"},
		{"long string", "\x1b]0;" + strings.Repeat("a", maxSequence+1) + "\x07x", "x"},
	} {
		if got := filtered(c.in); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestResetSwitchesOffWhatIsOn(t *testing.T) {
	f := NewFilter(&bytes.Buffer{})
	_, _ = f.Write([]byte("\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?2004l\x1b[>1u"))
	if got, want := string(f.modes.reset()), "\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"; got != want {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// The picture must not depend on how the bytes were cut, and what was filtered
// once must pass unchanged the second time.
func FuzzFilter(f *testing.F) {
	f.Add("a\x1b]52;c;aGk=\x07b\x1bPtmux;\x1b\x1b]52;\x07\x1b\\", 3)
	f.Add("\xc2\x9d52;x\x07\xe2\x82", 1)
	f.Fuzz(func(t *testing.T, s string, cut int) {
		cut = max(0, min(cut, len(s)))
		whole := filtered(s)
		if split := filtered(s[:cut], s[cut:]); split != whole {
			t.Fatalf("cut at %d: %q, whole: %q", cut, split, whole)
		}
		if again := filtered(whole); again != whole && !strings.HasSuffix(whole, "\x1b") {
			t.Fatalf("not stable: %q then %q", whole, again)
		}
		if strings.Contains(whole, "\x1b]52") || strings.ContainsRune(whole, '\u009d') {
			t.Fatalf("clipboard passed: %q", whole)
		}
	})
}
