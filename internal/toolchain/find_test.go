package toolchain

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// world is a fake home beside a project.
type world struct {
	t                   *testing.T
	root, home, project string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t, root, root + "/home/u", root + "/home/u/work/shop"}
	put(t, w.project, ".git/HEAD", "ref: refs/heads/main\n")
	return w
}

const node = "#!/usr/bin/env node\n"

// find runs Find with these entries of PATH, below the home unless absolute.
func (w *world) find(name string, env []string, entries ...string) Result {
	w.t.Helper()
	res, err := Find(append(env, "PATH="+w.pathOf(entries)), name, w.project, w.home)
	if err != nil {
		w.t.Fatal(err)
	}
	w.sound(res)
	return res
}

func (w *world) pathOf(entries []string) string {
	var list []string
	for _, e := range entries {
		if !filepath.IsAbs(e) {
			e = filepath.Join(w.home, e)
		}
		list = append(list, e)
	}
	return strings.Join(append(list, "/usr/bin", "/bin"), ":")
}

// sound checks what holds for every result: no root is wide or private, none
// lies in another, and PATH leads only to what is there.
func (w *world) sound(res Result) {
	w.t.Helper()
	for i, r := range res.Roots {
		if within(r.Path, w.home) || strings.Contains(r.Path, "/.ssh") || within(w.project, r.Path) {
			w.t.Errorf("root %s", r.Path)
		}
		for _, o := range res.Roots[:i] {
			if within(o.Path, r.Path) {
				w.t.Errorf("root %s lies in %s", r.Path, o.Path)
			}
		}
	}
	if !slices.IsSortedFunc(res.Roots, func(a, b Root) int { return strings.Compare(a.Path, b.Path) }) {
		w.t.Error("roots are not sorted")
	}
	for _, p := range res.PathList {
		if !filepath.IsAbs(p) || strings.HasPrefix(p, "/run/") {
			w.t.Errorf("PATH entry %s", p)
		}
	}
	for _, d := range defaultPath {
		if !slices.Contains(res.PathList, d) {
			w.t.Errorf("PATH lacks %s", d)
		}
	}
}

// rel is what lies below the home, without its name.
func (w *world) rel(paths ...string) []string {
	var list []string
	for _, p := range paths {
		list = append(list, strings.TrimPrefix(strings.TrimPrefix(p, w.home+"/"), w.root))
	}
	return list
}

func (w *world) roots(res Result) []string {
	var list []string
	for _, r := range res.Roots {
		list = append(list, r.Path)
	}
	return w.rel(list...)
}

