package workspace

import "testing"

func TestStrictNameRules(t *testing.T) {
	for rel, want := range map[string]bool{
		".vscode": true, "a/b/.vscode/tasks.json": true, "a/.ENVRC": true, "a/.g\u200cit/config": true, ".git": true, "x/HEAD": true, "HEAD/x": false,
		".env": true, "a/.env.local": true, ".Env.prod": true, ".env.example": false, "env": false, "prod.env": false, ".dev.vars": true,
		"web/.config/mise.toml": true, ".CONFIG/Mise.toml": true, "mise.toml": true, "config/mise": false, ".config/x": false,
		"node_modules/x/.vscode": false, "node_modules": false, ".vscode/node_modules/x": true, "a/vendor/.git": false, "Node_Modules/.vscode": true,
		"main.go": false, "a b/c\nd": false, "head": false, ".gitignore": false, ".github/workflows/ci.yml": false,
	} {
		if got := Refused(rel); got != want {
			t.Errorf("Refused(%q) = %v", rel, got)
		}
	}
	for rel, want := range map[string]bool{
		"node_modules": true, "a/node_modules/x": true, "a/nodemodules": false, ".vscode/node_modules": false, "vendor/x/y": true, "src": false,
	} {
		if got := Loose(rel); got != want {
			t.Errorf("Loose(%q) = %v", rel, got)
		}
	}
}

// What may not be made by any name may not be made below it either, and what
// is refused is not loose: a rename can't launder it.
func FuzzStrictNameRules(f *testing.F) {
	for _, s := range []string{".vscode", "a/.env", "node_modules/x", "HEAD", ".git/node_modules", ".v\u017fcode/x"} {
		f.Add(s, "x")
	}
	f.Fuzz(func(t *testing.T, rel, more string) {
		if Refused(rel) && Loose(rel) {
			t.Errorf("%q is refused and loose", rel)
		}
		if Loose(rel) && Refused(rel+"/"+more) {
			t.Errorf("%q is loose, %q below it refused", rel, more)
		}
	})
}
