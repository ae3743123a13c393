package dotenv

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestAwkward(t *testing.T) {
	src, err := os.ReadFile("testdata/awkward.env")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/awkward.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) < 40 {
		t.Errorf("only %d values", len(want))
	}
	f, err := Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, e := range f.Entries {
		names[e.Name] = true
		if _, ok := want[e.Name]; !ok {
			t.Errorf("line %d: %s is no value", e.Line, e.Name)
		}
	}
	for name, v := range want {
		if got, _ := f.Get(name); !names[name] || string(got) != v {
			t.Errorf("%s = %.200q, want %.200q", name, got, v)
		}
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"A=1", "A[1]"},
		{"A = 'x' # y\nB=2", "A[x] B[2]"},
		{"# A=1\n#B=2\n", ""},
		{"A=\nB=2", "A[] B[2]"},
		{"A=   # c\nB=2", "A[] B[2]"},
		{"A:1\nB:\nC: 3", "C[3]"},
		{"A=\"unclosed\nB=2", "A[\"unclosed] B[2]"},
		{"A=\"x\" y", "A[\"x\" y]"},
		{"A='one\ntwo'\nB=2", "A[one\ntwo] B[2]"},
		{"A=\"one\r\ntwo\rthree\"\r\nB=2\rC=3", "A[one\ntwo\nthree] B[2] C[3]"},
		{"A=\"C:\\dir\\\"\nB=\"2\"", "A[C:\\dir\\] B[2]"},
		{"A=\"a\\\\\"\nB=\"2\"", "A[a\\] B[2]"},
		{"A='it\\'s'", "A[it\\'s]"},
		{"export=1\nexport B=2\nexport\tC=3\nexport D\n", "export[1] B[2] C[3]"},
		{"A=$B\nB=$A", "A[$A] B[$A]"},
		{"A=$A:x", "A[$A:x]"},
		{"A=1\nA=${A}2\nA=${A}3", "A[1] A[12] A[123]"},
		{"A=${B:-${C:-d}}", "A[d]"},
		{"A=${B:-x", "A[${B:-x]"},
		{"A=${B?x}", "A[${B?x}]"},
		{"B=1\nA='$B' C=`$B`", "B[1] A['1' C=`1`]"},
		{"1A=x\nA B=x\n=x\n-=x", "1A[x] -[x]"},
		{"A=\u00a0x\u00a0", "A[x]"},
	} {
		f, err := Parse([]byte(c.src))
		if err != nil {
			t.Errorf("%q: %v", c.src, err)
			continue
		}
		var got []string
		for _, e := range f.Entries {
			got = append(got, e.Name+"["+string(e.Value)+"]")
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%q: %q, want %q", c.src, s, c.want)
		}
	}
}

func TestLineAndSpan(t *testing.T) {
	src := "\ufeff# c\r\nA=\"x\ny\" # d\nexport B=  z  #e\rC=\n"
	f, err := Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		line int
		raw  string
	}{{2, "\"x\ny\""}, {4, "z"}, {5, ""}}
	for i, w := range want {
		e := f.Entries[i]
		if e.Line != w.line || src[e.Start:e.End] != w.raw {
			t.Errorf("%s: line %d %q, want line %d %q", e.Name, e.Line, src[e.Start:e.End], w.line, w.raw)
		}
	}
	got := f.Replace(func(name string, _ []byte) (string, bool) { return "new " + name, name != "C" })
	if w := "\ufeff# c\r\nA=\"new A\" # d\nexport B=  'new B'  #e\rC=\n"; string(got) != w {
		t.Errorf("replaced: %q, want %q", got, w)
	}
}