func (w *world) same(what string, got []string, want ...string) {
	w.t.Helper()
	if !slices.Equal(got, want) {
		w.t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

// files are put below the home: "rel" or "rel -> target" (a link).
func (w *world) files(list ...string) {
	w.t.Helper()
	for _, f := range list {
		rel, to, isLink := strings.Cut(f, " -> ")
		switch {
		case isLink && !strings.HasPrefix(to, "./") && !strings.HasPrefix(to, "../"):
			link(w.t, w.home, rel, filepath.Join(w.home, to))
		case isLink:
			link(w.t, w.home, rel, to)
		default:
			put(w.t, w.home, rel, "#!/bin/sh\n")
		}
	}
}

func TestManagers(t *testing.T) {
	rows := []struct {
		name    string
		env     string // NAME=rel, made absolute
		files   []string
		entries []string
		program string
		roots   []string
		path    []string
	}{
		{name: "nvm", files: []string{".nvm/versions/node/v22/bin/node", ".nvm/versions/node/v20/bin/node", ".nvm/alias/default"},
			entries: []string{".nvm/versions/node/v22/bin"}, program: "node", roots: []string{".nvm/versions/node/v22"}, path: []string{".nvm/versions/node/v22/bin"}},
		{name: "nvm elsewhere", env: "NVM_DIR=tools/nvm", files: []string{"tools/nvm/versions/node/v22/bin/node"},
			entries: []string{"tools/nvm/versions/node/v22/bin"}, program: "node", roots: []string{"tools/nvm/versions/node/v22"}, path: []string{"tools/nvm/versions/node/v22/bin"}},
		{name: "fnm", files: []string{".local/share/fnm/node-versions/v22/installation/bin/node", "shells/1_2 -> .local/share/fnm/node-versions/v22/installation"},
			entries: []string{"shells/1_2/bin"}, program: "node", roots: []string{".local/share/fnm/node-versions/v22"}, path: []string{".local/share/fnm/node-versions/v22/installation/bin"}},
		{name: "volta", files: []string{".volta/bin/volta-shim", ".volta/bin/claude -> ./volta-shim", ".volta/tools/image/node/22/bin/node"},
			entries: []string{".volta/bin"}, program: "claude", roots: []string{".volta"}, path: []string{".volta/bin"}},
		{name: "mise", files: []string{".local/bin/mise", ".local/share/mise/shims/node -> .local/bin/mise", ".local/share/mise/installs/node/22/bin/node", ".config/mise/config.toml"},
			entries: []string{".local/share/mise/shims"}, program: "node", roots: []string{".config/mise/config.toml", ".local/bin", ".local/share/mise"}, path: []string{".local/share/mise/shims"}},
		{name: "asdf", env: "ASDF_DATA_DIR=.asdf", files: []string{".asdf/shims/node", ".asdf/installs/nodejs/22/bin/node", ".tool-versions"},
			entries: []string{".asdf/shims"}, program: "node", roots: []string{".asdf", ".tool-versions"}, path: []string{".asdf/shims"}},
		{name: "pyenv", files: []string{".pyenv/shims/python", ".pyenv/libexec/pyenv", ".pyenv/versions/3.12/bin/python", ".pyenv/bin/pyenv -> ../libexec/pyenv"},
			entries: []string{".pyenv/shims", ".pyenv/bin"}, program: "python", roots: []string{".pyenv"}, path: []string{".pyenv/shims", ".pyenv/bin"}},
		{name: "rbenv", files: []string{".rbenv/shims/ruby"}, entries: []string{".rbenv/shims"}, program: "ruby", roots: []string{".rbenv"}, path: []string{".rbenv/shims"}},
		{name: "rustup", files: []string{".cargo/bin/cargo -> ./rustup", ".cargo/bin/rustup", ".cargo/credentials.toml", ".rustup/settings.toml"},
			entries: []string{".cargo/bin"}, program: "cargo", roots: []string{".cargo/bin", ".rustup"}, path: []string{".cargo/bin"}},
		{name: "sdkman", files: []string{".sdkman/candidates/java/21/bin/java", ".sdkman/candidates/java/current -> ./21", ".sdkman/etc/config"},
			entries: []string{".sdkman/candidates/java/current/bin"}, program: "java", roots: []string{".sdkman/candidates"}, path: []string{".sdkman/candidates/java/current/bin"}},
		{name: "bun", files: []string{".bun/bin/bun", ".bun/install/global/node_modules/x/cli.js", ".bun/install/cache/x", ".bun/bin/x -> ../install/global/node_modules/x/cli.js"},
			entries: []string{".bun/bin"}, program: "x", roots: []string{".bun/bin", ".bun/install/global"}, path: []string{".bun/bin"}},
		{name: "deno", files: []string{".deno/bin/deno"}, entries: []string{".deno/bin"}, program: "deno", roots: []string{".deno/bin"}, path: []string{".deno/bin"}},
		{name: "go", files: []string{"go/bin/crush", "sdk/go1.26/bin/go"}, entries: []string{"go/bin", "sdk/go1.26/bin"}, program: "crush",
			roots: []string{"go/bin", "sdk/go1.26"}, path: []string{"go/bin", "sdk/go1.26/bin"}},
		{name: "npm prefix", files: []string{".npm-global/lib/node_modules/@openai/codex/bin/codex.js", ".npm-global/bin/codex -> ../lib/node_modules/@openai/codex/bin/codex.js", ".npm-global/etc/npmrc"},
			entries: []string{".npm-global/bin"}, program: "codex", roots: []string{".npm-global/bin", ".npm-global/lib/node_modules"}, path: []string{".npm-global/bin"}},
		{name: "pnpm", files: []string{".local/share/pnpm/claude", ".local/share/pnpm/global/5/node_modules/x/cli.js", ".local/share/pnpm/store/v10/x"},
			entries: []string{".local/share/pnpm"}, program: "claude", roots: []string{".local/share/pnpm/claude", ".local/share/pnpm/global"}, path: []string{".local/share/pnpm"}},
		{name: "yarn", files: []string{".yarn/bin/x", ".config/yarn/global/node_modules/x/cli.js", ".yarn/berry/cache"},
			entries: []string{".yarn/bin"}, program: "x", roots: []string{".config/yarn/global/node_modules", ".yarn/bin"}, path: []string{".yarn/bin"}},
		{name: "brew", files: []string{".linuxbrew/Cellar/x/1/bin/x", ".linuxbrew/bin/x -> ../Cellar/x/1/bin/x", ".linuxbrew/var/db", ".linuxbrew/lib/ld.so"},
			entries: []string{".linuxbrew/bin"}, program: "x", roots: []string{".linuxbrew/Cellar", ".linuxbrew/bin", ".linuxbrew/lib"}, path: []string{".linuxbrew/bin"}},
		{name: "local bin", files: []string{".local/share/claude/versions/1.0.3", ".local/bin/claude -> .local/share/claude/versions/1.0.3", ".local/share/keyrings/login", ".local/share/tool/bin/run", ".local/bin/run -> .local/share/tool/bin/run"},
			entries: []string{".local/bin"}, program: "claude", roots: []string{".local/bin", ".local/share/claude", ".local/share/tool/bin"}, path: []string{".local/bin"}},
		{name: "conda", files: []string{"miniconda3/conda-meta/history", "miniconda3/bin/python"}, entries: []string{"miniconda3/bin"}, program: "python", roots: []string{"miniconda3"}, path: []string{"miniconda3/bin"}},
		{name: "unknown entry of PATH", files: []string{"bin/mine", "stuff/bin/other"}, entries: []string{"bin", "stuff/bin"}, program: "mine", roots: []string{"bin"}, path: []string{"bin"}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			w := newWorld(t)
			w.files(r.files...)
			var env []string
			if name, rel, ok := strings.Cut(r.env, "="); ok {
				env = []string{name + "=" + filepath.Join(w.home, rel)}
			}
			res := w.find(r.program, env, r.entries...)
			w.same("roots", w.roots(res), r.roots...)
			w.same("path", w.rel(res.PathList...), append(r.path, "/usr/bin", "/bin", "/usr/local/bin")...)
			inside(t, w, res)
		})
	}
}

// inside checks that Path exists when only the roots do: it walks the links
// as the kernel does, in a copy of the tree that has nothing else.
func inside(t *testing.T, w *world, res Result) {
	t.Helper()
	for hops, p := 0, res.Path; ; hops++ {
		at := slices.IndexFunc(res.Roots, func(r Root) bool { return within(r.Path, p) })
		if at < 0 && !system(p) || hops > 10 {
			t.Errorf("%s does not exist inside (at %s)", res.Path, p)
			return
		}
		to, err := os.Readlink(p)
		if err != nil {
			return
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(p), to)
		}
		p = to
	}
}

