package e2e

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// columns are what an agent must be able to do inside, in the order of the table.
var columns = []string{"found", "told", "instructions", "skill", "command", "MCP", "edit", "run", "streamed", "resume", "vault", "key absent"}

var agents = []string{"claude", "codex", "gemini", "opencode"}

// cells is the table that the scripts fill in.
type cells struct {
	mu   sync.Mutex
	rows map[string]map[string]string // agent → column → "yes" or the reason
}

func (c *cells) set(agent, column, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.rows[agent] == nil {
		c.rows[agent] = map[string]string{}
	}
	c.rows[agent][column] = outcome
}

// installedAgents is the directory with their programs.
func installedAgents(t *testing.T) string {
	t.Helper()
	programs, err := filepath.Abs("../bin/agents/node_modules/.bin")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat("../bin/agents/versions"); err != nil { // written last
		if os.Getenv("CI") != "" {
			t.Fatal("the agents are not installed: script/setup test")
		}
		t.Skip("the agents are not installed: script/setup test")
	}
	return programs
}

// TestAgents starts real agents, from npm, inside, and has them talk to models
// that this test plays.
func TestAgents(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("sandboxes need Linux")
	}
	programs := installedAgents(t)
	table := &cells{rows: map[string]map[string]string{}}
	t.Run("scripts", func(t *testing.T) {
		testscript.Run(t, testscript.Params{
			Dir: "testdata/home", RequireExplicitExec: true, Condition: condition,
			Setup: func(env *testscript.Env) error { return setUpModels(env, programs, table) },
			Cmds: map[string]func(*testscript.TestScript, bool, []string){
				"noleak": noLeak, "status": status, "asked": asked, "cell": cell, "parallel": parallel,
			},
		})
	})
	if !t.Failed() && len(table.rows) == len(agents) { // -run can leave some out
		table.check(t)
	}
}

var modelHosts = []string{"api.anthropic.com", "api.openai.com", "generativelanguage.googleapis.com", "models.dev", "chatgpt.com", "mcp.test"}

func setUpModels(env *testscript.Env, programs string, table *cells) error {
	if err := setUp(env); err != nil {
		return err
	}
	m, stop, err := startModels(env.WorkDir, env.Getenv("BAILEY_HOME"))
	if err != nil {
		return err
	}
	env.Defer(stop)
	env.Values["models"], env.Values["cells"] = m, table
	env.Setenv("KEY", realKey)
	env.Setenv("PATH", systemPath(env.Getenv("PATH"))+string(filepath.ListSeparator)+programs)
	env.Setenv("GORACE", "atexit_sleep_ms=0")
	env.Setenv("BAILEY_PASSPHRASE_FILE", env.Getenv("PASS"))
	return nil
}

// startModels plays all hosts on one port, and has Bailey's own configuration
// lead there. The project is shop, below work.
func startModels(work, own string) (m *models, stop func(), err error) {
	m = &models{dir: filepath.Join(work, "shop")}
	srv := httptest.NewUnstartedServer(m)
	pair, ca, err := certificate(modelHosts...)
	if err != nil {
		return nil, nil, err
	}
	srv.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	srv.EnableHTTP2 = true
	srv.StartTLS()
	file := filepath.Join(work, "ca.pem")
	config := "upstreams:\n"
	for _, host := range modelHosts {
		config += fmt.Sprintf("  - {host: %s, at: %q, ca: %s}\n", host, srv.Listener.Addr(), file)
	}
	err = errors.Join(os.MkdirAll(own, 0o700), os.WriteFile(file, ca, 0o644))
	if err == nil {
		err = os.WriteFile(filepath.Join(own, "config.yaml"), []byte(config), 0o600)
	}
	return m, srv.Close, err
}

// asked TEXT checks that a request with the real key held the text; with !
// that none did.
func asked(ts *testscript.TestScript, neg bool, args []string) {
	m := ts.Value("models").(*models)
	m.mu.Lock()
	defer m.mu.Unlock()
	found := slices.ContainsFunc(m.asked, func(b string) bool { return strings.Contains(b, args[0]) })
	if found == neg {
		for _, b := range m.asked {
			var body struct{ Tools any }
			_ = json.Unmarshal([]byte(b), &body)
			ts.Logf("asked: %.3000s\ntools: %.3000s", b, jsonText(body.Tools))
		}
		ts.Fatalf("asked %q: %v; refused: %q", args[0], found, m.wrong)
	}
}

// cell AGENT COLUMN says that all that stood before it in the script holds;
// "cell AGENT COLUMN no REASON" that the column can't be had.
func cell(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) == 3 || !slices.Contains(columns, args[1]) {
		ts.Fatalf("usage: cell AGENT COLUMN [no REASON]")
	}
	outcome := "yes"
	if len(args) > 3 {
		outcome = strings.Join(args[3:], " ")
	}
	ts.Value("cells").(*cells).set(args[0], args[1], outcome)
}

// begin and end enclose the table in doc/agents.md.
const (
	tableBegin = "<!-- table: TestAgents -->\n"
	tableEnd   = "<!-- end -->\n"
)

// check holds doc/agents.md against the outcome; with BAILEY_UPDATE set it
// writes the table.
func (c *cells) check(t *testing.T) {
	const file = "../doc/agents.md"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(b), tableBegin)
	old, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	now := c.text()
	if old == now {
		return
	}
	if os.Getenv("BAILEY_UPDATE") == "" {
		t.Fatalf("%s does not say what was seen; BAILEY_UPDATE=1 writes it:\n%s", file, now)
	}
	if err := os.WriteFile(file, []byte(before+tableBegin+now+tableEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// text is the table, with the reasons below it.
func (c *cells) text() string {
	var out, notes strings.Builder
	fmt.Fprintf(&out, "| agent | %s |\n|---|%s\n", strings.Join(columns, " | "), strings.Repeat("---|", len(columns)))
	for _, agent := range agents {
		fmt.Fprintf(&out, "| %s |", agent)
		for _, column := range columns {
			switch v := c.rows[agent][column]; v {
			case "yes":
				out.WriteString(" yes |")
			case "":
				out.WriteString(" untried |")
			default:
				out.WriteString(" no |")
				fmt.Fprintf(&notes, "- %s, %s: %s\n", agent, column, v)
			}
		}
		out.WriteString("\n")
	}
	if notes.Len() > 0 {
		return out.String() + "\n" + notes.String()
	}
	return out.String()
}
