// Package trigger knows the names that programs of the host execute, or take
// commands from: the files through which work in a sandbox could run outside.
//
// It is data: it reads no file. Its invariant: every name has the program that
// makes it one, for people to judge by.
package trigger

import (
	"path"
	"strings"
	"sync"
)

// Control is a name in the project's root that some program of the host
// executes, or takes commands from, without the user asking for it. Files that
// run only when the user calls a tool (Makefile, package.json) are an agent's
// ordinary work: Executes tells of them instead.
type Control struct {
	Name, Reason string
	Private      bool // an existing one becomes a copy that the inside may write
}

// Controls: an existing one is read-only inside, a missing one must not appear.
var Controls = []Control{
	{Name: ".envrc", Reason: "direnv"},
	{Name: ".direnv", Reason: "direnv", Private: true},
	{Name: ".shadowenv.d", Reason: "shadowenv"},
	{Name: ".autoenv", Reason: "autoenv"},
	{Name: ".autoenv.zsh", Reason: "autoenv"},
	{Name: ".mise.toml", Reason: "mise"},
	{Name: ".mise.local.toml", Reason: "mise"},
	{Name: ".mise", Reason: "mise"},
	{Name: "mise.toml", Reason: "mise"},
	{Name: "mise.local.toml", Reason: "mise"},
	{Name: ".rtx.toml", Reason: "mise"},
	{Name: ".tool-versions", Reason: "asdf"},
	{Name: ".husky", Reason: "git hooks", Private: true}, // its prepare script writes there on every install
	{Name: ".pre-commit-config.yaml", Reason: "git hooks"},
	{Name: ".pre-commit-config.yml", Reason: "git hooks"},
	{Name: "lefthook.yml", Reason: "git hooks"},
	{Name: "lefthook.yaml", Reason: "git hooks"},
	{Name: "lefthook.toml", Reason: "git hooks"},
	{Name: "lefthook-local.yml", Reason: "git hooks"},
	{Name: ".lefthook.yml", Reason: "git hooks"},
	{Name: ".lefthook.yaml", Reason: "git hooks"},
	{Name: ".lefthook", Reason: "git hooks"},
	{Name: ".overcommit.yml", Reason: "git hooks"},
	{Name: ".hg", Reason: "Mercurial hooks"},
	{Name: ".jj", Reason: "Jujutsu settings"},
	{Name: ".sl", Reason: "Sapling hooks"},
	{Name: ".vscode", Reason: "VS Code and Cursor"},
	{Name: ".cursor", Reason: "Cursor"},
	{Name: ".windsurf", Reason: "Windsurf"},
	{Name: ".idea", Reason: "JetBrains"},
	{Name: ".zed", Reason: "Zed"},
	{Name: ".fleet", Reason: "Fleet"},
	{Name: ".nvim.lua", Reason: "Neovim"},
	{Name: ".nvimrc", Reason: "Neovim"},
	{Name: ".exrc", Reason: "Vim"},
	{Name: ".lvimrc", Reason: "Vim"},
	{Name: ".vimspector.json", Reason: "Vim"},
	{Name: ".dir-locals.el", Reason: "Emacs"},
	{Name: ".dir-locals-2.el", Reason: "Emacs"},
	{Name: ".gdbinit", Reason: "gdb"},
	{Name: ".lldbinit", Reason: "lldb"},
	{Name: ".devcontainer", Reason: "dev containers"},
	{Name: ".devcontainer.json", Reason: "dev containers"},
	{Name: ".claude", Reason: "Claude Code"},
	{Name: ".mcp.json", Reason: "MCP servers"},
	{Name: ".codex", Reason: "Codex"},
	{Name: ".gemini", Reason: "Gemini CLI"},
	{Name: ".qwen", Reason: "Qwen Code"},
	{Name: ".opencode", Reason: "opencode"},
	{Name: "opencode.json", Reason: "opencode"},
	{Name: "opencode.jsonc", Reason: "opencode"},
	{Name: ".crush.json", Reason: "Crush"},
	{Name: "crush.json", Reason: "Crush"},
	{Name: ".continue", Reason: "Continue"},
	{Name: ".roo", Reason: "Roo Code"},
	{Name: ".kiro", Reason: "Kiro"},
	{Name: ".amp", Reason: "Amp"},
	{Name: ".aider.conf.yml", Reason: "aider"},
	{Name: ".npmrc", Reason: "npm"},
	{Name: ".yarnrc", Reason: "yarn"},
	{Name: ".yarnrc.yml", Reason: "yarn"},
	{Name: ".pnpmfile.cjs", Reason: "pnpm"},
	{Name: ".pnpmfile.mjs", Reason: "pnpm"},
	{Name: "bailey.yaml", Reason: "Bailey"},
}

// Nested names lie below the root: commands that a root file, itself protected, may name.
var Nested = []Control{
	{Name: ".yarn/releases", Reason: "yarn"},
	{Name: ".yarn/plugins", Reason: "yarn"},
	{Name: ".config/mise.toml", Reason: "mise"},
	{Name: ".config/mise", Reason: "mise"},
	{Name: ".config/lefthook.yml", Reason: "git hooks"},
}

// Commands says which host tool takes commands from a file of this name,
// wherever it lies and however its name is written: a nested project is one as
// soon as somebody opens it. "" if none is known.
func Commands(p string) string {
	for dir := strings.ToLower(p); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if reason := controls()[path.Base(dir)]; reason != "" {
			return reason
		}
		for _, c := range Nested {
			if dir == c.Name || strings.HasSuffix(dir, "/"+c.Name) {
				return c.Reason
			}
		}
	}
	return ""
}

// controls are the Controls by their names in lower case.
var controls = sync.OnceValue(func() map[string]string {
	all := make(map[string]string, len(Controls))
	for _, c := range Controls {
		all[strings.ToLower(c.Name)] = c.Reason
	}
	return all
})
