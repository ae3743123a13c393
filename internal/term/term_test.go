package term

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func buffers() (*Term, *bytes.Buffer, *bytes.Buffer) {
	var out, err bytes.Buffer
	return &Term{In: strings.NewReader(""), Out: &out, Err: &err}, &out, &err
}

type hinted struct{}

func (hinted) Error() string { return "denied: no" }
func (hinted) Hint() string  { return "do this:\n- first\n- second" }

func TestErrorWithHint(t *testing.T) {
	tm, out, errs := buffers()
	tm.Error(fmt.Errorf("wrapping: %w", hinted{}))
	want := "bailey: wrapping: denied: no\nbailey: hint: do this:\n\t- first\n\t- second\n"
	if errs.String() != want {
		t.Errorf("got %q, want %q", errs.String(), want)
	}
	if out.Len() != 0 {
		t.Errorf("an error reached standard output: %q", out)
	}
}

func TestTable(t *testing.T) {
	tm, out, _ := buffers()
	tm.Table([]string{"name", "version"}, [][]string{{"LONG_NAME", "1"}, {"é", "22"}})
	want := "NAME       VERSION\nLONG_NAME  1\né          22\n"
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	out.Reset()
	tm.Table([]string{"name"}, nil)
	if out.Len() != 0 {
		t.Error("an empty table has a header")
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain ü\ttab":      "plain ü\ttab",
		"\x1b]52;c;AAAA\a":  `\x1b]52;c;AAAA\a`,
		"a\u202eb":          `a\u202eb`,
		"bad\xff":           `bad\xff`,
		"line\u2028two":     `line\u2028two`,
		"kept \uFFFD rune":  "kept \uFFFD rune",
		"\u009b31m":         `\u009b31m`,
		"cursor\rback\x08x": `cursor\rback\bx`,
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[31m\xff\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		for _, r := range got {
			if r != '\t' && unicode.IsControl(r) {
				t.Fatalf("%q still has %q", got, r)
			}
		}
		if Clean(got) != got {
			t.Fatalf("not stable on %q", s)
		}
	})
}

func TestNobodyToAsk(t *testing.T) {
	tm, _, _ := buffers()
	if tm.CanAsk() {
		t.Fatal("a buffer is not a terminal")
	}
	if _, err := tm.Secret("Passphrase: "); !errors.Is(err, ErrNoTerminal) {
		t.Errorf("Secret: %v", err)
	}
	if _, err := tm.Confirm("Sure?", true); !errors.Is(err, ErrNoTerminal) {
		t.Errorf("Confirm: %v", err)
	}
}

func TestJSON(t *testing.T) {
	tm, out, _ := buffers()
	if err := tm.JSON(map[string]int{"a": 1}); err != nil {
		t.Fatal(err)
	}
	if out.String() != "{\n  \"a\": 1\n}\n" {
		t.Errorf("got %q", out)
	}
}
