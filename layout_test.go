// Package bailey_test holds the rules that the whole tree follows: who may
// import whom, which package may use which module, and what every package must
// say of itself.
//
// It is not a style checker; go vet and staticcheck are. Its invariant: a rule
// stands here once, as a table or one function, and doc/design.md says why.
package bailey_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

const module = "github.com/bailey-project/bailey"

// layer is a storey of the house. A package may import every lower layer and,
// of its own, only what stands before it; nothing of its own where apart is set.
type layer struct {
	name     string
	apart    bool
	packages []string // below internal/, with everything below them
}

var house = []layer{
	{name: "words", packages: []string{"secret", "safefs", "dotenv", "home", "peer", "limit", "policy", "audit", "api", "manifest", "profile", "exchange", "agekey", "shamir"}},
	{name: "engines", apart: true, packages: []string{"vault", "seal", "sandbox", "workspace", "gateway", "toolchain", "relay", "port", "adoption", "belonging", "shim", "doctor", "probe", "source", "job"}},
	{name: "programs", packages: []string{"term", "clipboard", "server", "daemon", "why", "mirror", "session", "cli"}},
}

// homes says who may use a module: packages below internal/, or whole layers.
// Tests may use any module of go.mod.
var homes = map[string][]string{
	"filippo.io/age":                      {"agekey", "seal", "source", "cli"},
	"github.com/google/go-tpm":            {"seal"},
	"github.com/google/nftables":          {"sandbox"},
	"github.com/landlock-lsm/go-landlock": {"sandbox"},
	"github.com/spf13/cobra":              {"cli"},
	"github.com/vishvananda/netlink":      {"sandbox", "probe"},
	"github.com/zalando/go-keyring":       {"seal"},
	"github.com/pelletier/go-toml/v2":     {"belonging"},
	"go.yaml.in/yaml/v3":                  {"manifest", "profile", "exchange", "session", "source"},
	"golang.org/x/crypto":                 {"agekey", "engines"},
	"golang.org/x/net":                    {"policy", "gateway"},
	"golang.org/x/sync":                   {"engines", "programs"},
	"golang.org/x/sys":                    {"words", "engines", "programs"},
	"golang.org/x/term":                   {"relay", "programs"},
	"golang.org/x/text":                   {"words", "engines"},
	"modernc.org/sqlite":                  {"vault"},
}

// exits are the files outside cmd/bailey that may end the process.
var exits = map[string]string{
	"internal/sandbox/pid1_linux.go": "PID 1 of a sandbox is a process of its own and never returns to main",
	"internal/sandbox/other.go":      "its stand-in where there are no sandboxes",
}

// mayImport decides between two directories of this module.
func mayImport(from, to string) bool {
	if path.Dir(from) == "examples/shop" || strings.HasPrefix(from, "bench") {
		return false // they see Bailey as its user does: as a program
	}
	fromLayer, fromPlace := locate(from)
	toLayer, toPlace := locate(to)
	switch {
	case !strings.HasPrefix(to, "internal/"):
		return false
	case group(from) == group(to), !strings.HasPrefix(from, "internal/"):
		return true
	case fromLayer != toLayer:
		return fromLayer > toLayer
	}
	return !house[fromLayer].apart && fromPlace > toPlace
}

// group is the package's name below internal/, that of its parent for a
// package within a package.
func group(dir string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(dir, "internal/"), "/")
	return first
}

// locate finds a package in the house; -1 where it is in no layer.
func locate(dir string) (storey, place int) {
	for i, l := range house {
		if p := slices.Index(l.packages, group(dir)); p >= 0 {
			return i, p
		}
	}
	return -1, -1
}

// mayUse decides whether a package of this module may import a foreign one.
func mayUse(dir, imported string) bool {
	storey, _ := locate(dir)
	for mod, users := range homes {
		if imported == mod || strings.HasPrefix(imported, mod+"/") {
			return slices.Contains(users, group(dir)) || storey >= 0 && slices.Contains(users, house[storey].name)
		}
	}
	return false
}

