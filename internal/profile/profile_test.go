package profile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every built-in profile loads, says what it is for, and tells its program
// where it is.
func TestBuiltIn(t *testing.T) {
	list := List("")
	var names []string
	for _, e := range list {
		names = append(names, e.Name)
		if e.Error != "" || e.Summary == "" || e.Origin != BuiltIn {
			t.Errorf("%+v", e)
		}
	}
	for _, want := range []string{"claude", "codex", "gemini", "opencode", "aider", "cursor-agent", "goose", "copilot", "shell", "editor", "git-ui", "terraform"} {
		if !slices.Contains(names, want) {
			t.Errorf("no profile %s", want)
		}
	}
	for _, name := range []string{"claude", "codex", "gemini", "cursor-agent"} {
		p := load1(t, name, "")
		if p.Inner.Off == "" || !strings.Contains(p.Notice(), p.Inner.Why) {
			t.Errorf("%s: how its inner sandbox is turned off is not said: %q", name, p.Notice())
		}
	}
	for _, e := range list {
		p := load1(t, e.Name, "")
		if p.Keeps() && len(p.Keys) > 0 && (p.Where == "" || len(p.Hide) == 0) {
			t.Errorf("%s does not extend what agents share", e.Name)
		}
		for _, h := range p.Confidants() {
			if h.Name == "" {
				t.Errorf("%s: a confidant without a name", e.Name)
			}
		}
	}
}

func load1(t *testing.T, name, dir string) *Profile {
	t.Helper()
	p, err := Load(name, dir)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A user's profile adds to the built-in one of its name, which stays as it is.
func TestExtendsItsOwnName(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "claude", "extends: claude\nnetwork: [docs.test]\nbring: [.notes.md]\nenv: {A: b}\nsettings: {.claude.json: {copy: [mine]}}\n")
	p, base := load1(t, "claude", dir), load1(t, "claude", "")
	if !slices.Contains(p.Network, "docs.test") || !slices.Contains(p.Network, "api.anthropic.com: write") ||
		!slices.Contains(p.Bring, ".notes.md") || !slices.Contains(p.Programs, "claude") {
		t.Errorf("%+v", p)
	}
	s := p.Settings[".claude.json"]
	if !slices.Contains(s.Copy, "mine") || !slices.Contains(s.Copy, "theme") || s.Servers != "mcpServers" {
		t.Errorf("settings: %+v", s)
	}
	if slices.Contains(base.Network, "docs.test") || base.Env["A"] != "" {
		t.Error("the built-in profile changed")
	}
	lines, err := Diff(base, p)
	if err != nil || !slices.Contains(lines, "+ network: docs.test") || !slices.Contains(lines, "+ env.A: b") {
		t.Errorf("diff: %q, %v", lines, err)
	}
	if For("/opt/bin/claude", dir) != "claude" || For("nothing", dir) != "" {
		t.Error("For does not go by the name of the program")
	}
}

// What cannot be meant is refused, and the list names the reason.
func TestRefused(t *testing.T) {
	for name, text := range map[string]string{
		"credential":   "bring: [.ssh]",
		"below one":    "bring: [.config/gh/hosts.yml]",
		"its key file": "bring: [.claude/.credentials.json]",
		"out":          "bring: [../other]",
		"absolute":     "bring: [/etc/shadow]",
		"home":         "bring: [.]",
		"rule":         "network: [\"a b\"]",
		"state":        "state: forever",
		"unknown":      "brings: [.x]",
		"no hosts":     "keys: {A_KEY: {hosts: []}}",
		"key file":     "keys: {A_KEY: {hosts: [a.test], from: [{file: ../x, key: [a]}]}}",
		"path":         "env: {PATH: /x}",
		"preload":      "env: {LD_PRELOAD: /x}",
		"lay":          "lay: {/usr/bin/x: hello}",
		"lay passwd":   "lay: {/etc/passwd: hello}",
		"lay ssl":      "lay: {/etc/ssl/certs/x.pem: hello}",
		"lay up":       "lay: {/etc/x/../../y: hello}",
		"lay format":   "lay: {/etc/x/y.ini: {a: b}}",
		"settings":     "settings: {.ssh/config.json: {copy: [a]}}",
		"itself":       "extends: x",
		"circle":       "extends: y",
		"nobody":       "extends: nobody",
		"other name":   "extends: ../agent",
	} {
		dir := t.TempDir()
		put(t, dir, "x", text+"\n")
		put(t, dir, "y", "extends: x\n")
		p, err := Load("x", dir)
		if err == nil {
			t.Errorf("%s: accepted: %+v", name, p)
		}
	}
	for _, name := range []string{"", "../x", "a/b", "-x", "A", strings.Repeat("a", 50)} {
		if _, err := Load(name, t.TempDir()); err == nil || Known(name, "") {
			t.Errorf("%q is taken for a name", name)
		}
	}
}

func TestNew(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "profiles")
	file, err := New("codex", "codex", dir)
	if err != nil {
		t.Fatal(err)
	}
	if lines, err := Diff(load1(t, "codex", ""), load1(t, "codex", dir)); err != nil || len(lines) > 0 {
		t.Errorf("what begins is not the same: %q, %v", lines, err)
	}
	if _, err := New("codex", "", dir); err == nil {
		t.Errorf("%s was overwritten", file)
	}
	if _, err := New("x", "nobody", dir); err == nil {
		t.Error("a base that is not there was accepted")
	}
}

func TestSchemaNamesEveryField(t *testing.T) {
	var s map[string]any
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	compare(t, "profile", reflect.TypeFor[Profile](), s)
}

func compare(t *testing.T, path string, typ reflect.Type, s map[string]any) {
	props, _ := s["properties"].(map[string]any)
	if s["additionalProperties"] != false {
		t.Errorf("%s allows unknown fields", path)
	}
	seen := 0
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "-" {
			continue
		}
		seen++
		sub, ok := props[name].(map[string]any)
		if !ok {
			t.Errorf("%s.%s is not in the schema", path, name)
			continue
		}
		ft := f.Type
		switch {
		case ft.Kind() == reflect.Map && ft.Elem().Kind() == reflect.Struct:
			ft = ft.Elem()
			sub, _ = sub["additionalProperties"].(map[string]any)
		case ft.Kind() == reflect.Slice && ft.Elem().Kind() == reflect.Struct:
			ft = ft.Elem()
			sub, _ = sub["items"].(map[string]any)
		}
		if ft.Kind() == reflect.Struct {
			compare(t, path+"."+name, ft, sub)
		}
	}
	if seen != len(props) {
		t.Errorf("%s: %d fields, %d in the schema", path, seen, len(props))
	}
}