func TestUvToolBringsItsPython(t *testing.T) {
	w := newWorld(t)
	python := put(t, w.home, ".local/share/uv/python/cpython-3.12/bin/python3.12", "\x7fELF")
	venv := ".local/share/uv/tools/aider-chat"
	put(t, w.home, venv+"/pyvenv.cfg", "home = "+filepath.Dir(python)+"\n")
	link(t, w.home, venv+"/bin/python", python)
	put(t, w.home, venv+"/bin/aider", "#!"+w.home+"/"+venv+"/bin/python\n")
	link(t, w.home, ".local/bin/aider", w.home+"/"+venv+"/bin/aider")
	res := w.find("aider", nil, ".local/bin")
	w.same("roots", w.roots(res), ".local/bin", ".local/share/uv/python", venv)
	inside(t, w, res)
	if res.Path != w.home+"/.local/bin/aider" || res.Real != w.home+"/"+venv+"/bin/aider" {
		t.Errorf("path %s, real %s", res.Path, res.Real)
	}
}

func TestScriptBringsItsInterpreter(t *testing.T) {
	w := newWorld(t)
	put(t, w.home, ".nvm/versions/node/v22/bin/node", "\x7fELF")
	for i, line := range []string{"#!/usr/bin/env node", "#!/usr/bin/env -S node --flag", "#! /usr/bin/env  A=b node", "#!" + w.home + "/.nvm/versions/node/v22/bin/node --x"} {
		put(t, w.home, "tools/x/main", line+"\n")
		entries := []string{".nvm/versions/node/v22/bin"}
		if i == 3 {
			entries = nil
		}
		res := w.find(w.home+"/tools/x/main", nil, entries...)
		w.same(line, w.roots(res), ".nvm/versions/node/v22", "tools/x")
	}
}

