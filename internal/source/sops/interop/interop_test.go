// Package interop_test holds this package's sops against the real one, which
// is built from its module: files go back and forth, and the bytes are compared.
//
// It is a module of its own, so that what the real sops brings along stays out
// of bailey's.
package interop_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/source/sops"
)

var real string // path of the real sops

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "sops-interop-")
	if err != nil {
		panic(err)
	}
	real = filepath.Join(dir, "sops")
	build := exec.Command("go", "build", "-o", real, "github.com/getsops/sops/v3/cmd/sops")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		panic(err)
	}
	status := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(status)
}

// key is an identity in the forms that either side wants.
type key struct {
	recipient, secret string
	identity          age.Identity
	rules             string // .sops.yaml beside the file
}

func classic(t *testing.T) key {
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return key{recipient: id.Recipient().String(), secret: id.String(), identity: id}
}

func postQuantum(t *testing.T) key {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return key{recipient: id.Recipient().String(), secret: id.String(), identity: id}
}

func parse(s string) (age.Recipient, error) { return agekey.Recipient(s, nil) }

// run starts the real sops on a file with that name and content.
func run(t *testing.T, k key, name string, content []byte, args ...string) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if k.rules != "" {
		if err := os.WriteFile(filepath.Join(dir, ".sops.yaml"), []byte(k.rules), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(real, append(args, path)...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "SOPS_AGE_KEY=" + k.secret}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, stderr.String())
	}
	return out, err
}

// files are contents with everything that a format has. Those of real are what
// the real sops makes of them when it decrypts; ours must be the same bytes.
var files = map[string]string{
	"plain.yaml": "a: x\nb: 1\n",
	"rich.yaml": `# a comment before all

# above a
a: hello # behind a
nested:
    # above deep
    deep: {x: 1, y: [1, two, 3.5, true, null]}
    # at the end of nested
list:
    # above the first
    - one # behind one
    # above the second
    - k: v # behind v
      l: w
    - - inner
    # the list's end
int: 42
big: 9223372036854775807
neg: -7
float: 3.0
exp: 1e+100
bool: yes
"true": true
no: null
date: 2001-02-03
time: 2001-02-03T04:05:06.789Z
empty: ""
emptymap: {}
emptylist: []
multi: |
    line one

    line three
folded: >-
    some
    text
quoted: "a\tb\u00e9\x07"
anchor: &a
    p: q
alias: *a
colon: "a: b"
public_unencrypted: shown
# the very end
`,
	"docs.yaml":    "a: 1\n---\nb: 2\n",
	"rich.json":    `{"s":"x","i":1,"big":9007199254740993,"f":1.5,"e":1e3,"b":true,"n":null,"o":{"a":[1,"2",[],{}]},"html":"<a>&\u2028","empty":"","k_unencrypted":"y","é\"\\":"z"}`,
	"empty.json":   `{}`,
	"rich.env":     "# comment\nA=1\nB=\"quoted\"\n#second\n\nC=two\\nlines\nD=a=b\nEMPTY=\nP_unencrypted=shown\n# end\n",
	"rich.ini":     "; top\nglobal = 1\n\n; about the section\n[one]\n# about a\na = 1\nlonger_name=x y ; inline\nq = \"in quotes\"\nempty =\nmulti = \"\"\"two\nlines\"\"\"\nhash = `a#b`\n[two words]\nk : v\nc = one \\\ntwo\nurl = `https://x/;y`\n`a=b` = c\nx_unencrypted = shown\n[empty]\n",
	"bare.ini":     "[s]\na=b\n",
	"blob":         "\x00\x01\xff any bytes \n",
	"text.txt":     "hello\n",
	"unicode.yaml": "k: \"\\u2028 \\U0001f600 \\u0085\"\nü: ö\n",
}

func TestFilesOfTheRealSopsAreRead(t *testing.T) {
	for _, k := range []key{classic(t), postQuantum(t)} {
		for name, content := range files {
			sealed, err := run(t, k, name, []byte(content), "encrypt", "--age", k.recipient)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			want, err := run(t, k, name, sealed, "decrypt")
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := sops.Decrypt(sops.FormatOf(name), sealed, k.identity)
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, sealed)
				continue
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: got\n%s\nthe real one gives\n%s", name, got, want)
			}
		}
	}
}

func TestOurFilesAreReadByTheRealSops(t *testing.T) {
	for _, k := range []key{classic(t), postQuantum(t)} {
		for name, content := range files {
			f := sops.FormatOf(name)
			sealed, err := sops.Encrypt(f, []byte(content), sops.Plan{Groups: [][]string{{k.recipient}}}, parse)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			theirs, err := run(t, k, name, sealed, "decrypt")
			if err != nil {
				t.Errorf("%s: %v\n%s", name, err, sealed)
				continue
			}
			ours, err := sops.Decrypt(f, sealed, k.identity)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !bytes.Equal(ours, theirs) {
				t.Errorf("%s: got\n%s\nthe real one gives\n%s", name, ours, theirs)
			}
			sameShape(t, k, name, content, sealed)
		}
	}
}

