// Package trigger knows the names that programs of the host execute, or take
// commands from: the files through which work in a sandbox could run outside.
//
// It is data: it reads no file. Its invariant: every name has the program that
// makes it one, for people to judge by.
package trigger

import (
	"path"
	"strings"
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

// executed names, in whatever directory, what a host tool runs; the user calls
// that tool sooner or later without looking at the file again.
var executed = map[string]string{
	"package.json": "npm scripts", "Makefile": "make", "makefile": "make", "GNUmakefile": "make", "justfile": "just", "Justfile": "just",
	"Taskfile.yml": "task", "Rakefile": "rake", "Gemfile": "bundler", "Podfile": "CocoaPods", "setup.py": "pip", "sitecustomize.py": "Python", "usercustomize.py": "Python", "conftest.py": "pytest",
	"noxfile.py": "nox", "tox.ini": "tox", "pyproject.toml": "Python build", "setup.cfg": "Python build", "build.rs": "cargo",
	"Cargo.toml": "cargo", "build.gradle": "Gradle", "build.gradle.kts": "Gradle", "settings.gradle": "Gradle", "settings.gradle.kts": "Gradle",
	"gradlew": "Gradle", "mvnw": "Maven", "pom.xml": "Maven", "CMakeLists.txt": "CMake", "meson.build": "Meson", "BUILD": "Bazel",
	"BUILD.bazel": "Bazel", "WORKSPACE": "Bazel", "MODULE.bazel": "Bazel", ".bazelrc": "Bazel", "build.zig": "zig", "mix.exs": "mix",
	"composer.json": "Composer", "Dockerfile": "Docker", "Containerfile": "Docker", "compose.yaml": "Docker Compose", "compose.yml": "Docker Compose",
	"docker-compose.yml": "Docker Compose", "docker-compose.yaml": "Docker Compose", "Vagrantfile": "Vagrant", "Jenkinsfile": "CI",
	".gitlab-ci.yml": "CI", ".travis.yml": "CI", "azure-pipelines.yml": "CI", ".gitattributes": "git filters", ".gitmodules": "git submodules",
	"flake.nix": "Nix", "shell.nix": "Nix", "default.nix": "Nix", "devenv.nix": "Nix", "Procfile": "foreman", "Tiltfile": "Tilt",
	"go.mod": "Go toolchain", ".nvmrc": "Node version", ".python-version": "Python version", "package-lock.json": "npm install",
	"pnpm-lock.yaml": "pnpm install", "yarn.lock": "yarn install", "CLAUDE.md": "agents read it", "AGENTS.md": "agents read it",
	"GEMINI.md": "agents read it", ".cursorrules": "agents read it", ".goosehints": "agents read it",
}

// executedDirs: everything below a directory of such a name.
var executedDirs = []struct{ dir, tool string }{
	{".github/workflows", "CI"}, {".github/actions", "CI"}, {".circleci", "CI"}, {".buildkite", "CI"}, {".cargo", "cargo"},
	{"node_modules", "Node"}, {"venv", "Python"}, {".venv", "Python"}, {".bundle", "bundler"}, {"gradle/wrapper", "Gradle"}, {".mvn", "Maven"},
}

var executedEnds = []struct{ end, tool string }{
	{".config.js", "JavaScript tools"}, {".config.ts", "JavaScript tools"}, {".config.mjs", "JavaScript tools"}, {".config.cjs", "JavaScript tools"},
	{".config.mts", "JavaScript tools"}, {"rc.js", "JavaScript tools"}, {"rc.cjs", "JavaScript tools"}, {".pth", "Python"},
	{".gradle", "Gradle"}, {".mk", "make"}, {".cmake", "CMake"}, {".csproj", "MSBuild"}, {".targets", "MSBuild"}, {".props", "MSBuild"},
}

// Executes says which host tool runs a file of this name, "" if none is known.
func Executes(p string) string {
	name := path.Base(p)
	if name == ".git" {
		return "git"
	}
	if tool := executed[name]; tool != "" {
		return tool
	}
	first, _, _ := strings.Cut(p, "/")
	for _, c := range Controls {
		if c.Name == first {
			return c.Reason
		}
	}
	for _, d := range executedDirs {
		if strings.Contains("/"+p, "/"+d.dir+"/") {
			return d.tool
		}
	}
	for _, e := range executedEnds {
		if strings.HasSuffix(name, e.end) {
			return e.tool
		}
	}
	return ""
}
