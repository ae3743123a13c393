package exchange

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bailey-project/bailey/internal/secret"
)

func awkward() []Item {
	var items []Item
	for i, v := range []string{
		"", " lead and trail ", "it's", `"quoted" \n not a newline`, "two\nlines\n", "cr\r\nlf", "$HOME `id` ${A}", "#no comment",
		"tab\there", "ünïcödé ☃", "true", "0x10", "null", "~", "a=b", "\\", "'", "''", "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
		"\u2028\u0085", "<&>", "*", "- x", "key: value", "\x01\x7f",
	} {
		items = append(items, item("NAME_"+string(rune('A'+i)), v))
	}
	return items
}

func same(t *testing.T, f Format, got, want []Item) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d items, want %d", f, len(got), len(want))
	}
	for i := range want {
		if got[i].Name != want[i].Name || !got[i].Value.Equal(want[i].Value) {
			t.Errorf("%s: %s: %q, want %q", f, want[i].Name, got[i].Value.Reveal(), want[i].Value.Reveal())
		}
	}
}

func TestRoundTrip(t *testing.T) {
	for _, name := range Formats() {
		f, err := ParseFormat(name)
		if err != nil {
			t.Fatal(err)
		}
		want := awkward()
		if f == Docker {
			want = slices.DeleteFunc(want, func(it Item) bool { return strings.ContainsAny(string(it.Value.Reveal()), "\r\n") })
		}
		b, err := Encode(f, want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(f, b)
		if err != nil {
			t.Fatalf("%s: %v\n%s", f, err, b)
		}
		same(t, f, got, want)
		if b, _ := Encode(f, nil); b != nil {
			if got, err := Decode(f, b); err != nil || len(got) != 0 {
				t.Errorf("%s: nothing came back as %d items, %v", f, len(got), err)
			}
		}
	}
}

func FuzzRoundTrip(f *testing.F) {
	f.Add("a'b\nc", "\\$x")
	f.Fuzz(func(t *testing.T, a, b string) {
		items := []Item{item("A", a), item("B", b)}
		for _, name := range Formats() {
			out, err := Encode(Format(name), items)
			if err != nil {
				if utf8.ValidString(a) && utf8.ValidString(b) && !strings.Contains(a+b, "\x00") && Format(name) != Docker {
					t.Fatalf("%s: %v", name, err)
				}
				continue
			}
			if strings.Contains(a+b, "\x00") && Format(name) == Dotenv {
				continue // dotenv files hold no NUL
			}
			got, err := Decode(Format(name), out)
			if err != nil {
				t.Fatalf("%s: %v\n%q", name, err, out)
			}
			same(t, Format(name), got, items)
		}
	})
}

// TestShellAgrees asks a real shell what the lines mean.
func TestShellAgrees(t *testing.T) {
	for _, it := range awkward() {
		b, err := Encode(Shell, []Item{it})
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("sh", "-c", string(b)+`printf '%s' "$`+string(it.Name)+`"`).Output()
		if err != nil || string(out) != string(it.Value.Reveal()) {
			t.Errorf("sh read %q as %q: %v", b, out, err)
		}
	}
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		format Format
		in     string
		want   map[string]string
	}{
		{JSON, `{"A": "x", "N": 12.50, "T": true, "Z": null, "A": "y"}`, map[string]string{"A": "y", "N": "12.50", "T": "true", "Z": ""}},
		{JSON, `[{"key":"A","value":"x"},{"secretKey":"B","secretValue":"y"}]`, map[string]string{"A": "x", "B": "y"}},
		{YAML, "A: x\nN: 0644\nT: yes\nZ:\nM: |\n  one\n  two\n", map[string]string{"A": "x", "N": "0644", "T": "yes", "Z": "", "M": "one\ntwo\n"}},
		{Shell, "# c\nexport A=x B='y z'\nC=\"q\\\"\\\\d\\x\"; D=a\\ b\n", map[string]string{"A": "x", "B": "y z", "C": `q"\d\x`, "D": "a b"}},
		{Dotenv, "A=1\nA=2\n", map[string]string{"A": "2"}},
	} {
		items, err := Decode(c.format, []byte(c.in))
		if err != nil {
			t.Errorf("%s: %v", c.in, err)
			continue
		}
		if len(items) != len(c.want) {
			t.Errorf("%s: %d items, want %d", c.in, len(items), len(c.want))
		}
		for _, it := range items {
			if got, want := string(it.Value.Reveal()), c.want[string(it.Name)]; got != want {
				t.Errorf("%s: %s = %q, want %q", c.in, it.Name, got, want)
			}
		}
	}
}

func TestMistakesShowNoValue(t *testing.T) {
	const canary = "canary-0123456789"
	for format, inputs := range map[Format][]string{
		JSON:  {canary, `{"A": ["` + canary + `"]}`, `["` + canary + `"]`, `{"A": "` + canary, `{"A": "x"} ` + canary, `{"a b": "` + canary + `"}`},
		YAML:  {"- " + canary, "A: [" + canary + "]", "A: 'x" + canary, "A: !!binary " + canary},
		Shell: {"A=$(" + canary + ")", "A='" + canary, "A=\"$" + canary + "\"", "echo " + canary, "A=" + canary + "&"},
	} {
		for _, in := range inputs {
			_, err := Decode(format, []byte(in))
			if err == nil {
				t.Errorf("%s accepted %q", format, in)
			} else if strings.Contains(err.Error(), canary) {
				t.Errorf("%s: the error shows the value: %v", format, err)
			}
		}
	}
}

func TestNotUTF8(t *testing.T) {
	items := []Item{{Name: "A", Value: secret.NewValue([]byte{0xff, 'x'})}}
	for _, f := range []Format{JSON, YAML} {
		if _, err := Encode(f, items); err == nil {
			t.Errorf("%s changed bytes in silence", f)
		}
	}
	b, err := Encode(Shell, items)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(Shell, b)
	if err != nil {
		t.Fatal(err)
	}
	same(t, Shell, got, items)
}

func TestFormatOf(t *testing.T) {
	for file, want := range map[string]Format{"a.json": JSON, "b.YML": YAML, "c.sh": Shell, ".env": Dotenv, ".env.production": Dotenv} {
		if got := FormatOf(file); got != want {
			t.Errorf("FormatOf(%s) = %s", file, got)
		}
	}
}
