package belonging

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/profile"
	"github.com/bailey-project/bailey/internal/secret"
)

const canary = "CANARY-0123456789-abcdef"

// rig is a home with a profile.
type rig struct {
	t       *testing.T
	home    string
	private map[string]string
	lent    map[string][]policy.Host // by stand-in
	p       *profile.Profile
	env     []string
}

func newRig(t *testing.T, name string) *rig {
	t.Helper()
	p, err := profile.Load(name, "")
	if err != nil {
		t.Fatal(err)
	}
	home, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t: t, home: home, p: p, lent: map[string][]policy.Host{}, private: map[string]string{}}
}

func (r *rig) put(rel, text string) {
	r.t.Helper()
	file := filepath.Join(r.home, rel)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) gather() *Things {
	return Gather(Options{Profile: r.p, Home: r.home, Env: r.env,
		Have: func(secret.Name) (string, bool) { return "", false },
		Lend: func(n secret.Name, _ secret.Value, hosts []policy.Host) string {
			st := "standin-" + string(n)
			r.lent[st] = hosts
			return st
		},
		Private: func(rel string, _ int64) ([]byte, error) {
			if s, ok := r.private[rel]; ok {
				return []byte(s), nil
			}
			return nil, os.ErrNotExist
		}})
}

// clean fails where the canary is in anything that goes in.
func (r *rig) clean(th *Things) {
	r.t.Helper()
	for _, f := range append(slices.Clone(th.Home), th.Etc...) {
		if strings.Contains(string(f.Content), "CANARY") {
			r.t.Errorf("%s: %s", f.Target, f.Content)
		}
	}
	if strings.Contains(strings.Join(th.Env, " "), "CANARY") {
		r.t.Errorf("environment: %q", th.Env)
	}
	for _, b := range th.Binds {
		_ = filepath.WalkDir(b.Source, func(p string, d os.DirEntry, err error) error {
			inside := b.Target + strings.TrimPrefix(p, b.Source)
			if slices.ContainsFunc(th.Covers, func(c string) bool { return inside == c || strings.HasPrefix(inside, c+"/") }) || !d.Type().IsRegular() {
				return nil
			}
			if text, err := os.ReadFile(p); err == nil && strings.Contains(string(text), "CANARY") {
				r.t.Errorf("%s is seen inside as %s", p, inside)
			}
			return nil
		})
	}
}

func (r *rig) content(th *Things, rel string) string {
	r.t.Helper()
	for _, f := range th.Home {
		if f.Target == rel {
			return string(f.Content)
		}
	}
	r.t.Fatalf("no %s in %+v", rel, th.Items)
	return ""
}

// An agent's key is lent toward its own hosts, from the environment or from the
// file where the agent keeps it.
func TestKeys(t *testing.T) {
	r := newRig(t, "codex")
	r.put(".codex/auth.json", `{"OPENAI_API_KEY": "`+canary+`"}`)
	r.put(".codex/AGENTS.md", "The key is "+canary)
	r.put(".codex/skills/a/SKILL.md", "good")
	r.put(".codex/skills/b/SKILL.md", "use "+canary)
	th := r.gather()
	r.clean(th)
	if !slices.Contains(th.Env, "OPENAI_API_KEY=standin-OPENAI_API_KEY") {
		t.Errorf("environment: %q", th.Env)
	}
	if hosts := r.lent["standin-OPENAI_API_KEY"]; len(hosts) == 0 || hosts[0].Name != "api.openai.com" {
		t.Errorf("lent toward %v", hosts)
	}
	if c := r.content(th, ".codex/auth.json"); !strings.Contains(c, "standin-OPENAI_API_KEY") {
		t.Errorf("auth.json: %s", c)
	}
	r.env = []string{"OPENAI_API_KEY=" + canary + "2"}
	r.clean(r.gather())
}

// Without a key nothing that needs one is made: a login inside stays.
func TestNoKey(t *testing.T) {
	for _, f := range newRig(t, "codex").gather().Home {
		if f.Target == ".codex/auth.json" {
			t.Errorf("made: %s", f.Content)
		}
	}
}

