package source_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/source"
	"github.com/bailey-project/bailey/internal/source/sourcetest"
)

// A copy of the test program stands in for op, the program of 1Password: the
// service behind it is on the internet.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "op" {
		os.Exit(m.Run())
	}
	if err := op(os.Getenv("OP_STORE"), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "[ERROR] 2026/01/02 03:04:05", err)
		os.Exit(1)
	}
}

// op keeps one item in a file. It takes the command lines that are documented,
// and no other.
func op(store string, args []string) error {
	for _, a := range args {
		if strings.Contains(a, sourcetest.Canary) {
			return fmt.Errorf("a value in the argument list")
		}
	}
	var item map[string]any
	b, err := os.ReadFile(store)
	if err == nil {
		err = json.Unmarshal(b, &item)
	}
	switch line := strings.Join(args, " "); line {
	case "item get Shop prod --vault Private --format json --reveal":
		if err != nil {
			return fmt.Errorf(`"Shop prod" isn't an item in the "Private" vault. Specify the item with its UUID, name, or domain.`)
		}
	case "item edit Shop prod --vault Private --format json", "item create --vault Private --format json -":
		if (err == nil) != strings.Contains(line, "edit") {
			return fmt.Errorf("%s: %v", line, err)
		}
		if item, err = opRead(os.Stdin); err != nil {
			return err
		}
	default:
		return fmt.Errorf("unknown command line %q", args)
	}
	if b, err = json.Marshal(item); err == nil {
		err = os.WriteFile(store, b, 0o600)
	}
	_, werr := os.Stdout.Write(b)
	return errors.Join(err, werr)
}

func opRead(r io.Reader) (item map[string]any, err error) {
	if err := json.NewDecoder(r).Decode(&item); err != nil {
		return nil, fmt.Errorf("invalid JSON in piped input")
	}
	if item["title"] != "Shop prod" || item["category"] == nil {
		return nil, fmt.Errorf("an item has a title and a category")
	}
	fields, _ := item["fields"].([]any)
	for i, f := range fields {
		m, _ := f.(map[string]any)
		if m["label"] == nil || m["type"] == nil {
			return nil, fmt.Errorf("a field has a label and a type")
		}
		if m["id"] == nil {
			m["id"] = fmt.Sprint("field", i)
		}
	}
	return item, nil
}

// installOp puts op into PATH and returns where it keeps its item.
func installOp(t *testing.T) (store string) {
	t.Helper()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(dir, "op")); err != nil {
		t.Fatal(err)
	}
	store = filepath.Join(t.TempDir(), "item.json")
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("OP_STORE", store)
	return store
}

func TestOnePassword(t *testing.T) {
	installOp(t)
	suite(t, source.World{}, "op://Private/Shop prod", true)
}

// What else an item has stays as it is, and is no secret of ours.
func TestOnePasswordKeepsTheItem(t *testing.T) {
	store := installOp(t)
	writeFile(t, store, `{"title":"Shop prod","category":"LOGIN","urls":[{"href":"https://shop.example"}],"fields":[
		{"id":"username","type":"STRING","purpose":"USERNAME","label":"username","value":"me"},
		{"id":"1","type":"OTP","label":"otp","value":"otpauth://x"},
		{"id":"2","type":"CONCEALED","label":"API_KEY","value":"old"},
		{"id":"3","type":"STRING","label":"two words","value":"x"}]}`)
	s := open(t, source.World{}, "op://Private/Shop prod").(source.Writer)
	if err := s.Write(t.Context(), list(sourcetest.Item("API_KEY", "new"))); err != nil {
		t.Fatal(err)
	}
	items, err := s.Read(t.Context())
	if err != nil || !source.Same(items, list(sourcetest.Item("API_KEY", "new"))) {
		t.Errorf("%v, %v", items, err)
	}
	b, _ := os.ReadFile(store)
	for _, want := range []string{"https://shop.example", `"value":"me"`, "otpauth://x", "two words", `"id":"2"`, `"LOGIN"`} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%s is gone: %s", want, b)
		}
	}
}

func TestWithoutOp(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := open(t, source.World{}, "op://a/b").Read(t.Context()); !api.IsCode(err, api.Missing) || !strings.Contains(err.Error(), "op is not installed") {
		t.Errorf("%v", err)
	}
}

// script writes a program and returns its directory.
func script(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestCommand(t *testing.T) {
	bin := t.TempDir()
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	script(t, bin, "keys", `case "$1" in
json) echo '{"A": "1", "B": "two words"}' ;;
dotenv) printf 'A=1\nB="two words"\n' ;;
where) printf 'A=%s\n' "$PWD" ;;
fail) echo 'first line' >&2; echo 'log in first' >&2; exit 3 ;;
hang) sleep 600 & wait ;;
much) head -c 40000000 /dev/zero ;;
esac`)
	home := t.TempDir()
	w := source.World{Root: t.TempDir(), Home: home}
	want := list(sourcetest.Item("A", "1"), sourcetest.Item("B", "two words"))
	for _, format := range []string{"json", "dotenv"} {
		items, err := open(t, w, "command:keys "+format).Read(t.Context())
		if err != nil || !source.Same(items, want) {
			t.Errorf("%s: %v", format, err)
		}
	}
	if items, err := open(t, w, "command:keys where").Read(t.Context()); err != nil || string(items[0].Value.Reveal()) != home {
		t.Errorf("it runs elsewhere than at home: %v", err)
	}
	for arg, want := range map[string]string{"fail": "exit status 3: log in first", "much": "more than 16777216 bytes"} {
		if _, err := open(t, w, "command:keys "+arg).Read(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", arg, err)
		}
	}
	ctx, cancel := contextFor(t, 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := open(t, w, "command:keys hang").Read(ctx); !api.IsCode(err, api.Unavailable) || time.Since(start) > 10*time.Second {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// What was confirmed must not be something that an agent can change.
func TestNoCommandOfTheProject(t *testing.T) {
	w := source.World{Root: t.TempDir(), Home: t.TempDir()}
	script(t, w.Root, "keys", "echo A=1")
	outside := t.TempDir()
	if err := os.Symlink(filepath.Join(w.Root, "keys"), filepath.Join(outside, "linked")); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", outside+":"+w.Root+":"+os.Getenv("PATH"))
	for _, c := range []string{w.Root + "/keys", "keys", "linked", "sh " + w.Root + "/keys", "sh " + outside + "/linked"} {
		if _, err := open(t, w, "command:"+c).Read(t.Context()); !api.IsCode(err, api.Denied) {
			t.Errorf("%s: %v", c, err)
		}
	}
	w.Home = w.Root // a project may be somebody's whole home
	if _, err := open(t, w, "command:sh keys").Read(t.Context()); !api.IsCode(err, api.Denied) {
		t.Errorf("a script at home: %v", err)
	}
	if items, err := open(t, w, "command:echo A=1").Read(t.Context()); err != nil || len(items) != 1 {
		t.Errorf("a word that is no file: %v", err)
	}
	w.Root = t.TempDir() // the control: outside of the project they run
	if items, err := open(t, w, "command:linked").Read(t.Context()); err != nil || len(items) != 1 {
		t.Errorf("%v", err)
	}
}