// TestExpanded: values that Node's dotenv reads otherwise are marked, and no
// others.
func TestExpanded(t *testing.T) {
	for src, want := range map[string]bool{
		`A=x`: false, `A="a\nb\r"`: false, `A='\\ $B'`: false, "A=`$A`": false, `A=pa$$word`: false, `A="$MISSING"`: false,
		`A="\t"`: false, `A="C:\dir"`: false, `A=C:\new`: false,
		`A="a\"b"`: true, `A="a\\b"`: true, `A="\$5"`: true, `A=\$5`: true, `A="\\n"`: true,
		"B=1\nA=$B": true, "B=1\nA=\"${B}\"": true, `A=${B:-x}`: true, "B='$B'\nA=$B": false,
	} {
		f, err := Parse([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Entries[len(f.Entries)-1].Expanded; got != want {
			t.Errorf("%s: %v", src, got)
		}
	}
}

func TestDoubtOfQuotes(t *testing.T) {
	for src, want := range map[string]string{
		`A="q" trailing`: "something follows", `A="q`: "not closed", "A=\"q\nB=\"2\"": "not closed", `A='a'b'`: "something follows",
	} {
		f, err := Parse([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Entries[0].Doubt; !strings.Contains(got, want) {
			t.Errorf("%s: %q", src, got)
		}
	}
}

func TestMissingAndDoubt(t *testing.T) {
	f, err := Parse([]byte("A=$X${Y}$X${Z:-1}\nB=a#b\nC='x\nD=a #b\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(f.Entries[0].Missing, " "); got != "X Y" {
		t.Errorf("missing %q, want X Y", got)
	}
	for i, want := range []bool{false, true, true, false} {
		if (f.Entries[i].Doubt != "") != want {
			t.Errorf("%s: doubt %q, want one: %v", f.Entries[i].Name, f.Entries[i].Doubt, want)
		}
	}
}

// A small file must not need much memory, and an error must not hold a value.
func TestBounded(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("A0=canarycanary\n")
	for i := byte('1'); i < 'Z'; i++ {
		prev := "$A" + string(i-1)
		bomb.WriteString("A" + string(i) + "=" + strings.Repeat(prev, 50) + "\n")
	}
	wide := "A=" + strings.Repeat("canary", 100000) + "\n" + strings.Repeat("B=$A\n", 10000)
	for _, src := range []string{bomb.String(), wide} {
		_, err := Parse([]byte(src))
		if err == nil || !strings.Contains(err.Error(), "line ") || strings.Contains(err.Error(), "canary") {
			t.Errorf("error %v", err)
		}
	}
	for _, src := range []string{"A=1\nB=\x00\n", "\xff\xfeA\x00=\x00"} {
		if _, err := Parse([]byte(src)); !errors.Is(err, ErrEncoding) {
			t.Errorf("%q: %v", src, err)
		}
	}
}

// What takes quadratic time holds up the start of every session.
func TestLinearTime(t *testing.T) {
	names := make([]byte, 0, 1<<20)
	for i := 0; len(names) < 1<<20-16; i++ {
		names = append(names, "$A"+strconv.Itoa(i)...)
	}
	for name, src := range map[string]string{
		"quotes":      strings.Repeat("A=\"\\\n", 1<<18) + strings.Repeat("A='x\n", 1<<17),
		"self":        strings.Repeat("A=$A\n", 1<<17),
		"missing":     "A=" + string(names),
		"braces":      "A=" + strings.Repeat("${A:-", 1<<16),
		"not closed":  strings.Repeat("A=`\n", 1<<17),
		"blank lines": strings.Repeat("\r", 1<<20),
	} {
		if _, err := Parse([]byte(src)); err != nil { // quadratic work would not end
			t.Errorf("%s: %v", name, err)
		}
	}
}

func seeds(f *testing.F) {
	b, err := os.ReadFile("testdata/awkward.env")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	for _, s := range []string{"", "'", "\"\\", "a\\'b", "`'\"", "$A", "\r\n", "x #y", " a", "é\xff"} {
		f.Add([]byte(s))
	}
}

func FuzzFormat(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, v []byte) {
		if bytes.IndexByte(v, 0) >= 0 || len(v) > MaxValue {
			return
		}
		in := []Entry{{Name: "A", Value: v}, {Name: "v", Value: []byte("z")}, {Name: "B.b-1", Value: v}}
		text := Format(in)
		got, err := Parse(text)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if len(got.Entries) != len(in) {
			t.Fatalf("%q: %d entries", text, len(got.Entries))
		}
		for i, e := range got.Entries {
			if e.Name != in[i].Name || !bytes.Equal(e.Value, in[i].Value) {
				t.Errorf("%q: entry %d is %s=%q", text, i, e.Name, e.Value)
			}
		}
	})
}

func FuzzReplace(f *testing.F) {
	b, err := os.ReadFile("testdata/awkward.env")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b, []byte("it's \"x\"\n"))
	f.Add([]byte("A=\"x\nB=2 # c\r\nC: d"), []byte(" # a'b"))
	f.Fuzz(func(t *testing.T, src, v []byte) {
		file, err := Parse(src)
		if err != nil || bytes.IndexByte(v, 0) >= 0 || len(v)*len(file.Entries) > MaxValue {
			return
		}
		out := file.Replace(func(string, []byte) (string, bool) { return string(v), true })
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if len(again.Entries) != len(file.Entries) {
			t.Fatalf("%q → %q: %d entries, were %d", src, out, len(again.Entries), len(file.Entries))
		}
		p, q := 0, 0
		for i, e := range again.Entries {
			old := file.Entries[i]
			if e.Name != old.Name || !bytes.Equal(e.Value, v) {
				t.Errorf("%q → %q: %s=%q", src, out, e.Name, e.Value)
			}
			if len(v) > 0 && !bytes.Equal(src[p:old.Start], out[q:e.Start]) { // an empty value's place is not known again
				t.Errorf("%q → %q: other bytes changed before %s", src, out, e.Name)
			}
			p, q = old.End, e.End
		}
		if len(v) > 0 && !bytes.Equal(src[p:], out[q:]) {
			t.Errorf("%q → %q: other bytes changed at the end", src, out)
		}
		same := file.Replace(func(string, []byte) (string, bool) { return "", false })
		if !bytes.Equal(same, src) {
			t.Errorf("nothing replaced: %q became %q", src, same)
		}
	})
}