// Keys in declarations of MCP servers become stand-ins, good toward the server
// alone, in every form that people write them.
func TestServers(t *testing.T) {
	r := newRig(t, "claude")
	r.put(".claude.json", `{"theme": "dark", "oauthAccount": {"x": "`+canary+`"}, "mcpServers": {
		"web": {"type": "http", "url": "https://mcp.test/x?key=`+canary+`a", "headers": {"Authorization": "Bearer `+canary+`b", "Accept": "application/json"}},
		"prog": {"command": "node", "args": ["`+r.home+`/srv/a/main.js", "--token", "`+canary+`c", "--api-key=`+canary+`d", "postgres://u:`+canary+`e@db.test/x"],
		         "env": {"TOKEN": "`+canary+`f", "CUSTOM": "`+canary+`g", "API_URL": "https://api.test", "REF_TOKEN": "${REF}"}},
		"odd": "no declaration"}}`)
	r.put("srv/a/package.json", "{}")
	r.put("srv/a/main.js", "1")
	r.put("srv/a/lib/util.js", "const k = '"+canary+"f'")
	r.put("srv/a/.env", "A=CANARY")
	r.private[".claude.json"] = `{"mcpServers": {"planted": {"command": "evil"}}, "projects": {"/x": {}}, "numStartups": 12345678901234567890}`
	th := r.gather()
	r.clean(th)
	c := r.content(th, ".claude.json")
	for _, want := range []string{`"Bearer standin-Authorization"`, `"standin-token"`, `"--api-key=standin-api-key"`, `"standin-TOKEN"`, `"dark"`, `"projects"`,
		"12345678901234567890", `"https://api.test"`, `"${REF}"`, "application/json"} {
		if !strings.Contains(c, want) {
			t.Errorf("%s is not in %s", want, c)
		}
	}
	for _, never := range []string{"planted", "oauthAccount", `"odd"`} {
		if strings.Contains(c, never) {
			t.Errorf("%s is in %s", never, c)
		}
	}
	for range 5 { // stand-ins of one name have the same numbers every time
		if again := r.content(r.gather(), ".claude.json"); again != c {
			t.Fatalf("%s\nis not\n%s", again, c)
		}
	}
	if h := r.lent["standin-Authorization"]; len(h) != 1 || h[0].Name != "mcp.test" {
		t.Errorf("the header is good toward %v", h)
	}
	if h := r.lent["standin-TOKEN"]; len(h) != 0 {
		t.Errorf("a program's key is good toward %v", h)
	}
	if len(th.Rules) != 1 || th.Rules[0].String() != "mcp.test: write" {
		t.Errorf("rules: %v", th.Rules)
	}
	if !slices.ContainsFunc(th.Binds, func(b Bind) bool { return b.Target == r.home+"/srv/a" }) {
		t.Errorf("the server's program is not brought: %v", th.Binds)
	}
}

// Of TOML the same.
func TestServersOfCodex(t *testing.T) {
	r := newRig(t, "codex")
	r.put(".codex/config.toml", "model = \"m\"\nnotify = [\"x\"]\nsandbox_mode = \"read-only\"\n[mcp_servers.a]\nurl = \"https://mcp.test\"\nbearer_token_env_var = \"MY_TOKEN\"\n"+
		"http_headers = { X-Key = \""+canary+"\" }\n[mcp_servers.b]\ncommand = \"x\"\nenv = { K = \""+canary+"2\" }\n")
	r.private[".codex/config.toml"] = "[projects.\"/x\"]\ntrust_level = \"trusted\"\n[mcp_servers.evil]\ncommand = \"evil\"\n"
	th := r.gather()
	r.clean(th)
	c := r.content(th, ".codex/config.toml")
	for _, want := range []string{"MY_TOKEN", "standin-X-Key", "standin-K", "trust_level"} {
		if !strings.Contains(c, want) {
			t.Errorf("%s is not in %s", want, c)
		}
	}
	for _, never := range []string{"notify", "evil", "read-only"} {
		if strings.Contains(c, never) {
			t.Errorf("%s is in %s", never, c)
		}
	}
}

// Links lead to what they mean, unless that is outside the home or holds
// credentials.
func TestLinks(t *testing.T) {
	r := newRig(t, "claude")
	r.put("dotfiles/CLAUDE.md", "mine")
	r.put("dotfiles/skills/good/SKILL.md", "good")
	r.put("dotfiles/bad/.env", "A=CANARY")
	r.put(".ssh/id_ed25519", "CANARY")
	r.put(".claude/.credentials.json", "CANARY")
	link := func(to, rel string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(r.home, rel)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(to, filepath.Join(r.home, rel)); err != nil {
			t.Fatal(err)
		}
	}
	link(r.home+"/dotfiles/CLAUDE.md", ".claude/CLAUDE.md")
	link(r.home+"/dotfiles/skills/good", ".claude/skills/good")
	link(r.home+"/.ssh", ".claude/agents")
	link("/etc", ".claude/commands")
	link(r.home+"/.claude", ".claude/rules")
	link(r.home+"/.claude/rules", ".claude/plugins")
	r.put(".claude/output-styles/x.md", "x")
	link(r.home+"/dotfiles/bad", ".claude/output-styles/bad")
	link(r.home+"/.ssh/id_ed25519", ".claude/output-styles/key.md")
	th := r.gather()
	r.clean(th)
	for _, want := range []Bind{{r.home + "/dotfiles/CLAUDE.md", r.home + "/.claude/CLAUDE.md"}, {r.home + "/dotfiles/skills/good", r.home + "/.claude/skills/good"}} {
		if !slices.Contains(th.Binds, want) {
			t.Errorf("%v is not brought: %v", want, th.Binds)
		}
	}
	for _, b := range th.Binds {
		if strings.Contains(b.Source, ".ssh") || b.Source == "/etc" {
			t.Errorf("brought: %v", b)
		}
	}
}

