package session

import (
	"github.com/bailey-project/bailey/internal/policy"
	"github.com/bailey-project/bailey/internal/toolchain"
)

// profile is what a known program brings and needs. Everything in it can be
// written by nobody but us.
type profile struct {
	name    string
	keep    bool     // its private home is kept between sessions
	network []string // hosts of its own API, as in agent.network
	bring   []string // of the user's home, read-only, when they exist
}

// profiles: an agent's own API and the instructions its user wrote. Settings
// and hooks can hold keys and run code, so they are not brought along.
var profiles = []profile{
	{"claude", true, []string{"api.anthropic.com: write"},
		[]string{".claude/CLAUDE.md", ".claude/skills", ".claude/commands", ".claude/agents"}},
	{"codex", true, []string{"api.openai.com: write", "chatgpt.com: write"},
		[]string{".codex/AGENTS.md", ".codex/prompts", ".codex/skills"}},
	{"gemini", true, []string{"generativelanguage.googleapis.com: write", "cloudcode-pa.googleapis.com: write"},
		[]string{".gemini/GEMINI.md", ".gemini/commands"}},
	{"opencode", true, []string{"api.anthropic.com: write", "api.openai.com: write", "models.dev"},
		[]string{".config/opencode/AGENTS.md", ".config/opencode/command", ".config/opencode/agent"}},
	{"aider", true, []string{"api.anthropic.com: write", "api.openai.com: write"}, nil},
	{"goose", true, []string{"api.anthropic.com: write", "api.openai.com: write"}, nil},
	{"copilot", true, []string{"api.githubcopilot.com: write", "api.github.com"}, nil},
	{"cursor-agent", true, []string{"api2.cursor.sh: write"}, nil},
}

// confidants are the hosts that the agent tells everything it reads: what looks
// like a placeholder there is conversation, not a key being used.
func (p profile) confidants() []policy.Host {
	var hosts []policy.Host
	for _, text := range p.network {
		if r, err := policy.ParseRule(text, ""); err == nil && r.Access == policy.Write {
			hosts = append(hosts, r.Host)
		}
	}
	return hosts
}

// profileOf finds the profile by what the command really is, also through npx
// or a shim; any other command has an empty one.
func profileOf(argv, env []string, dir string) profile {
	name, _ := toolchain.Agent(argv, env, dir)
	for _, p := range profiles {
		if p.name == name {
			return p
		}
	}
	return profile{name: "shell"}
}
