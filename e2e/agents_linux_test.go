package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// On a terminal Claude Code is past its own set-up and logged in: the one
// question that it has is whether the project is trusted, once.
func TestAgentScreen(t *testing.T) {
	programs := installedAgents(t)
	u := newUser(t, map[string]string{"a.txt": "x\n"})
	_, stop, err := startModels(filepath.Dir(u.dir), u.home)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	u.env = append(u.env, "PATH="+systemPath(os.Getenv("PATH"))+":"+programs, "ANTHROPIC_API_KEY="+realKey, "TERM=xterm-256color", "GORACE=atexit_sleep_ms=0")
	c := u.start("agent", "claude")
	c.expect("trust")
	c.send("\r")
	c.expect("Billing")
	c.send("Hello")
	c.expect("llo")
	c.send("\r")
	c.expect("done.")
	leave(c)

	again := u.start("agent", "claude")
	again.expect("Billing")
	leave(again)
}

// leave ends the agent as one that types.
func leave(c *console) {
	c.t.Helper()
	c.send("/exit")
	c.expect("exit")
	c.send("\r")
	c.exit(0)
}
