package manifest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/secret"
)

const whole = `# a comment
project: shop
paths: {apps/api: /api, apps/web: /web}
sources: {production: "vault://bao.test/secret/shop"}
secrets:
  STRIPE_SECRET_KEY: {hosts: [api.stripe.com]}
  JWT_SECRET: {agent: fake}
  BARE: {}
files: {.dev.vars: {format: dotenv, secrets: [STRIPE_SECRET_KEY]}}
public:
  PORT: 3000
  FLAG: true
agent:
  packages: [npm]
  network:
    - docs.python.org
    - "github.com: write"
    - gitlab.test: write
  host: [localhost:11434]
  ports: [5173]
  limits: {memory: 4G, time: 90m}
  reach: {endpoints: [api:3333], tasks: [test], logs: [api]}
`

func parse(t *testing.T, s string) *Manifest {
	t.Helper()
	m, err := Parse([]byte(s))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParse(t *testing.T) {
	m := parse(t, whole)
	if m.Project != "shop" || m.Public["PORT"] != "3000" || m.Public["FLAG"] != "true" {
		t.Errorf("got %+v", m)
	}
	if k := m.Secrets["JWT_SECRET"].Kind(); k != AgentFake {
		t.Errorf("JWT_SECRET is %s", k)
	}
	if k := m.Secrets["BARE"].Kind(); k != AgentPlaceholder {
		t.Errorf("BARE is %s", k)
	}
	for dir, want := range map[string]string{".": "/", "apps": "/", "apps/api": "/api", "apps/api/src/x": "/api", "apps/apix": "/", "apps/web": "/web"} {
		if got := m.Folder(dir); got != want {
			t.Errorf("Folder(%s) = %s, want %s", dir, got, want)
		}
	}
}

func TestRulesNameTheirLine(t *testing.T) {
	rules, err := parse(t, whole).Rules()
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		host   string
		access policy.Access
		origin string
	}{
		{"docs.python.org", policy.Read, "bailey.yaml:16"},
		{"github.com", policy.Write, "bailey.yaml:17"},
		{"gitlab.test", policy.Write, "bailey.yaml:18"},
		{"api.stripe.com", policy.Write, "bailey.yaml:6"},
	}
	if len(rules) != len(want) {
		t.Fatalf("%d rules, want %d", len(rules), len(want))
	}
	for i, w := range want {
		if r := rules[i]; r.Host.Name != w.host || r.Access != w.access || r.Origin != w.origin {
			t.Errorf("rule %d: %+v, want %+v", i, r, w)
		}
	}
}

