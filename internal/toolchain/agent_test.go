package toolchain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// put writes a file below root; one with a #! line or a name below a bin
// directory is executable.
func put(t *testing.T, root, rel, text string) string {
	t.Helper()
	p := filepath.Join(root, rel)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return p
}

func link(t *testing.T, root, rel, to string) string {
	t.Helper()
	p := filepath.Join(root, rel)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(to, p); err != nil {
		t.Fatal(err)
	}
	return p
}

// judged is a machine with agents behind other names, and projects.
func judged(t *testing.T) (root string, env []string) {
	t.Helper()
	root = t.TempDir()
	put(t, root, "lib/node_modules/@anthropic-ai/claude-code/cli.js", "#!/usr/bin/env node\n")
	link(t, root, "bin/ai", "../lib/node_modules/@anthropic-ai/claude-code/cli.js")
	put(t, root, "share/claude/versions/1.0.3", "\x7fELF\x00")
	link(t, root, "bin/native", "../share/claude/versions/1.0.3")
	put(t, root, "bin/shim", "#!/bin/sh\n# start\nset -e\nbasedir=$(dirname \"$0\")\nexec node \"$basedir/../lib/node_modules/@openai/codex/bin/codex.js\" \"$@\"\n")
	put(t, root, "bin/outer", "#!/usr/bin/env bash\nshim \"$@\"\n")
	put(t, root, "bin/pair", "#!/usr/bin/env -S python3 -I\nimport sys\nfrom aider.main import main\nsys.exit(main())\n")
	put(t, root, "bin/helper", "#!/bin/sh\ncat <<EOF\nclaude is an agent\nEOF\ncase \"$1\" in claude|codex) echo claude ;; esac\ngrep -r claude .\n")
	put(t, root, "bin/loop", "#!/bin/sh\nexec loop \"$@\"\n")
	put(t, root, "bin/binary", "\x7fELF\x00exec claude\n")
	put(t, root, "bin/tool", "#!/usr/bin/env node\nrequire('@anthropic-ai/sdk')\n")
	put(t, root, "web/package.json", `{"scripts":{"start":"next dev","ai":"cross-env A=1 claude -p hi","chain":"npm run ai","prebuild":"codex exec x","build":"tsc","loop":"npm run loop","lint":"eslint claude.js"}}`)
	put(t, root, "web/sub/x", "")
	put(t, root, "agentic/package.json", `{"scripts":{"start":"tsc && npx @google/gemini-cli"}}`)
	put(t, root, "web/run.sh", "#!/bin/bash\nclaude --continue\n")
	put(t, root, "web/plain.sh", "echo claude\n")
	put(t, root, "web/bare.sh", "cd ..\nexec aider\n")
	return root, []string{"PATH=" + root + "/bin:/usr/bin:/bin", "HOME=" + root}
}