// sameShape compares an encrypted file with the real one's byte by byte but
// for what is random or the time.
func sameShape(t *testing.T, k key, name, content string, ours []byte) {
	t.Helper()
	theirs, err := run(t, k, name, []byte(content), "encrypt", "--age", k.recipient)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if a, b := shape(ours), shape(theirs); a != b {
		t.Errorf("%s: written\n%s\nthe real one writes\n%s", name, a, b)
	}
}

var random = regexp.MustCompile(`(data|iv|tag):[A-Za-z0-9+/=]+|(?s)-----BEGIN AGE.*?-----END AGE ENCRYPTED FILE-----|20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ`)

func shape(b []byte) string {
	return random.ReplaceAllStringFunc(string(b), func(s string) string {
		if strings.HasPrefix(s, "data:") {
			return fmt.Sprintf("data:%d", len(s))
		}
		return s[:3]
	})
}

func TestSelectors(t *testing.T) {
	k := classic(t)
	content := "a_enc: 1\nb: 2\n# pick me\nc:\n    d_enc: 3\n    # more\n    e: 4\nlist:\n    # pick me\n    - 5\n    - 6\nf_plain: 7\n# trailing\n"
	for rule, s := range map[string]sops.Selector{
		"encrypted_suffix: '_enc'":             {EncryptedSuffix: "_enc"},
		"unencrypted_suffix: '_plain'":         {UnencryptedSuffix: "_plain"},
		"encrypted_regex: '^(c|f_)'":           {EncryptedRegex: "^(c|f_)"},
		"unencrypted_regex: '^(c|f_)'":         {UnencryptedRegex: "^(c|f_)"},
		"encrypted_comment_regex: 'pick me'":   {EncryptedCommentRegex: "pick me"},
		"unencrypted_comment_regex: 'pick me'": {UnencryptedCommentRegex: "pick me"},
	} {
		k.rules = "creation_rules:\n  - age: " + k.recipient + "\n    " + rule + "\n"
		theirs, err := run(t, k, "f.yaml", []byte(content), "encrypt")
		if err != nil {
			t.Fatal(err)
		}
		p := sops.Plan{Groups: [][]string{{k.recipient}}, Selector: s}
		ours, err := sops.Encrypt(sops.YAML, []byte(content), p, parse)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := shape(ours), shape(theirs); a != b {
			t.Errorf("%s: written\n%s\nthe real one writes\n%s", rule, a, b)
		}
		want, err := run(t, k, "f.yaml", ours, "decrypt")
		if err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		got, err := sops.Decrypt(sops.YAML, theirs, k.identity)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v: got\n%s\nwant\n%s", rule, err, got, want)
		}
	}
}

func TestKeyGroupsAndRules(t *testing.T) {
	a, b, c := classic(t), postQuantum(t), classic(t)
	rules := fmt.Sprintf(`creation_rules:
    - path_regex: \.json$
      age: "%[1]s,%[2]s"
    - path_regex: sub/y\.yaml$
      shamir_threshold: 2
      encrypted_regex: ^s
      key_groups:
        - age: ["%[1]s"]
        - merge:
            - age: ["%[2]s"]
          age: ["%[2]s", "%[1]s"]
        - age: ["%[3]s"]
    - path_regex: m\.yaml$
      mac_only_encrypted: true
      encrypted_suffix: _s
      age: "%[3]s"
    - age:
        - "%[3]s"
`, a.recipient, b.recipient, c.recipient)
	for _, name := range []string{"x.json", "sub/y.yaml", "sub/z.ini", "w.env", "sub/v.txt", "m.yaml"} {
		content := map[string]string{"x.json": `{"a":1}`, "sub/y.yaml": "s: 1\np: 2\n", "sub/z.ini": "[s]\na=1\n", "w.env": "A=1\n", "sub/v.txt": "t", "m.yaml": "a_s: 1\nb: 2\n"}[name]
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		_ = os.MkdirAll(filepath.Dir(path), 0o700)
		_ = os.WriteFile(filepath.Join(dir, ".sops.yaml"), []byte(rules), 0o600)
		_ = os.WriteFile(path, []byte(content), 0o600)
		cmd := exec.Command(real, "encrypt", path)
		cmd.Dir = dir
		theirs, err := cmd.Output()
		if err != nil {
			t.Fatal(name, err)
		}
		p, err := sops.PlanFor([]byte(rules), name)
		if err != nil {
			t.Fatal(err)
		}
		f := sops.FormatOf(name)
		ours, err := sops.Encrypt(f, []byte(content), p, parse)
		if err != nil {
			t.Fatal(err)
		}
		if x, y := shape(ours), shape(theirs); x != y {
			t.Errorf("%s: written\n%s\nthe real one writes\n%s", name, x, y)
		}
		for _, ks := range [][]key{{a}, {b}, {c}, {a, c}, {b, c}, {a, b, c}} {
			together := key{identity: ks[0].identity}
			var ids []age.Identity
			for _, k := range ks {
				ids = append(ids, k.identity)
				together.secret += k.secret + "\n"
			}
			want, realErr := run(t, together, filepath.Base(name), ours, "decrypt")
			for _, sealed := range [][]byte{ours, theirs} {
				got, err := sops.Decrypt(f, sealed, ids...)
				if (err == nil) != (realErr == nil) || !bytes.Equal(got, want) {
					t.Errorf("%s: %v, the real one: %v", name, err, realErr)
				}
			}
		}
	}
}

