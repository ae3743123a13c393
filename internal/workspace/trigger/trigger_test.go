package trigger

import "testing"

func TestTables(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range append(append([]Control{}, Controls...), Nested...) {
		if c.Reason == "" || seen[c.Name] {
			t.Errorf("%s has no reason or stands twice", c.Name)
		}
		seen[c.Name] = true
	}
}

func TestExecutes(t *testing.T) {
	for p, want := range map[string]string{
		"package.json": "npm scripts", "apps/web/package.json": "npm scripts", "Makefile": "make", ".github/workflows/ci.yml": "CI",
		".vscode/tasks.json": "VS Code and Cursor", "sub/.git": "git", "vite.config.ts": "JavaScript tools", "a/node_modules/x/y.js": "Node",
		".cargo/config.toml": "cargo", "main.go": "", "docs/Makefile.md": "", "src/vscode/x": "", "README.md": "",
	} {
		if got := Executes(p); got != want {
			t.Errorf("%s: %q, want %q", p, got, want)
		}
	}
}
