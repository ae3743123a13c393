package toolchain

import (
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/toolchain/command"
)

// agent is a known AI agent.
type agent struct {
	names    []string // of its program; the first is the one that is reported
	packages []string // npm's and Python's
	modules  []string // Python's
	paths    []string // parts of the path of its program
	not      []string // first words of another program of the same name
	install  string   // in words, for people
}

// agents: a new one is one entry.
var agents = []agent{
	{names: []string{"claude", "claude-code"}, packages: []string{"@anthropic-ai/claude-code"}, paths: []string{"/claude/versions/", "/.claude/local/"},
		install: "its own installer or with npm, package @anthropic-ai/claude-code"},
	{names: []string{"codex"}, packages: []string{"@openai/codex"}, install: "npm, package @openai/codex"},
	{names: []string{"gemini", "gemini-cli"}, packages: []string{"@google/gemini-cli"}, install: "npm, package @google/gemini-cli"},
	{names: []string{"opencode"}, packages: []string{"opencode-ai"}, install: "its own installer or with npm, package opencode-ai"},
	{names: []string{"aider"}, packages: []string{"aider-chat", "aider-install"}, modules: []string{"aider"}, install: "uv or pipx, package aider-chat"},
	{names: []string{"cursor-agent"}, paths: []string{"/cursor-agent/versions/"}, install: "Cursor's own installer"},
	{names: []string{"goose", "goosed"}, install: "its own installer",
		not: []string{"up", "up-by-one", "up-to", "down", "down-to", "redo", "reset", "status", "fix", "validate", "create", "version", "env", "postgres", "mysql", "sqlite3", "mssql", "clickhouse"}},
	{names: []string{"copilot"}, packages: []string{"@github/copilot"}, install: "npm, package @github/copilot",
		not: []string{"app", "svc", "job", "task", "pipeline", "deploy", "storage", "secret", "run"}},
	{names: []string{"amp"}, packages: []string{"@sourcegraph/amp"}, install: "npm, package @sourcegraph/amp"},
	{names: []string{"droid"}, packages: []string{"@factory/cli", "droid"}, install: "its own installer"},
	{names: []string{"qwen", "qwen-code"}, packages: []string{"@qwen-code/qwen-code"}, install: "npm, package @qwen-code/qwen-code"},
	{names: []string{"crush"}, packages: []string{"@charmland/crush"}, install: "npm, package @charmland/crush"},
	{names: []string{"plandex", "pdx"}, install: "its own installer"},
	{names: []string{"cline"}, packages: []string{"cline"}, install: "npm, package cline"},
	{names: []string{"kilocode", "kilo"}, packages: []string{"@kilocode/cli"}, install: "npm, package @kilocode/cli"},
	{names: []string{"auggie"}, packages: []string{"@augmentcode/auggie"}, install: "npm, package @augmentcode/auggie"},
	{names: []string{"kimi", "kimi-cli"}, packages: []string{"kimi-cli"}, modules: []string{"kimi_cli"}, install: "uv, package kimi-cli"},
	{names: []string{"vibe", "mistral-vibe"}, packages: []string{"mistral-vibe"}, modules: []string{"vibe"}, install: "uv, package mistral-vibe"},
	{names: []string{"openhands"}, packages: []string{"openhands", "openhands-ai"}, modules: []string{"openhands"}, install: "uv, package openhands"},
	{names: []string{"interpreter", "open-interpreter"}, packages: []string{"open-interpreter"}, modules: []string{"interpreter"}, install: "pipx, package open-interpreter"},
	{names: []string{"gptme"}, packages: []string{"gptme"}, modules: []string{"gptme"}, install: "pipx, package gptme"},
	{names: []string{"codebuff"}, packages: []string{"codebuff"}, install: "npm, package codebuff"},
	{names: []string{"iflow"}, packages: []string{"@iflow-ai/iflow-cli"}, install: "npm, package @iflow-ai/iflow-cli"},
	{names: []string{"codebuddy"}, packages: []string{"@tencent-ai/codebuddy-code"}, install: "npm, package @tencent-ai/codebuddy-code"},
	{names: []string{"kiro-cli", "kiro-cli-chat", "qchat"}, install: "its own installer"},
	{names: []string{"claude-code-router", "ccr"}, packages: []string{"@musistudio/claude-code-router"}},
	{names: []string{"happy"}, packages: []string{"happy-coder"}},
	{names: []string{"claude-squad"}},
	{names: []string{"claude-agent-acp", "claude-code-acp"}, packages: []string{"@zed-industries/claude-code-acp"}},
}

// agentNamed is the agent with a program of that name; nil for none.
func agentNamed(name string) *agent {
	for i := range agents {
		if slices.Contains(agents[i].names, command.Plain(name)) {
			return &agents[i]
		}
	}
	return nil
}

// agentPackage is the agent that a package specification names, as npx and
// uvx take it: name@version, name==version, name[extra], npm:name.
func agentPackage(spec string) *agent {
	name := strings.TrimPrefix(strings.TrimPrefix(spec, "npm:"), "nixpkgs#")
	if i := strings.IndexByte(name[min(1, len(name)):], '@'); i >= 0 {
		name = name[:i+1]
	}
	if i := strings.IndexAny(name, "=<>~![ "); i >= 0 {
		name = name[:i]
	}
	for i := range agents {
		if slices.Contains(agents[i].packages, name) || name != spec && slices.Contains(agents[i].names, name) {
			return &agents[i]
		}
	}
	return nil
}

// agentModule is the agent that a Python module belongs to.
func agentModule(name string) *agent {
	top, _, _ := strings.Cut(name, ".")
	for i := range agents {
		if slices.Contains(agents[i].modules, top) {
			return &agents[i]
		}
	}
	return nil
}

// agentPath is the agent whose package a program file lies in. Programs that
// it brings along for others to use are not the agent.
func agentPath(file string) *agent {
	const modules, site = "node_modules/", "site-packages/"
	if i := strings.LastIndex(file, modules); i >= 0 && !strings.Contains(file[i:], "/vendor/") {
		parts := strings.SplitN(file[i+len(modules):], "/", 3)
		name := parts[0]
		if strings.HasPrefix(name, "@") && len(parts) > 1 {
			name += "/" + parts[1]
		}
		if a := agentPackage(name); a != nil {
			return a
		}
	}
	if i := strings.LastIndex(file, site); i >= 0 {
		name, _, _ := strings.Cut(file[i+len(site):], "/")
		return agentModule(strings.TrimSuffix(name, ".py"))
	}
	for i := range agents {
		if slices.ContainsFunc(agents[i].paths, func(p string) bool { return strings.Contains(file, p) && !strings.Contains(file, "/node_modules/") }) {
			return &agents[i]
		}
	}
	return nil
}