func TestMistakesNameTheLine(t *testing.T) {
	canary := "sk_live_canary_0123456789"
	for in, want := range map[string]string{
		"":                                  "bailey.yaml: project is missing",
		"project: shop\nsecrt: {}\n":        "bailey.yaml:2: unknown field secrt",
		"project: shop\nagent:\n  nets: []": "bailey.yaml:3: unknown field nets",
		"project: Shop\n":                   "bailey.yaml:1: project has",
		"project: shop\nproject: two\n":     "bailey.yaml:2: the same key",
		"project: shop\nsecrets:\n  A: " + canary:                                   "bailey.yaml:3: wrong kind of value: text where a mapping belongs",
		"project: shop\nsecrets:\n  A: {hosts: " + canary + "}":                     "bailey.yaml:3: wrong kind of value: text where a list belongs",
		"project: shop\nsecrets:\n  A: {agent: real}\n":                             "bailey.yaml:3: agent is one of",
		"project: shop\nsecrets:\n  A: {hosts: [\"not a host\"]}\n":                 "bailey.yaml:3: ",
		"project: shop\nsecrets:\n  \"A B\": {}\n":                                  "bailey.yaml:3: secret name",
		"project: shop\npaths:\n  ../x: /x\n":                                       "bailey.yaml:3: a directory below",
		"project: shop\npaths:\n  x: api\n":                                         "bailey.yaml:3: a folder",
		"project: shop\nsources:\n  prod: a:b\n":                                    "bailey.yaml:3: the environment's whole name",
		"project: shop\nsources:\n  A B: \"x:\"\n":                                  "bailey.yaml:3: an environment has",
		"project: shop\nsources:\n  a: " + canary:                                   "bailey.yaml:3: an address is expected",
		"project: shop\nsources:\n  a: bailey:b\n":                                  "bailey.yaml:3: an environment that lives elsewhere",
		"project: shop\nagent:\n  network:\n    - ok.test\n    - \"bad host: x\"\n": "bailey.yaml:5: ",
		"project: shop\nagent:\n  network:\n    - a: read\n      b: write\n":        "bailey.yaml:4: wrong kind",
		"project: shop\nagent:\n  network: " + canary:                               "bailey.yaml:3: wrong kind of value: text where a list belongs",
		"project: shop\nagent:\n  host: [localhost]\n":                              "bailey.yaml:3: a service",
		"project: shop\nagent:\n  ports: [70000]\n":                                 "bailey.yaml:3: 70000 is no port",
		"project: shop\nfiles:\n  a: {format: raw}\n":                               "bailey.yaml:3: a raw file",
		"project: shop\nsecrets: {A: {}}\npublic:\n  A: x\n":                        "bailey.yaml:4: A stands under secrets",
		"project: shop\npublic:\n  NODE_OPTIONS: --require ./x.js\n":                "bailey.yaml:3: NODE_OPTIONS decides",
		"project: shop\npublic: {LD_PRELOAD: ./x.so}\n":                             "bailey.yaml:2: LD_PRELOAD decides",
		"project: shop\n---\nproject: two\n":                                        "bailey.yaml:2: a second document",
		"project: [" + canary:                                                       "bailey.yaml",
		"a: &a [x,x]\nb: &b [*a,*a]\n":                                              "bailey.yaml:1: unknown field a",
	} {
		_, err := Parse([]byte(in))
		if err == nil {
			t.Errorf("accepted %q", in)
			continue
		}
		if !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %q, want %q", in, err, want)
		}
		if strings.Contains(err.Error(), canary) {
			t.Errorf("the error shows a value: %q", err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte("project: x\nagent: {network: [a: b]}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		out, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out)
		if err != nil {
			t.Fatalf("own output refused: %v\n%s", err, out)
		}
		if again.Hash() != m.Hash() {
			t.Fatalf("encode and parse changed the content:\n%s\n%s", b, out)
		}
	})
}

func TestEncode(t *testing.T) {
	m := parse(t, whole)
	b, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"project: shop\n", "  STRIPE_SECRET_KEY: {hosts: [api.stripe.com]}\n", "  BARE: {}\n", "  PORT: \"3000\"\n"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("%q is missing in\n%s", want, b)
		}
	}
	again := parse(t, string(b))
	again.lines, m.lines = nil, nil
	if !reflect.DeepEqual(again, m) {
		t.Errorf("got %+v, want %+v", again, m)
	}
}

func TestMergeKeepsWhatStandsThere(t *testing.T) {
	add := &Manifest{
		Project: "other",
		Secrets: map[secret.Name]Secret{"JWT_SECRET": {Agent: AgentNone}, "NEW": {Hosts: []string{"new.test"}}},
		Public:  map[string]string{"URL": "http://localhost:1"},
		Agent:   Agent{Network: Network{"gitlab.test: write", "added.test"}},
	}
	b, err := Merge([]byte(whole), add)
	if err != nil {
		t.Fatal(err)
	}
	m := parse(t, string(b))
	if m.Project != "shop" || m.Secrets["JWT_SECRET"].Agent != AgentFake {
		t.Error("what stood there was changed")
	}
	if !reflect.DeepEqual(m.Secrets["NEW"].Hosts, []string{"new.test"}) || m.Public["URL"] == "" {
		t.Error("what was missing was not added")
	}
	if !slices.Equal(m.Agent.Network, Network{"docs.python.org", "github.com: write", "gitlab.test: write", "added.test"}) {
		t.Errorf("network is %q", m.Agent.Network)
	}
	if !strings.Contains(string(b), "# a comment") {
		t.Error("the comment is gone")
	}
	again, err := Merge(b, add)
	if err != nil || string(again) != string(b) {
		t.Errorf("a second merge changed something: %v", err)
	}
	if b, _ := Merge([]byte("project: x\nsecrets:\n"), add); !strings.Contains(string(b), "NEW") {
		t.Errorf("an empty section stayed empty:\n%s", b)
	}
}