// A change by either side keeps what did not change, and the other reads it.
func TestUpdate(t *testing.T) {
	k := classic(t)
	before := "a: 1\nb: two\n# c\nc: [x, y]\n"
	theirs, err := run(t, k, "f.yaml", []byte(before), "encrypt", "--age", k.recipient)
	if err != nil {
		t.Fatal(err)
	}
	after := strings.Replace(before, "two", "2", 1)
	ours, err := sops.Update(sops.YAML, theirs, []byte(after), sops.Keeper{Known: func(sops.KeyMark) bool { return true }}, k.identity)
	if err != nil {
		t.Fatal(err)
	}
	changed := 0
	x, y := strings.Split(string(theirs), "\n"), strings.Split(string(ours), "\n")
	for i := range x {
		if x[i] != y[i] && !strings.Contains(x[i], "mac:") && !strings.Contains(x[i], "lastmodified:") {
			changed++
		}
	}
	if len(x) != len(y) || changed != 1 {
		t.Errorf("%d lines changed:\n%s\n%s", changed, theirs, ours)
	}
	got, err := run(t, k, "f.yaml", ours, "decrypt")
	if err != nil || string(got) != "a: 1\nb: \"2\"\n# c\nc:\n    - x\n    - \"y\"\n" && !strings.Contains(string(got), "b: 2") {
		t.Errorf("%v: %s", err, got)
	}
}

func TestSSHKeys(t *testing.T) {
	dir := t.TempDir()
	for _, kind := range []string{"ed25519", "rsa"} {
		path := filepath.Join(dir, kind)
		if out, err := exec.Command("ssh-keygen", "-q", "-t", kind, "-N", "", "-f", path).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		pub, _ := os.ReadFile(path + ".pub")
		pem, _ := os.ReadFile(path)
		ids, err := agekey.Identities(pem, path, nil)
		if err != nil {
			t.Fatal(err)
		}
		recipient := strings.Join(strings.Fields(string(pub))[:2], " ")
		ours, err := sops.Encrypt(sops.JSON, []byte(`{"a":"b"}`), sops.Plan{Groups: [][]string{{recipient}}}, parse)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, "f.json")
		_ = os.WriteFile(file, ours, 0o600)
		cmd := exec.Command(real, "decrypt", file)
		cmd.Env = []string{"HOME=" + dir, "SOPS_AGE_SSH_PRIVATE_KEY_FILE=" + path}
		want, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := exec.Command(real, "encrypt", "--age", recipient, "--input-type=json", "--output-type=json", plainFile(t, `{"a":"b"}`)).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, sealed := range [][]byte{ours, theirs} {
			got, err := sops.Decrypt(sops.JSON, sealed, ids...)
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %v: %s, want %s", kind, err, got, want)
			}
		}
	}
}

func plainFile(t *testing.T, content string) string {
	path := filepath.Join(t.TempDir(), "plain.json")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What either side refuses of the other's files is the same: a changed value,
// a removed one, another's place.
func TestBothRefuseWhatWasTamperedWith(t *testing.T) {
	k := classic(t)
	sealed, err := sops.Encrypt(sops.YAML, []byte("a: one\nb: two\nc: shown\n"), sops.Plan{
		Groups: [][]string{{k.recipient}}, Selector: sops.Selector{UnencryptedRegex: "^c$"}}, parse)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(sealed), "\n")
	for name, file := range map[string]string{
		"a clear value changed": strings.Replace(string(sealed), "shown", "other", 1),
		"a value removed":       strings.Join(lines[1:], ""),
		"two values exchanged":  strings.Join(append([]string{strings.Replace(lines[1], "b:", "a:", 1), strings.Replace(lines[0], "a:", "b:", 1)}, lines[2:]...), ""),
		"another type":          strings.Replace(string(sealed), "type:str", "type:comment", 1),
	} {
		if _, err := sops.Decrypt(sops.YAML, []byte(file), k.identity); err == nil {
			t.Errorf("%s: read by us", name)
		}
		if _, err := run(t, k, "f.yaml", []byte(file), "decrypt"); err == nil {
			t.Errorf("%s: read by the real one", name)
		}
	}
}