func TestProgramsOutsideManagers(t *testing.T) {
	w := newWorld(t)
	put(t, w.home, "prog/a/node_modules/pkg/cli.js", node)
	put(t, w.home, "prog/a/node_modules/pkg/node_modules/dep/cli.js", node)
	put(t, w.home, "prog/jdk/bin/java", "\x7fELF")
	put(t, w.home, "prog/jdk/lib/libjvm.so", "\x7fELF")
	put(t, w.home, "prog/keys/tool", "#!/bin/sh\n")
	put(t, w.home, "prog/keys/.env", "A=b")
	put(t, w.home, "tool", "#!/bin/sh\n")
	put(t, w.home, "Downloads/tool", "#!/bin/sh\n")
	put(t, w.home, ".ssh/tool", "#!/bin/sh\n")
	put(t, w.home, "prog/pkg/package.json", `{"bin":"dist/cli.js"}`)
	put(t, w.home, "prog/pkg/.npmrc", `x`)
	put(t, w.home, "prog/pkg/dist/cli.js", node)
	put(t, w.root, "srv/app/run", "#!/bin/sh\n")
	for _, r := range []struct {
		program string
		want    []string
	}{
		{"prog/a/node_modules/pkg/cli.js", []string{"prog/a/node_modules"}},
		{"prog/a/node_modules/pkg/node_modules/dep/cli.js", []string{"prog/a/node_modules"}},
		{"prog/jdk/bin/java", []string{"prog/jdk"}},
		{"prog/keys/tool", []string{"prog/keys/tool"}},
		{"tool", []string{"tool"}},
		{"Downloads/tool", []string{"Downloads/tool"}},
		{".ssh/tool", nil},
		{"prog/pkg/dist/cli.js", []string{"prog/pkg"}},
		{"../../srv/app/run", []string{"/srv/app"}},
	} {
		res := w.find(filepath.Join(w.home, r.program), nil)
		w.same(r.program, w.roots(res), r.want...)
		if r.program == "prog/pkg/dist/cli.js" {
			w.same("excluded", res.Roots[0].Exclude, ".npmrc")
		}
	}
}

func TestSymlinkedManager(t *testing.T) {
	w := newWorld(t)
	put(t, w.root, "data/nvm/versions/node/v22/bin/node", "\x7fELF")
	link(t, w.home, ".nvm", w.root+"/data/nvm")
	res := w.find("node", nil, ".nvm/versions/node/v22/bin")
	w.same("roots", w.roots(res), "/data/nvm/versions/node/v22", ".nvm/versions/node/v22")
	inside(t, w, res)
}

func TestHomeThroughALink(t *testing.T) {
	w := newWorld(t)
	put(t, w.home, ".nvm/versions/node/v22/bin/node", "\x7fELF")
	put(t, w.home, ".local/bin/x", "#!/usr/bin/env node\n")
	put(t, w.home, ".local/lib/python3.12/site-packages/a.py", "")
	alias := link(t, w.root, "users", w.root+"/home") + "/u"
	res, err := Find([]string{"PATH=" + alias + "/.local/bin:" + alias + "/.nvm/versions/node/v22/bin"}, "x", alias+"/work/shop", alias)
	if err != nil {
		t.Fatal(err)
	}
	w.sound(res)
	w.same("roots", w.roots(res), ".local/bin", ".local/lib/python3.12", ".nvm/versions/node/v22",
		"/users/u/.local/bin", "/users/u/.local/lib/python3.12", "/users/u/.nvm/versions/node/v22")
	if res.Path != alias+"/.local/bin/x" {
		t.Errorf("path %s", res.Path)
	}
}

// TestLoader: an ELF file brings its loader when that is not the system's.
func TestLoader(t *testing.T) {
	w := newWorld(t)
	loader := put(t, w.home, ".linuxbrew/lib/ld.so", "\x7fELF")
	put(t, w.home, "prog/x/run", string(elfWith(loader)))
	w.same("roots", w.roots(w.find(w.home+"/prog/x/run", nil)), ".linuxbrew/lib", "prog/x")
	put(t, w.project, "run", string(elfWith(put(t, w.home, "diary/today", ""))))
	w.same("from the project", w.roots(w.find("./run", nil)))
}

