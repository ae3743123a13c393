package trigger

import "testing"

func TestTables(t *testing.T) {
	seen := map[string]bool{}
	for name, tool := range executed() {
		if Commands(name) != "" {
			t.Errorf("%s (%s) is a control name, too", name, tool)
		}
	}
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
		".cargo/config.toml": "cargo", "main.go": "", "docs/Makefile.md": "",
		"apps/web/.vscode/tasks.json": "VS Code and Cursor", "apps/api/.envrc": "direnv", "a/.Husky/pre-commit": "git hooks", "a/.config/mise.toml": "mise",
		"lib/python3/site-packages/x.pth": "Python", "gradlew": "Gradle", "gradle/wrapper/gradle-wrapper.jar": "Gradle", "tests/conftest.py": "pytest",
		".venv/bin/python": "Python", "Dockerfile.prod": "Docker", "compose.test.yaml": "Docker Compose", "infra/main.tf": "Terraform",
		".git/hooks/pre-commit": "git hooks", "x.code-workspace": "VS Code and Cursor", "src/environment.ts": "", "src/making.go": "", "src/vscode/x": "", "README.md": "",
	} {
		if got := Executes(p); got != want {
			t.Errorf("%s: %q, want %q", p, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	for name, want := range map[string]bool{
		".vscode": true, ".VSCode": true, ".v\u017fcode": true, ".v\u200cscode": true, "\ufeff.envrc": true, ".\u212Airo": true,
		"Mise.TOML": true, "le\ufb00thook.yml": false, "le\ufb01thook.yml": false, "lefthoo\u212A.yml": true, "leﬀhook.yml": false,
		".vscode2": false, "vscode": false, "": false, ".": false, "main.go": false, "\xff.vscode": false, ".npmrc": true,
		".vs\ufe0fcode": true, ".v\u00adscode": true,
	} {
		if _, got := Of(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
	for _, c := range Controls {
		if got, ok := Of(c.Name); !ok || got.Name != c.Name || Fold(c.Name) != c.Name {
			t.Errorf("%s is not found, or not in its plainest spelling", c.Name)
		}
	}
}
