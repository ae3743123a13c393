package sops

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/source/sops/tree"
)

const (
	testIdentity  = "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
	testRecipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
)

func identity(t testing.TB) age.Identity {
	t.Helper()
	id, err := age.ParseX25519Identity(testIdentity)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func parse(s string) (age.Recipient, error) { return agekey.Recipient(s, nil) }

// keeper takes every data key for one of its own.
var keeper = Keeper{Known: func(KeyMark) bool { return true }, Parse: parse}

func plan(recipients ...string) Plan { return Plan{Groups: [][]string{recipients}} }

var samples = map[Format]string{
	YAML:   "a: one\nb: [1, 2.5, true, null, \"\"]\n# c\nc: {d: canary} # e\nf_unencrypted: shown\n---\ng: 2001-02-03\n",
	JSON:   `{"a":"canary","b":[1,2.5,true,null,""],"c":{"d":"x"},"f_unencrypted":"shown"}`,
	Dotenv: "# c\nA=canary\nB=two\\nlines\nE=\nF_unencrypted=shown\n",
	INI:    "g = canary\n\n; s\n[s]\n; a\na = 1\nf_unencrypted = shown\n",
	Binary: "canary\x00\xff\n",
}

func TestRoundTrip(t *testing.T) {
	for f, plain := range samples {
		sealed, err := Encrypt(f, []byte(plain), plan(testRecipient), parse)
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		if bytes.Contains(sealed, []byte("canary")) || f != Binary && !bytes.Contains(sealed, []byte("shown")) {
			t.Errorf("%s: %s", f, sealed)
		}
		docs, err := tree.Load(f, []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		want, err := tree.Emit(f, docs)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decrypt(f, sealed, identity(t))
		if f != YAML && (err != nil || !bytes.Equal(got, want)) { // behind a value, sops puts a comment above it
			t.Errorf("%s: %v\n%s\nwant\n%s", f, err, got, want)
		}
		if again, err := Update(f, sealed, got, keeper, identity(t)); err != nil || !bytes.Equal(again, sealed) {
			t.Errorf("%s: an update without a change is one: %v", f, err)
		}
		if r, err := Recipients(f, sealed); err != nil || fmt.Sprint(r) != "[["+testRecipient+"]]" {
			t.Errorf("%s: %v %v", f, r, err)
		}
		if Encrypted(f, []byte(plain)) || !Encrypted(f, sealed) {
			t.Errorf("%s: what is encrypted is not told from what is not", f)
		}
	}
}

// Whatever byte of a file is changed: it is refused, or means the same. Only
// comments, names beside the data and how keys are written are not under the
// MAC, and none of them is a value.
func TestAnyFlippedByteIsNoticed(t *testing.T) {
	for f, plain := range samples {
		sealed, err := Encrypt(f, []byte(plain), plan(testRecipient), parse)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Decrypt(f, sealed, identity(t))
		if err != nil {
			t.Fatal(err)
		}
		armored := regexp.MustCompile(`(?s)-----BEGIN AGE.*END AGE ENCRYPTED FILE-----`).FindIndex(sealed)
		for i := range sealed {
			if armored != nil && i > armored[0]+20 && i < armored[1]-20 && i%32 != 0 {
				continue // age has vectors of its own
			}
			b := bytes.Clone(sealed)
			b[i] ^= 1
			got, err := Decrypt(f, b, identity(t))
			if err == nil && !bytes.Equal(values(t, f, got), values(t, f, want)) {
				t.Errorf("%s: byte %d, %q: read as %q", f, i, context(sealed, i), got)
			}
		}
	}
}

func context(b []byte, i int) []byte { return b[max(0, i-10):min(len(b), i+10)] }

// values are what counts of a file: its values in order. A name in the clear
// is not authenticated, unless a value stands encrypted below it.
func values(t *testing.T, f Format, b []byte) []byte {
	t.Helper()
	docs, err := tree.Load(f, b)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	c, _ := Selector{}.ready()
	w := &walker{choose: c, leaf: func(v any, _ bool, _ string) (any, error) {
		if _, isComment := v.(tree.Comment); !isComment && v != "" {
			fmt.Fprintf(&out, "%v\n", v)
		}
		return v, nil
	}}
	for _, d := range docs {
		if err := w.branch(d, nil); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func TestKeyGroups(t *testing.T) {
	var ids []age.Identity
	var groups [][]string
	for range 3 {
		id, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		groups = append(groups, []string{id.Recipient().String(), testRecipient}[:1])
	}
	for _, f := range []Format{YAML, JSON, Dotenv, INI} {
		sealed, err := Encrypt(f, []byte(samples[f]), Plan{Groups: groups, Threshold: 2}, parse)
		if err != nil {
			t.Fatal(err)
		}
		for mask := range 8 {
			var some []age.Identity
			for i, id := range ids {
				if mask>>i&1 == 1 {
					some = append(some, id)
				}
			}
			_, err := Decrypt(f, sealed, append(some, identity(t))...)
			if (err == nil) != (len(some) >= 2) || err != nil && !errors.Is(err, ErrNoKey) {
				t.Errorf("%s with %d groups: %v", f, len(some), err)
			}
		}
	}
}

func TestKeysOfOtherServicesSurvive(t *testing.T) {
	sealed, err := Encrypt(JSON, []byte(`{"a":"x"}`), plan(testRecipient), parse)
	if err != nil {
		t.Fatal(err)
	}
	both := bytes.Replace(sealed, []byte(`"sops": {`), []byte(`"sops": {"kms": [{"arn": "arn:aws:kms:x", "enc": "AQ==", "created_at": "2020-01-01T00:00:00Z", "context": {"k": "v"}}],`), 1)
	updated, err := Update(JSON, both, []byte(`{"a":"y"}`), keeper, identity(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"arn": "arn:aws:kms:x"`, `"k": "v"`, testRecipient} {
		if !bytes.Contains(updated, []byte(want)) {
			t.Errorf("%s is gone:\n%s", want, updated)
		}
	}
	only := regexp.MustCompile(`(?s)"age": \[.*?\],`).ReplaceAll(both, nil)
	if _, err := Decrypt(JSON, only, identity(t)); !errors.Is(err, ErrForeign) {
		t.Errorf("%v, want that other keys are needed", err)
	}
}

// Whoever made a file knows its data key: new content does not go under it.
func TestUpdateTrustsNoDataKeyOfOthers(t *testing.T) {
	var made []KeyMark
	p := plan(testRecipient)
	p.Made = func(m KeyMark) { made = append(made, m) }
	theirs, err := Encrypt(YAML, []byte("a: bait\nb: x\n"), p, parse)
	if err != nil {
		t.Fatal(err)
	}
	k := Keeper{Known: func(KeyMark) bool { return false }, Parse: parse, Made: p.Made}
	ours, err := Update(YAML, theirs, []byte("a: canary\nb: x\n"), k, identity(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != 2 || made[0] == made[1] {
		t.Errorf("%d data keys were made", len(made))
	}
	_, h, _, err := decrypt(YAML, theirs, []age.Identity{identity(t)})
	if err != nil {
		t.Fatal(err)
	}
	key, err := h.dataKey([]age.Identity{identity(t)})
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBox(key)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := tree.Load(YAML, ours)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := b.open(docs[0].Get("a").(string), "a:"); err == nil {
		t.Errorf("the maker of the file reads %v", v)
	}
	if got, err := Decrypt(YAML, ours, identity(t)); err != nil || string(got) != "a: canary\nb: x\n" {
		t.Errorf("%q, %v", got, err)
	}
	k.Parse = func(string) (age.Recipient, error) { return nil, errors.New("refused") }
	if _, err := Update(YAML, theirs, []byte("a: canary\n"), k, identity(t)); err == nil {
		t.Error("recipients that were refused were encrypted for")
	}
}

// Small files that ask for much, and files that are not what they say.
func TestHostile(t *testing.T) {
	var laughs strings.Builder
	laughs.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 12; i++ {
		fmt.Fprintf(&laughs, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	meta := func(key, value string) string { return fmt.Sprintf(`{"a":"x","sops":{%q:%s}}`, key, value) }
	for name, c := range map[string]struct {
		f Format
		b string
	}{
		"alias bomb":       {YAML, laughs.String() + "sops: {mac: x}\n"},
		"self alias":       {YAML, "a: &a [*a]\nsops: {mac: x}\n"},
		"deep json":        {JSON, strings.Repeat(`{"a":`, 1<<20)},
		"deep list":        {JSON, `{"a":` + strings.Repeat(`[`, 1<<20)},
		"deep yaml":        {YAML, "a: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000)},
		"deep flat":        {Dotenv, "A=1\nsops_" + strings.Repeat("a__map_", 1<<16) + "=1\n"},
		"list with a gap":  {Dotenv, "A=1\nsops_age__list_1000000000__map_enc=1\n"},
		"metadata is text": {JSON, `{"a":"x","sops":"y"}`},
		"no time":          {JSON, meta("lastmodified", `"yesterday"`)},
		"no keys":          {JSON, meta("lastmodified", `"2024-01-01T00:00:00Z"`)},
		"threshold":        {JSON, meta("shamir_threshold", `"x"`)},
		"cut off":          {JSON, `{"a":"x"`},
		"more after it":    {JSON, `{"a":"x"} {}`},
		"twice":            {JSON, `{"a":"x","a":"y"}`},
		"a list":           {YAML, "- a\n"},
		"number as name":   {YAML, "1: a\n"},
		"too large number": {YAML, "a: 18446744073709551615\n"},
		"empty":            {YAML, ""},
		"utf-16":           {INI, "\xff\xfea"},
		"no section name":  {INI, "[]\n"},
		"open quote":       {INI, "a = \"\"\"x\n"},
		"no assignment":    {Dotenv, "A\n"},
		"too long":         {Binary, strings.Repeat("x", MaxFile+1)},
	} {
		if _, err := Decrypt(c.f, []byte(c.b), identity(t)); err == nil {
			t.Errorf("%s: read", name)
		} else if len(err.Error()) > 300 {
			t.Errorf("%s: %.400s", name, err)
		}
	}
	for _, f := range []Format{YAML, JSON, Dotenv, INI} {
		b := map[Format]string{YAML: "sops: 1\n", JSON: `{"sops":1}`, Dotenv: "sops_a=1\n", INI: "[sops]\na=1\n"}[f]
		if _, err := Encrypt(f, []byte(b), plan(testRecipient), parse); err == nil {
			t.Errorf("%s: a name of sops's own was taken for data", f)
		}
	}
}

func TestPlanFor(t *testing.T) {
	rules := "creation_rules:\n  - path_regex: \\.prod\\.\n    pgp: ABCD\n    age: a\n  - path_regex: ^x/\n    age: 'a, b,'\n    encrypted_regex: ^k\n  - path_regex: bad\n    encrypted_regex: a\n    encrypted_suffix: b\n    age: a\n"
	if p, err := PlanFor([]byte(rules), "x/y.yaml"); err != nil || fmt.Sprint(p.Groups) != "[[a b]]" || p.Selector.EncryptedRegex != "^k" {
		t.Errorf("%v %v", p, err)
	}
	if _, err := PlanFor([]byte(rules), "y.yaml"); !errors.Is(err, ErrNoRule) {
		t.Errorf("%v, want no rule", err)
	}
	if _, err := PlanFor([]byte(rules), "a.prod.yaml"); !errors.Is(err, ErrForeign) {
		t.Errorf("%v: a key that cannot be encrypted for was left out", err)
	}
	if _, err := PlanFor([]byte(rules), "bad"); err == nil {
		t.Error("two selectors at once")
	}
	if _, err := PlanFor([]byte("creation_rules:\n  - path_regex: '('\n"), "x"); err == nil {
		t.Error("a rule that is no regular expression")
	}
}

func FuzzRoundTrip(f *testing.F) {
	n := map[Format]byte{YAML: 0, JSON: 1, Dotenv: 2, INI: 3, Binary: 4}
	formats := []Format{YAML, JSON, Dotenv, INI, Binary}
	for format, s := range samples {
		f.Add(n[format], []byte(s))
	}
	f.Fuzz(func(t *testing.T, kind byte, plain []byte) {
		format := formats[int(kind)%len(formats)]
		sealed, err := Encrypt(format, plain, plan(testRecipient), parse)
		if err != nil {
			return
		}
		got, err := Decrypt(format, sealed, identity(t))
		if err != nil {
			docs, _ := tree.Load(format, plain)
			if out, err := tree.Emit(format, docs); err == nil {
				if back, err := tree.Load(format, out); err == nil && fmt.Sprint(back) == fmt.Sprint(docs) {
					t.Fatalf("%s: %q: %v", format, plain, err)
				}
			}
			return // sops cannot write every name and comment so that it reads them back
		}
		if format == Binary && !bytes.Equal(got, plain) {
			t.Errorf("%q, want %q", got, plain)
		}
	})
}

// Whatever a reader accepts and can be written so that it is read again is
// the same after that.
func FuzzTree(f *testing.F) {
	formats := []Format{YAML, JSON, Dotenv, INI}
	for i, format := range formats {
		f.Add(byte(i), []byte(samples[format]))
	}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		format := formats[int(kind)%len(formats)]
		docs, err := tree.Load(format, b)
		if err != nil {
			return
		}
		out, err := tree.Emit(format, docs)
		if err != nil {
			return
		}
		again, err := tree.Load(format, out)
		if err != nil {
			return
		}
		twice, err := tree.Emit(format, again)
		if err != nil {
			t.Fatalf("%s: %q: %v", format, out, err)
		}
		if format == JSON && !bytes.Equal(out, twice) {
			t.Errorf("%q became %q", out, twice)
		}
	})
}

func FuzzDecrypt(f *testing.F) {
	formats := []Format{YAML, JSON, Dotenv, INI, Binary}
	for i, format := range formats {
		sealed, err := Encrypt(format, []byte(samples[format]), plan(testRecipient), parse)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), sealed)
	}
	f.Fuzz(func(t *testing.T, kind byte, b []byte) {
		if out, err := Decrypt(formats[int(kind)%len(formats)], b, identity(t)); err != nil && out != nil {
			t.Error("something of a refused file was returned")
		}
	})
}