// TestHashCoversEveryField changes each field by reflection, so that a field
// added later cannot be forgotten.
func TestHashCoversEveryField(t *testing.T) {
	base := parse(t, whole).Hash()
	var walk func(v reflect.Value, path string)
	check := func(m *Manifest, path string) {
		if m.Hash() == base {
			t.Errorf("changing %s does not change the hash", path)
		}
	}
	m := parse(t, whole)
	walk = func(v reflect.Value, path string) {
		for i := range v.NumField() {
			f, name := v.Field(i), path+v.Type().Field(i).Name
			if !f.CanSet() {
				continue
			}
			if f.Kind() == reflect.Struct {
				walk(f, name+".")
				continue
			}
			old := reflect.New(f.Type()).Elem()
			old.Set(f)
			f.SetZero()
			check(m, name)
			f.Set(old)
		}
	}
	walk(reflect.ValueOf(m).Elem(), "")
	m.Secrets["STRIPE_SECRET_KEY"] = Secret{Hosts: []string{"api.stripe.com", "evil.test"}}
	check(m, "a host")
	if parse(t, "# other comment\n"+whole).Hash() != base {
		t.Error("a comment changes the hash")
	}
}

func TestSchemaNamesEveryField(t *testing.T) {
	var s map[string]any
	if err := json.Unmarshal(Schema(), &s); err != nil {
		t.Fatal(err)
	}
	compare(t, "bailey.yaml", reflect.TypeFor[Manifest](), s)
}

func compare(t *testing.T, path string, typ reflect.Type, s map[string]any) {
	props, _ := s["properties"].(map[string]any)
	if s["additionalProperties"] != false {
		t.Errorf("%s allows unknown fields", path)
	}
	seen := 0
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == "" {
			continue
		}
		seen++
		sub, ok := props[name].(map[string]any)
		if !ok {
			t.Errorf("%s.%s is not in the schema", path, name)
			continue
		}
		if sub["description"] == nil && sub["enum"] == nil {
			t.Errorf("%s.%s has no description", path, name)
		}
		ft := f.Type
		if ft.Kind() == reflect.Map && ft.Elem().Kind() == reflect.Struct {
			ft = ft.Elem()
			sub, _ = sub["additionalProperties"].(map[string]any)
		}
		if ft.Kind() == reflect.Struct {
			compare(t, path+"."+name, ft, sub)
		}
	}
	if seen != len(props) {
		t.Errorf("%s: %d fields, %d in the schema", path, seen, len(props))
	}
}

func TestFindAndLoad(t *testing.T) {
	root := t.TempDir()
	deep := filepath.Join(root, "a/b")
	if err := os.MkdirAll(deep, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load without a file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(root, Name), []byte(whole), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, ok := Find(deep); !ok || got != root {
		t.Errorf("Find = %s, %v", got, ok)
	}
	if _, err := Load(root); err != nil {
		t.Error(err)
	}
	other := t.TempDir()
	if err := os.Symlink(filepath.Join(root, Name), filepath.Join(other, Name)); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(other); err == nil {
		t.Error("a symbolic link was followed")
	}
}