func TestAgent(t *testing.T) {
	root, env := judged(t)
	rows := []struct{ dir, line, want string }{
		{"", "claude", "claude"},
		{"", "claude --continue", "claude"},
		{"", "/opt/x/claude.exe", "claude"},
		{"", "claude-1.2.3", "claude"},
		{"", "./codex-x86_64-unknown-linux-musl exec", "codex"},
		{"", "gemini", "gemini"},
		{"", "opencode run x", "opencode"},
		{"", "aider --model x", "aider"},
		{"", "cursor-agent", "cursor-agent"},
		{"", "cursor agent", "cursor-agent"},
		{"", "goose session", "goose"},
		{"", "gh copilot suggest", "copilot"},
		{"", "copilot", "copilot"},
		{"", "ai", "claude"},
		{"", "native", "claude"},
		{"", "shim", "codex"},
		{"", "outer --x", "codex"},
		{"", "pair", "aider"},
		{"", "node " + root + "/lib/node_modules/@anthropic-ai/claude-code/cli.js", "claude"},
		{"", "node --max-old-space-size=4096 -r x lib/node_modules/@openai/codex/bin/codex.js", "codex"},
		{"", "npx @anthropic-ai/claude-code", "claude"},
		{"", "npx -y @anthropic-ai/claude-code@1.0.1 --help", "claude"},
		{"", "npx --package @openai/codex codex", "codex"},
		{"", "npx -c|claude -p hi", "claude"},
		{"", "bunx opencode-ai@latest", "opencode"},
		{"", "bun x @google/gemini-cli", "gemini"},
		{"", "uvx --from aider-chat aider", "aider"},
		{"", "uvx aider-chat==0.80", "aider"},
		{"", "uv tool run --python 3.12 aider-chat[all]", "aider"},
		{"", "uv run aider", "aider"},
		{"", "uv run python -m aider", "aider"},
		{"", "pipx run --spec aider-chat aider", "aider"},
		{"", "pnpm dlx @openai/codex", "codex"},
		{"", "pnpm exec claude", "claude"},
		{"", "pnpm claude", "claude"},
		{"", "npm exec -- @anthropic-ai/claude-code", "claude"},
		{"", "npm x claude", "claude"},
		{"", "yarn dlx @google/gemini-cli", "gemini"},
		{"", "yarn claude", "claude"},
		{"", "deno run -A npm:@anthropic-ai/claude-code", "claude"},
		{"", "python3.12 -m aider.main", "aider"},
		{"", "python -Im aider", "aider"},
		{"", "env claude", "claude"},
		{"", "env -i -u X A=b C=d claude", "claude"},
		{"", "env -S|claude -p x", "claude"},
		{"", "env --split-string=codex", "codex"},
		{"", "A=b claude", "claude"},
		{"", "nice -n 10 claude", "claude"},
		{"", "nice -10 ionice -c 2 -n 7 claude", "claude"},
		{"", "nohup claude", "claude"},
		{"", "time -p claude", "claude"},
		{"", "timeout -k 5 --signal=TERM 1h claude", "claude"},
		{"", "sudo -u root -E FOO=1 claude", "claude"},
		{"", "sudo -- claude", "claude"},
		{"", "doas -u root codex", "codex"},
		{"", "stdbuf -oL -e 0 claude", "claude"},
		{"", "setsid -f claude", "claude"},
		{"", "chrt -b 0 claude", "claude"},
		{"", "taskset -c 0-3 claude", "claude"},
		{"", "exec -a x claude", "claude"},
		{"", "command claude", "claude"},
		{"", "xargs -n 1 claude -p", "claude"},
		{"", "strace -f -o out claude", "claude"},
		{"", "mise exec node@22 -- claude", "claude"},
		{"", "mise x -- codex", "codex"},
		{"", "direnv exec . claude", "claude"},
		{"", "op run --env-file=.env -- claude", "claude"},
		{"", "sh -c|claude -p hi", "claude"},
		{"", "bash -lc|cd x && claude", "claude"},
		{"", "bash -euo pipefail -c|true; codex exec x", "codex"},
		{"", "zsh -ic|echo hi | FOO=1 claude > out 2>&1", "claude"},
		{"", "dash -c|if true; then\nclaude\nfi", "claude"},
		{"", `sh -c|exec "$@"|_|claude|-p`, "claude"},
		{"", `sh -c|"$0" "$@"|claude`, "claude"},
		{"", `sh -c|X="claude -p"; $X hi`, "claude"},
		{"", `sh -c|echo "answer: $(claude -p x)"`, "claude"},
		{"", "sh -c|echo `codex exec y`", "codex"},
		{"", "sh -c|'cla'ude", "claude"},
		{"", "sh -c|a() { b; }; { claude; }", "claude"},
		{"", "sh -c|sh -c \"sh -c claude\"", "claude"},
		{"", "script -qc|claude|/dev/null", "claude"},
		{"", "script -q /dev/null claude", "claude"},
		{"", "tmux new -s work claude", "claude"},
		{"", "su - user -c|claude", "claude"},
		{"", "bash web/run.sh", "claude"},
		{"web", "./run.sh", "claude"},
		{"web", "bash bare.sh", "aider"},
		{"web", "npm run ai", "claude"},
		{"web/sub", "npm run ai -- more", "claude"},
		{"web", "npm run chain", "claude"},
		{"web", "npm run build", "codex"},
		{"web", "yarn ai", "claude"},
		{"web", "pnpm run ai", "claude"},
		{"web", "bun run ai", "claude"},
		{"", "npm --prefix web run ai", "claude"},
		{"", "pnpm -C web ai", "claude"},
		{"agentic", "npm start", "gemini"},

		{"", "grep claude file", ""},
		{"", "cat codex.txt", ""},
		{"", "git commit -m claude", ""},
		{"", "echo claude", ""},
		{"", "which claude", ""},
		{"", "command -v claude", ""},
		{"", "sudo -l claude", ""},
		{"", "vim claude.md", ""},
		{"", "npm install -g @anthropic-ai/claude-code", ""},
		{"", "npm install claude", ""},
		{"", "pip install aider-chat", ""},
		{"", "uv tool install aider-chat", ""},
		{"", "python -c|import aider", ""},
		{"", "python aider.txt", ""},
		{"", "node -e|claude", ""},
		{"", "goose up", ""},
		{"", "goose postgres dsn status", ""},
		{"", "copilot svc deploy", ""},
		{"", "docker run claude", ""},
		{"", "make claude", ""},
		{"", "claudette", ""},
		{"", "go test ./claude", ""},
		{"", "env", ""},
		{"", "env A=claude make", ""},
		{"", "timeout claude", ""},
		{"", "sudo -u claude make", ""},
		{"", "helper claude", ""},
		{"", "loop", ""},
		{"", "binary", ""},
		{"", "tool", ""},
		{"", "bash web/plain.sh", ""},
		{"", "sh -c|echo claude; grep claude x", ""},
		{"", "sh -c|echo 'a; claude'", ""},
		{"", "sh -c|# claude\ntrue", ""},
		{"", "sh -c|cat > claude", ""},
		{"", "sh -c|X=(claude codex)", ""},
		{"", "sh -c|make|claude", ""},
		{"", "sh -c|case $x in\n (claude) true;;\n a|codex) false;;\nesac", ""},
		{"", "npx create-next-app claude", ""},
		{"", "npx -p claude tsc", ""},
		{"", "node node_modules/@openai/codex/vendor/rg/rg.js", ""},
		{"", "node lib/other/claude-code/cli.js", ""},
		{"web", "npm start", ""},
		{"web", "npm test", ""},
		{"web", "npm run loop", ""},
		{"web", "npm run lint", ""},
		{"web", "npm run missing", ""},
		{"web", "yarn add claude", ""},
		{"", "tmux attach -t claude", ""},
		{"", "ssh host claude", ""},
		{"", "no-such-program", ""},
	}
	for _, r := range rows {
		t.Run(r.line, func(t *testing.T) {
			words, rest, cut := strings.Cut(r.line, "|")
			argv := strings.Fields(words)
			if cut { // what follows a bar is one word each, save for bars within spaces
				argv = append(argv, strings.Split(strings.ReplaceAll(rest, " | ", " \x00 "), "|")...)
			}
			for i := range argv {
				argv[i] = strings.ReplaceAll(argv[i], "\x00", "|")
			}
			name, is := Agent(argv, env, filepath.Join(root, r.dir))
			if name != r.want || is != (r.want != "") {
				t.Errorf("Agent(%q) = %q, %v; want %q", argv, name, is, r.want)
			}
		})
	}
}