// elfWith is a file of one ELF header and one PT_INTERP.
func elfWith(interp string) []byte {
	le := binary.LittleEndian
	b := append([]byte{0x7f, 'E', 'L', 'F', 2, 1, 1}, make([]byte, 9)...)
	for _, v := range []uint16{2, 62} {
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, 1)
	for _, v := range []uint64{0, 64, 0} {
		b = le.AppendUint64(b, v)
	}
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{64, 56, 1, 64, 0, 0} {
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(le.AppendUint32(b, 3), 4)
	n := uint64(len(interp) + 1)
	for _, v := range []uint64{120, 0, 0, n, n, 1} {
		b = le.AppendUint64(b, v)
	}
	return append(append(b, interp...), 0)
}

func TestSnapLauncher(t *testing.T) {
	w := newWorld(t)
	put(t, w.root, "snap/go/10/bin/go", "\x7fELF")
	link(t, w.root, "snap/go/current", "10")
	link(t, w.root, "snap/bin/go", put(t, w.root, "lib/snap", ""))
	res := w.find("go", nil, w.root+"/snap/bin")
	if want := w.root + "/snap/go/10/bin/go"; res.Real != want {
		t.Errorf("real %s", res.Real)
	}
}

func TestLinkThatWouldNotExistInside(t *testing.T) {
	w := newWorld(t)
	put(t, w.home, "prog/x/main", "#!/bin/sh\n")
	put(t, w.home, "bin/.env", "A=b")
	link(t, w.home, "bin/x", "../prog/x/main")
	res := w.find("x", nil, "bin")
	if want := w.home + "/prog/x/main"; res.Path != want || res.Real != want {
		t.Errorf("path %s, real %s", res.Path, res.Real)
	}
	w.same("path", w.rel(res.PathList...), "/usr/bin", "/bin", "/usr/local/bin")
}

// TestProjectCannotWiden: what an agent wrote into the project leads to no
// root but a known manager's.
func TestProjectCannotWiden(t *testing.T) {
	w := newWorld(t)
	put(t, w.home, "diary/bin/today", "#!/bin/sh\n")
	put(t, w.home, "diary/lib/x", "")
	python := put(t, w.home, ".local/share/uv/python/cpython-3.12/bin/python3.12", "\x7fELF")
	put(t, w.project, "evil", "#!"+w.home+"/diary/bin/today\n")
	link(t, w.project, "jump", w.home+"/diary/bin/today")
	put(t, w.project, "venv/pyvenv.cfg", "home = "+w.home+"/diary/bin\n")
	link(t, w.project, "venv/bin/python", w.home+"/diary/bin/today")
	for _, name := range []string{"./evil", "./jump", "venv/bin/python"} {
		w.same(name, w.roots(w.find(name, nil, "work/shop/venv/bin")))
	}
	link(t, w.project, ".venv/bin/python", python)
	put(t, w.project, ".venv/pyvenv.cfg", "home = "+filepath.Dir(python)+"\n")
	w.same("a manager's Python", w.roots(w.find("sh", nil)), ".local/share/uv/python")
	env := []string{"NVM_DIR=" + w.home, "PNPM_HOME=" + w.project, "VOLTA_HOME=/", "BUN_INSTALL=" + w.root}
	w.same("variables", w.roots(w.find("./evil", env, "diary/bin")), ".local/share/uv/python")
}

func TestNeverARoot(t *testing.T) {
	w := newWorld(t)
	f := newFinder([]string{"BAILEY_HOME=" + w.home + "/vaults"}, w.project, w.home)
	for _, rel := range []string{"vaults/x", ".local/share/bailey/vault/x", ".ssh/x", ".gnupg/a/x", ".config/gh/x", ".config/gcloud/x", ".aws/x", ".claude/x", "Downloads/x", "ok/x"} {
		put(t, w.home, rel, "")
	}
	for _, p := range []string{"/", "/etc", "/etc/ssl", "/var", "/run", "/run/user", "/tmp", "/proc", "/proc/self", "/sys", "/home", "/root", "/opt",
		w.root, w.root + "/home", w.home, w.home + "/.config", w.home + "/.local", w.home + "/.local/share", w.home + "/.ssh", w.home + "/.gnupg/a",
		w.home + "/.config/gh", w.home + "/.config/gcloud", w.home + "/.aws", w.home + "/.claude", w.home + "/Downloads", w.home + "/vaults", w.home + "/.local/share/bailey", w.home + "/.local/share/bailey/vault"} {
		if f.may(p) {
			t.Errorf("%s may be a root", p)
		}
	}
	alias := link(t, w.root, "users", w.root+"/home")
	g := newFinder(nil, w.project, alias+"/u")
	for _, p := range []string{alias, alias + "/u", alias + "/u/.ssh", alias + "/u/.config", w.home, w.home + "/.config"} {
		if g.may(p) {
			t.Errorf("%s may be a root with a linked home", p)
		}
	}
	if !f.may(w.home + "/ok") {
		t.Error("nothing may be a root")
	}
}

func TestCredentialsAreExcluded(t *testing.T) {
	w := newWorld(t)
	for _, rel := range []string{"bin/node", ".npmrc", ".env", ".env.local", ".env.example", "etc/npmrc", "auth.json", "lib/x"} {
		put(t, w.home, ".nvm/versions/node/v22/"+rel, "")
	}
	res := w.find("node", nil, ".nvm/versions/node/v22/bin")
	w.same("excluded", res.Roots[0].Exclude, ".env", ".env.local", ".npmrc", "auth.json", "etc/npmrc")
}

func TestManagerSettingsWithVariablesStayOut(t *testing.T) {
	w := newWorld(t)
	put(t, w.home, ".local/share/mise/shims/node", "#!/bin/sh\n")
	put(t, w.home, ".config/mise/config.toml", "[env]\nA = 'b'\n")
	w.same("roots", w.roots(w.find("node", nil, ".local/share/mise/shims")), ".local/share/mise")
}

func TestLookup(t *testing.T) {
	w := newWorld(t)
	put(t, w.home, "a/x", "")
	if err := os.Chmod(w.home+"/a/x", 0o644); err != nil {
		t.Fatal(err)
	}
	put(t, w.home, "b/x/dir", "")
	link(t, w.home, "c/x", "nowhere")
	want := put(t, w.home, "d/x", "#!/bin/sh\n")
	put(t, w.project, "x", "#!/bin/sh\n")
	put(t, w.project, "rel/x", "#!/bin/sh\n")
	t.Chdir(w.project)
	env := []string{"PATH=/nowhere", "PATH=:.:rel:" + w.home + "/a:" + w.home + "/b:" + w.home + "/c:" + w.home + "/d/:"}
	res, err := Find(env, "x", w.project, w.home)
	if err != nil || res.Real != want {
		t.Errorf("found %s, %v", res.Real, err)
	}
	if res, err = Find(env, "./x", w.project, w.home); err != nil || res.Path != w.project+"/x" || len(res.Roots) != 0 {
		t.Errorf("found %+v, %v", res, err)
	}
	if _, err = Find(env, w.home+"/a/x", w.project, w.home); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("not executable: %v", err)
	}
	if _, err = Find(nil, "sh", w.project, w.home); err != nil {
		t.Errorf("without PATH: %v", err)
	}
}

