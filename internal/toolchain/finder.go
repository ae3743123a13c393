package toolchain

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// defaultPath is searched when PATH is unset, and always ends PATH inside.
var defaultPath = []string{"/usr/local/bin", "/usr/bin", "/bin"}

// maxEntries bounds PATH: longer ones are no such thing.
const maxEntries = 256

// finder gathers the roots for one program.
type finder struct {
	env     []string
	dir     string
	home    string // as given
	real    string // home without links
	project string // bound anyway, and written by the agent: its word counts for little
	path    []string
	roots   []string // in the order of their importance, until keep
	visited map[string]bool
	known   []site // once found
	found   bool
	links   map[string]string // of resolved
}

func newFinder(env []string, dir, home string) *finder {
	f := &finder{env: env, dir: filepath.Clean(dir), home: filepath.Clean(home), visited: map[string]bool{}, links: map[string]string{}}
	f.real = f.resolved(f.home)
	f.project = f.projectOf(f.dir)
	f.path = searched(env)
	return f
}

// searched are the usable entries of PATH.
func searched(env []string) []string {
	p := lookup(env, "PATH")
	if p == "" {
		return defaultPath
	}
	var list []string
	for _, e := range strings.Split(p, ":") {
		if filepath.IsAbs(e) && len(list) < maxEntries {
			list = append(list, filepath.Clean(e))
		}
	}
	return list
}

// resolved is path without links, or path where it does not exist. What was
// looked up is remembered: every entry of PATH is asked for several times.
func (f *finder) resolved(path string) string {
	real, ok := f.links[path]
	if !ok {
		var err error
		if real, err = filepath.EvalSymlinks(path); err != nil {
			real = path
		}
		f.links[path] = real
	}
	return real
}

// projectOf is the repository that dir lies in, else dir; "" where that would
// be the home or an ancestor of it.
func (f *finder) projectOf(dir string) string {
	dir = f.resolved(dir)
	for at := dir; !within(at, f.real); at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); err == nil {
			return at
		}
	}
	if within(dir, f.real) {
		return ""
	}
	return dir
}

// inProject also sees a path that only runs through the project.
func (f *finder) inProject(path string) bool {
	return within(f.project, path) || within(f.project, f.resolved(path))
}

// lookup is the shell's search; see execvp(3).
func (f *finder) lookup(name string) (string, error) {
	if strings.Contains(name, "/") {
		return f.named(name)
	}
	for _, dir := range f.path {
		if p := filepath.Join(dir, name); name != "" && name != "." && name != ".." && executable(p) == nil {
			return p, nil
		}
	}
	return "", &NotFoundError{Name: name, Looked: f.path, Advice: f.advice(name)}
}

func (f *finder) named(name string) (string, error) {
	p := name
	if !filepath.IsAbs(p) {
		p = filepath.Join(f.dir, p)
	}
	p = filepath.Clean(p)
	err := executable(p)
	if os.IsNotExist(err) {
		return "", &NotFoundError{Name: name, Looked: []string{p}, Advice: fmt.Sprintf("there is no file %s", p)}
	}
	if info, serr := os.Stat(p); serr == nil && info.IsDir() {
		return "", &NotExecutableError{name, "is a directory"}
	}
	if err != nil {
		return "", &NotExecutableError{name, "cannot be executed"}
	}
	return p, nil
}

// executable is nil for a regular file that this user may execute.
func executable(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !st.Mode().IsRegular() || st.Mode().Perm()&0o111 == 0 {
		return fs.ErrPermission
	}
	return unix.Access(path, unix.X_OK)
}

// installed are places where installers put programs, whatever PATH says.
var installed = []string{".local/bin", "bin", ".claude/local", ".opencode/bin", ".bun/bin", ".cargo/bin", ".volta/bin", "go/bin", ".deno/bin", ".npm-global/bin"}

// advice is what to do about a command that was not found.
func (f *finder) advice(name string) string {
	for _, dir := range installed {
		if p := filepath.Join(f.home, dir, name); name != "" && executable(p) == nil {
			return fmt.Sprintf("it is installed as %s, which is not on PATH", p)
		}
	}
	if a := agentNamed(name); a != nil && a.install != "" {
		return fmt.Sprintf("%s is usually installed with %s; then open a new terminal", name, a.install)
	}
	if len(f.path) == 0 {
		return "is it installed? PATH has no entry to look in"
	}
	return "is it installed, and not an alias or a function of the shell? it was looked for in " + strings.Join(f.path, ", ")
}

// unsnap finds the program behind a launcher of /snap/bin: the launcher itself
// needs setuid, which no sandbox gives.
func unsnap(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil || filepath.Base(real) != "snap" || filepath.Base(path) == "snap" {
		return path, nil
	}
	name, app, ok := strings.Cut(filepath.Base(path), ".")
	if !ok {
		app = name
	}
	base := filepath.Join(filepath.Dir(filepath.Dir(path)), name, "current")
	for _, dir := range []string{"bin", "usr/bin", "."} {
		if p := filepath.Join(base, dir, app); executable(p) == nil {
			return p, nil
		}
	}
	return "", &NotFoundError{Name: filepath.Base(path), Looked: []string{base},
		Advice: "snap packages start through a setuid launcher, which does not work in a sandbox: install it another way"}
}

// start gathers what the program itself needs.
func (f *finder) start(path, real string) {
	trusted := !f.inProject(path)
	f.file(path, false) // a shim's manager, known by where the link lies
	f.program(real, trusted, 0)
}

// entries gathers what the rest of PATH needs.
func (f *finder) entries() {
	local := filepath.Join(f.home, ".local/bin")
	for _, e := range f.path {
		real := f.resolved(e)
		switch {
		case system(real):
		case f.inProject(e):
			f.venv(filepath.Dir(real), false)
		case f.managed(real), f.managed(e):
		default:
			f.environment(real)
		}
	}
	for _, name := range []string{".venv", "venv"} {
		if f.project != "" {
			f.venv(filepath.Join(f.project, name), false)
		}
	}
	if slices.Contains(f.path, local) || slices.ContainsFunc(f.path, func(e string) bool { return f.resolved(e) == f.resolved(local) }) {
		f.localBin(local)
	}
}

// maxLocal bounds how many programs of ~/.local/bin are followed.
const maxLocal = 200

// localBin adds the directory and the packages that its links lead to.
func (f *finder) localBin(dir string) {
	f.add(dir)
	lib := filepath.Join(filepath.Dir(dir), "lib")
	for _, n := range names(lib) {
		if strings.HasPrefix(n, "python3") { // what pip install --user put there
			f.add(filepath.Join(lib, n))
		}
	}
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	list, _ := d.ReadDir(maxLocal)
	for _, e := range list {
		if e.Type()&fs.ModeSymlink == 0 {
			continue
		}
		link := filepath.Join(dir, e.Name())
		if real, err := filepath.EvalSymlinks(link); err == nil && executable(real) == nil {
			f.file(real, !f.inProject(real))
		}
	}
}