func TestAgentOfNothing(t *testing.T) {
	for _, argv := range [][]string{nil, {}, {""}, {"A=b"}, {"env", "-S"}, {"sh", "-c"}, {"--"}} {
		if name, is := Agent(argv, nil, "/"); is {
			t.Errorf("Agent(%q) = %q", argv, name)
		}
	}
}

// FuzzAgent: whatever the words are, the answer comes, soon and without a panic,
// and a command that is quoted whole is never split.
func FuzzAgent(f *testing.F) {
	f.Add("env -S 'x'", "case a in b) claude;; esac")
	f.Add("sh -c", "$(($(`")
	f.Add("bash -c", "cat <<E\nclaude\nE\n${x")
	f.Fuzz(func(t *testing.T, words, text string) {
		Agent(append(strings.Fields(words), text), []string{"PATH=/nonexistent"}, "/nonexistent")
		quoted := "echo '" + strings.ReplaceAll(text, "'", "") + "'"
		if name, is := Agent([]string{"sh", "-c", quoted}, []string{"PATH=/nonexistent"}, "/nonexistent"); is {
			t.Errorf("%q is said to be %s", quoted, name)
		}
	})
}

// What lies in the project makes no command the user's own agent; what the
// user named does, in that project, too.
func TestOwnAgent(t *testing.T) {
	root, env := judged(t)
	put(t, root, "web/node_modules/.bin/claude", "#!/bin/sh\n")
	put(t, root, "web/node_modules/@openai/codex/bin/codex.js", "")
	put(t, root, "web/bin/codex", "#!/bin/sh\n")
	put(t, root, "bin/claude", "#!/bin/sh\n")
	link(t, root, "bin/into", "../web/run.sh")
	env[0] = "PATH=" + root + "/web/bin:" + root + "/bin:/usr/bin:/bin"
	web := root + "/web"
	for command, want := range map[string]string{
		"claude": "claude", "env A=1 claude -p x": "claude", "ai": "claude", "native": "claude", "outer": "codex", "npx @google/gemini-cli": "gemini",
		"npm run ai": "", "npm run chain": "", "npm run build": "", "sh run.sh": "", "./run.sh": "", root + "/web/run.sh": "", "into": "",
		"codex": "", "npx claude": "", "npx @openai/codex": "", "./node_modules/.bin/claude": "", "node node_modules/@openai/codex/bin/codex.js": "",
	} {
		got, _ := OwnAgent(strings.Fields(command), env, web, web)
		if got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
		if any, _ := Agent(strings.Fields(command), env, web); any == "" {
			t.Errorf("%s: no agent at all: the test proves nothing", command)
		}
	}
}
