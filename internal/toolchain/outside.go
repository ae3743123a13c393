package toolchain

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Outside is a way in which an agent still starts outside of a sandbox.
type Outside struct {
	Name string // of the agent, as Agent reports it
	Path string // its program, or the file that starts it
	How  string // "by its name", "by an alias", "by an editor"
}

// StartOutside lists them: what PATH leads to past the directory of shims,
// aliases in what shells read at their start, and copies that editors'
// extensions bring.
func StartOutside(env []string, home, shims string) []Outside {
	var found []Outside
	f := newFinder(env, "/", home)
	for _, a := range agents {
		for _, name := range a.names {
			path, err := f.lookup(name)
			if err != nil || filepath.Dir(path) == filepath.Clean(shims) {
				continue
			}
			found = append(found, Outside{a.names[0], filepath.Clean(path), "by its name"})
			break
		}
	}
	return append(append(found, aliases(home)...), extensions(home)...)
}

// shellFiles are what shells read at their start, below the home.
var shellFiles = []string{".bashrc", ".bash_aliases", ".bash_profile", ".profile", ".zshrc", ".zprofile", ".config/fish/config.fish"}

// aliases finds lines such as alias claude=/opt/claude.
func aliases(home string) []Outside {
	var found []Outside
	for _, rel := range shellFiles {
		file := filepath.Join(home, rel)
		text, err := readHead(file, maxText)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		for lines.Scan() {
			rest, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "alias ")
			name, value, ok2 := strings.Cut(strings.Replace(rest, " ", "=", 1), "=")
			a := agentNamed(name)
			if ok && ok2 && a != nil && !strings.Contains(value, "bailey") {
				found = append(found, Outside{a.names[0], file, "by an alias"})
			}
		}
	}
	return found
}

// extensionDirs are where editors keep their extensions, below the home.
var extensionDirs = []string{".vscode/extensions", ".vscode-server/extensions", ".vscode-insiders/extensions", ".cursor/extensions",
	".cursor-server/extensions", ".windsurf/extensions", ".vscode-oss/extensions", ".antigravity/extensions"}

// bundled are extensions that run an agent, by the beginning of their names.
var bundled = map[string]string{"anthropic.claude-code-": "claude", "openai.chatgpt-": "codex", "google.gemini-cli-": "gemini", "google.geminicodeassist-": "gemini",
	"sst-dev.opencode-": "opencode", "github.copilot-chat-": "copilot", "saoudrizwan.claude-dev-": "cline", "kilocode.kilo-code-": "kilocode"}

func extensions(home string) []Outside {
	var found []Outside
	for _, rel := range extensionDirs {
		entries, _ := os.ReadDir(filepath.Join(home, rel))
		for _, e := range entries {
			for prefix, name := range bundled {
				if strings.HasPrefix(strings.ToLower(e.Name()), prefix) {
					found = append(found, Outside{name, filepath.Join(home, rel, e.Name()), "by an editor"})
				}
			}
		}
	}
	slices.SortFunc(found, func(a, b Outside) int { return strings.Compare(a.Path, b.Path) })
	return found
}