// source is a Go file of this tree, for whatever system it is meant.
type source struct {
	path, dir string
	test      bool
	file      *ast.File
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin" || d.Name() == "dist") {
			return fs.SkipDir
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		p = filepath.ToSlash(p)
		all = append(all, source{p, path.Dir(p), strings.HasSuffix(p, "_test.go"), f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// product are the files that become part of the program.
func product(t *testing.T) []source {
	return slices.DeleteFunc(sources(t), func(s source) bool {
		return s.test || !strings.HasPrefix(s.path, "internal/") && !strings.HasPrefix(s.path, "cmd/")
	})
}

func TestMayImport(t *testing.T) {
	tests := []struct {
		from, to string
		want     bool
	}{
		{"internal/policy", "internal/secret", true},
		{"internal/secret", "internal/policy", false},
		{"internal/gateway", "internal/policy", true},
		{"internal/gateway/scrub", "internal/gateway/inject", true},
		{"internal/gateway", "internal/vault", false},
		{"internal/vault", "internal/vault/store", true},
		{"internal/policy", "internal/gateway", false},
		{"internal/session", "internal/sandbox", true},
		{"internal/sandbox", "internal/session", false},
		{"internal/server", "internal/cli", false},
		{"internal/cli", "internal/server", true},
		{"cmd/bailey", "internal/cli", true},
		{"examples/shop/demo", "internal/secret", false},
	}
	for _, test := range tests {
		if got := mayImport(test.from, test.to); got != test.want {
			t.Errorf("mayImport(%s, %s) = %v", test.from, test.to, got)
		}
	}
}

func TestImportsFollowTheHouse(t *testing.T) {
	for _, s := range sources(t) {
		if storey, _ := locate(s.dir); storey < 0 && strings.HasPrefix(s.dir, "internal/") {
			t.Errorf("%s is in no layer: add it to house", s.dir)
		}
		for _, spec := range s.file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			own, isOwn := strings.CutPrefix(imported, module+"/")
			first, _, _ := strings.Cut(imported, "/")
			switch {
			case s.test:
			case isOwn && !mayImport(s.dir, own):
				t.Errorf("%s must not import %s", s.path, own)
			case !isOwn && strings.Contains(first, ".") && !mayUse(s.dir, imported):
				t.Errorf("%s must not use %s: homes says who may", s.path, imported)
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	comments := map[string]string{}
	for _, s := range sources(t) {
		if !s.test {
			comments[s.dir] += s.file.Doc.Text()
		}
	}
	for dir, text := range comments {
		kind := "Package "
		if !strings.HasPrefix(dir, "internal/") {
			kind = "Command "
		}
		if !strings.HasPrefix(text, kind+path.Base(dir)+" ") {
			t.Errorf("%s: its comment does not begin with %q", dir, kind+path.Base(dir))
		}
		if kind == "Package " && !strings.Contains(strings.ToLower(text), "invariant") {
			t.Errorf("%s: its comment names no invariant", dir)
		}
		words := strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
		if !slices.ContainsFunc(words, func(w string) bool { return w == "not" || w == "no" || w == "nothing" || w == "never" }) {
			t.Errorf("%s: its comment does not say what it is not", dir)
		}
	}
}

// Every start of a sandbox pays package initialisation twice.
func TestNothingHeavyRunsBeforeMain(t *testing.T) {
	for _, s := range product(t) {
		for _, decl := range s.file.Decls {
			switch d := decl.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.Name == "init" {
					t.Errorf("%s has a func init", s.path)
				}
			case *ast.GenDecl:
				for _, call := range calls(d) {
					if strings.HasPrefix(call, "regexp.") || strings.HasPrefix(call, "template.") {
						t.Errorf("%s compiles %s before main", s.path, call)
					}
				}
			}
		}
	}
}

func TestOnlyTermPrintsAndOnlyMainExits(t *testing.T) {
	for _, s := range product(t) {
		for _, call := range calls(s.file) {
			switch {
			case strings.HasPrefix(call, "fmt.Print"), strings.HasPrefix(call, "log.Print"), call == "println", call == "print":
				if s.dir != "internal/term" {
					t.Errorf("%s prints: %s", s.path, call)
				}
			case strings.HasPrefix(call, "log.Fatal"), call == "os.Exit", call == "unix.Exit", call == "syscall.Exit":
				if s.dir != "cmd/bailey" && exits[s.path] == "" {
					t.Errorf("%s exits: %s", s.path, call)
				}
			}
		}
	}
}

func TestErrorsDoNotSayFailed(t *testing.T) {
	for _, s := range product(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			lit, isLit := n.(*ast.BasicLit)
			if isLit && lit.Kind == token.STRING && strings.Contains(strings.ToLower(lit.Value), "failed to ") {
				t.Errorf("%s: %s: say what was tried, not that it failed", s.path, lit.Value)
			}
			return true
		})
	}
}

// calls lists what is called below n as written, but not in a function's body
// unless n is a whole file: a literal given to sync.OnceValue runs later.
func calls(n ast.Node) []string {
	_, wholeFile := n.(*ast.File)
	var found []string
	ast.Inspect(n, func(n ast.Node) bool {
		if _, later := n.(*ast.FuncLit); later && !wholeFile {
			return false
		}
		call, isCall := n.(*ast.CallExpr)
		if !isCall {
			return true
		}
		switch f := call.Fun.(type) {
		case *ast.Ident:
			found = append(found, f.Name)
		case *ast.SelectorExpr:
			if x, isName := f.X.(*ast.Ident); isName {
				found = append(found, x.Name+"."+f.Sel.Name)
			}
		}
		return true
	})
	return found
}

// TestDependenciesAreExplained holds doc/dependencies.md against go.mod: a row
// with a reason for every direct module and every tool, and none for another.
func TestDependenciesAreExplained(t *testing.T) {
	direct, known := modules(t)
	rows := dependencyRows(t)
	for _, mod := range direct {
		if rows[mod] == "" {
			t.Errorf("doc/dependencies.md has no reason for %s", mod)
		}
	}
	for mod := range rows {
		if !known[mod] {
			t.Errorf("doc/dependencies.md names %s, which go.mod does not", mod)
		}
	}
	for mod := range homes {
		if !known[mod] {
			t.Errorf("homes names %s, which go.mod does not", mod)
		}
	}
}

// modules reads go.mod: what is required directly and as tool, and every name
// that occurs.
func modules(t *testing.T) (direct []string, known map[string]bool) {
	t.Helper()
	b, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	known = map[string]bool{}
	block := ""
	for line := range strings.Lines(string(b)) {
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case len(words) == 2 && words[1] == "(":
			block = words[0]
		case words[0] == ")":
			block = ""
		case block == "tool", block == "require":
			known[words[0]] = true
			if block == "tool" || !strings.Contains(line, "// indirect") {
				direct = append(direct, words[0])
			}
		}
	}
	return direct, known
}

// dependencyRows are the table rows "| `module` | reason |".
func dependencyRows(t *testing.T) map[string]string {
	t.Helper()
	b, err := os.ReadFile("doc/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(line, "|")
		if len(cells) >= 4 && strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			rows[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[2])
		}
	}
	return rows
}

// Every promise of the threat model names what tries it, and that exists.
func TestThreatModelNamesItsScripts(t *testing.T) {
	b, err := os.ReadFile("doc/threat-model.md")
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for i, part := range strings.Split(string(b), "`") {
		if i%2 == 0 || !strings.HasSuffix(part, ".txtar") && !strings.HasSuffix(part, "_test.go") {
			continue
		}
		named++
		if _, err := os.Stat(part); err != nil {
			t.Errorf("doc/threat-model.md names %s, which does not exist", part)
		}
	}
	if named < 15 {
		t.Errorf("only %d scripts are named", named)
	}
}