// What lies behind a link may have been written by an agent that worked there:
// its own links lead nowhere else, and what it declares opens no host.
func TestLinksOfAnAgent(t *testing.T) {
	r := newRig(t, "claude")
	r.put("Documents/private.txt", "private")
	r.put("Documents/d/x.md", "private")
	r.put("src/dotfiles/AGENTS.md", "mine")
	r.put("src/dotfiles/settings.json", `{"mcpServers": {"a": {"url": "https://evil.test"}}, "theme": "dark"}`)
	for _, l := range [][2]string{
		{"AGENTS.md", "src/dotfiles/CLAUDE.md"}, // beside it: fine
		{r.home + "/src/dotfiles/CLAUDE.md", ".claude/CLAUDE.md"},
		{r.home + "/src/dotfiles/settings.json", ".claude.json"},
		{r.home + "/src/dotfiles/skills", ".claude/skills"},
		{r.home + "/src/dotfiles/commands", ".claude/commands"},
		{r.home + "/src/dotfiles/agents", ".claude/agents"},
		{r.home + "/Documents", "src/dotfiles/agents"},
		{"../../../Documents/private.txt", "src/dotfiles/skills/evil"},
		{r.home + "/Documents/d", "src/dotfiles/skills/dir"},
		{r.home + "/Documents/private.txt", "src/dotfiles/commands/x.md"},
		{r.home + "/Documents", ".claude/output-styles/real/deep"}, // in a directory where an agent may work
		{r.home + "/Documents/private.txt", "srv/main.js"},         // the program of a server
		{"loop2", "src/dotfiles/skills/loop1"}, {"loop1", "src/dotfiles/skills/loop2"},
	} {
		p := filepath.Join(r.home, l[1])
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(l[0], p); err != nil {
			t.Fatal(err)
		}
	}
	r.put(".claude/output-styles/real/x.md", "x")
	r.p.Settings = map[string]profile.Settings{".claude.json": r.p.Settings[".claude.json"], ".claude/servers.json": {Mirror: []string{"a"}, Servers: "a"}}
	r.put(".claude/servers.json", `{"a": {"s": {"command": "`+r.home+`/srv/main.js"}}}`)
	th := r.gather()
	if !slices.Contains(th.Binds, Bind{r.home + "/src/dotfiles/AGENTS.md", r.home + "/.claude/CLAUDE.md"}) {
		t.Errorf("a link beside what was linked is not brought: %v", th.Binds)
	}
	for _, b := range th.Binds {
		if strings.Contains(b.Source, "Documents") {
			t.Errorf("brought: %v", b)
		}
	}
	if len(th.Rules) > 0 || !strings.Contains(r.content(th, ".claude.json"), "dark") || strings.Contains(r.content(th, ".claude.json"), "evil") {
		t.Errorf("rules %v, settings %s", th.Rules, r.content(th, ".claude.json"))
	}
}

// What programs inside made of their settings is bounded, and begun anew where
// it is not settings.
func TestHostileSettings(t *testing.T) {
	for name, text := range map[string]string{
		"deep":    `{"a":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
		"no JSON": strings.Repeat("[", 1<<20),
		"list":    `[]`, "null": `null`, "long": `{"a": "` + strings.Repeat("x", maxSettings) + `"}`,
	} {
		r := newRig(t, "claude")
		r.private[".claude.json"] = text
		if c := r.content(r.gather(), ".claude.json"); !strings.Contains(c, "hasCompletedOnboarding") || len(c) > 1000 {
			t.Errorf("%s: %.200s", name, c)
		}
	}
	r := newRig(t, "codex")
	r.private[".codex/config.toml"] = "a." + strings.Repeat("a.", 100_000) + "a = 1\n"
	if c := r.content(r.gather(), ".codex/config.toml"); len(c) > 1000 {
		t.Errorf("%.200s", c)
	}
}

// Broken and huge files of the user's keep nothing from starting.
func TestBroken(t *testing.T) {
	r := newRig(t, "claude")
	r.put(".claude.json", `{"mcpServers": {"a": "`+canary)
	r.put(".claude/settings.json", strings.Repeat("x", maxFile+1))
	th := r.gather()
	r.clean(th)
	var out []string
	for _, i := range th.Items {
		if i.State == LeftOut {
			out = append(out, i.What)
		}
		if strings.Contains(i.Why, "CANARY") {
			t.Errorf("a value is told: %s", i.Why)
		}
	}
	if !slices.Contains(out, ".claude.json") || !slices.Contains(out, ".claude/settings.json") {
		t.Errorf("left out: %q", out)
	}
}