func TestNotFound(t *testing.T) {
	w := newWorld(t)
	for name, hint := range map[string]string{"claude": "@anthropic-ai/claude-code", "no-such": "/nowhere/bin", "": "is it installed", "./gone": "there is no file"} {
		_, err := Find([]string{"PATH=/nowhere/bin"}, name, w.project, w.home)
		var missing *NotFoundError
		if !errors.As(err, &missing) || len(missing.Looked) != 1 || !strings.Contains(missing.Hint(), hint) {
			t.Errorf("%q: %v, %+v", name, err, missing)
		}
	}
}

func TestNotExecutable(t *testing.T) {
	w := newWorld(t)
	put(t, w.project, "notes.txt", "x")
	if err := os.Chmod(w.project+"/notes.txt", 0o644); err != nil {
		t.Fatal(err)
	}
	for name, why := range map[string]string{"./": "is a directory", "./notes.txt": "cannot be executed"} {
		_, err := Find(nil, name, w.project, w.home)
		var bad *NotExecutableError
		if !errors.As(err, &bad) || bad.Why != why || !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestBounded(t *testing.T) {
	w := newWorld(t)
	for i := range 300 {
		n := strings.Repeat("n", i%7) + string(rune('a'+i%26)) + strings.Repeat("z", i/26)
		put(t, w.home, "prog/"+n+"/main", "#!/bin/sh\n")
		if err := os.MkdirAll(w.home+"/.local/bin", 0o755); err != nil {
			t.Fatal(err)
		}
		_ = os.Symlink(w.home+"/prog/"+n+"/main", w.home+"/.local/bin/"+n)
	}
	put(t, w.home, "first/main", "#!/bin/sh\n")
	res := w.find(w.home+"/first/main", nil, ".local/bin")
	if len(res.Roots) > maxRoots || !slices.Contains(w.roots(res), "first") {
		t.Errorf("%d roots: %q", len(res.Roots), w.roots(res))
	}
}
