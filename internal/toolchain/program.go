package toolchain

import (
	"bytes"
	"debug/elf"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/toolchain/command"
)

const (
	maxInterp = 4       // scripts whose interpreter is a script …
	maxLine   = 4 << 10 // the kernel reads 256 bytes of it, env -S lines are longer
	maxRunDir = 8
)

// program adds what the file needs, and its interpreter.
func (f *finder) program(real string, trusted bool, depth int) {
	if depth > maxInterp || f.visited[real] {
		return
	}
	f.visited[real] = true
	trusted = trusted && !within(f.project, real)
	f.file(real, trusted)
	text, err := readHead(real, maxLine)
	if err != nil {
		return
	}
	if bytes.HasPrefix(text, []byte(elf.ELFMAG)) {
		if !packaged(real) {
			f.binary(real, trusted)
		}
		return
	}
	for _, p := range f.interpreters(text) {
		f.file(p, false)
		if to, err := filepath.EvalSymlinks(p); err == nil {
			f.program(to, trusted, depth+1)
		}
	}
}

// interpreters are the files that a #! line names: env and what it looks up.
func (f *finder) interpreters(text []byte) []string {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	words := command.Shebang(string(line))
	if len(words) == 0 {
		return nil
	}
	var list []string
	if first := strings.Fields(string(line[2:]))[0]; first != words[0] && filepath.IsAbs(first) {
		list = append(list, filepath.Clean(first)) // env itself
	}
	if filepath.IsAbs(words[0]) {
		return append(list, filepath.Clean(words[0]))
	}
	if p, err := f.lookup(words[0]); err == nil {
		list = append(list, p)
	}
	return list
}

// readHead reads the first bytes of a regular file; it never waits on a FIFO.
func readHead(path string, max int64) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil || !st.Mode().IsRegular() {
		return nil, os.ErrInvalid
	}
	fd, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer fd.Close()
	b := make([]byte, min(max, st.Size()))
	n, err := io.ReadFull(fd, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF { // it is shorter by now
		err = nil
	}
	return b[:n], err
}

// binary adds the loader and the library directories of an ELF file where
// they are not the system's, as with Nix or Homebrew.
func (f *finder) binary(real string, trusted bool) {
	file, err := elf.Open(real)
	if err != nil {
		return
	}
	defer file.Close()
	for _, p := range file.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz > maxLine {
			continue
		}
		b, err := io.ReadAll(p.Open())
		if loader := string(bytes.TrimRight(b, "\x00")); err == nil && filepath.IsAbs(loader) {
			f.file(f.resolved(filepath.Clean(loader)), trusted)
		}
	}
	for _, tag := range []elf.DynTag{elf.DT_RUNPATH, elf.DT_RPATH} {
		list, _ := file.DynString(tag)
		for i, dir := range strings.Split(strings.Join(list, ":"), ":") {
			dir = strings.NewReplacer("$ORIGIN", filepath.Dir(real), "${ORIGIN}", filepath.Dir(real)).Replace(dir)
			if i < maxRunDir && filepath.IsAbs(dir) {
				f.library(filepath.Clean(dir), trusted)
			}
		}
	}
}

func (f *finder) library(dir string, trusted bool) {
	real := f.resolved(dir)
	if system(real) || within(f.project, real) || f.managed(real) || !trusted {
		return
	}
	if base := filepath.Base(real); strings.HasPrefix(base, "lib") {
		f.add(dir)
	}
}

// file adds the package that a file belongs to. What an untrusted file led to
// is bound only where a known manager keeps it.
func (f *finder) file(path string, trusted bool) {
	if system(path) || within(f.project, path) || f.managed(path) {
		return
	}
	dir := filepath.Dir(path)
	if !trusted || f.modules(path) || f.environment(dir) || f.prefix(dir) || f.packageJSON(dir) {
		return
	}
	if lone(dir) || !f.add(dir) {
		f.add(path)
	}
}

// modules adds the outermost node_modules, because a package finds what it
// imports beside itself or above.
func (f *finder) modules(path string) bool {
	parts := strings.Split(path, "/")
	i := slices.Index(parts, "node_modules")
	return i > 0 && f.add(strings.Join(parts[:i+1], "/"))
}

// environment adds what belongs to a directory of programs that is part of a
// Python environment, of Conda, or of a prefix of npm's global packages.
func (f *finder) environment(bin string) bool {
	root := filepath.Dir(bin)
	if filepath.Base(bin) != "bin" {
		return false
	}
	switch {
	case f.venv(root, true):
		return true
	case exists(root, "conda-meta"):
		return f.add(root)
	case exists(root, "lib/node_modules"):
		f.add(filepath.Join(root, "lib/node_modules"))
		return f.add(bin)
	}
	return false
}

// prefix adds a package that keeps its programs beside its libraries. A
// checkout of source code is none.
func (f *finder) prefix(bin string) bool {
	root := filepath.Dir(bin)
	if name := filepath.Base(bin); name != "bin" && name != "sbin" {
		return false
	}
	libs := exists(root, "lib") || exists(root, "libexec") || exists(root, "lib64")
	return libs && !exists(root, ".git") && !lone(root) && f.add(root)
}

// venv adds a Python virtual environment and the Python it was made from; see
// the venv module's pyvenv.cfg.
func (f *finder) venv(root string, trusted bool) bool {
	text, err := readHead(filepath.Join(root, "pyvenv.cfg"), maxLine)
	if err != nil {
		return false
	}
	if trusted && !f.add(root) {
		return false
	}
	trusted = trusted && !f.inProject(root)
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, "=")
		if home := strings.TrimSpace(value); strings.TrimSpace(key) == "home" && filepath.IsAbs(home) {
			f.managed(filepath.Clean(home))
		}
	}
	if real, err := filepath.EvalSymlinks(filepath.Join(root, "bin/python")); err == nil {
		f.program(real, trusted, maxInterp)
	}
	return true
}

// packageJSON adds the package of a linked program: the directory with the
// package.json that declares programs, at most three above.
func (f *finder) packageJSON(dir string) bool {
	for range 4 {
		if within(dir, f.real) || within(dir, f.home) {
			return false
		}
		if text, err := readHead(filepath.Join(dir, "package.json"), 64<<10); err == nil {
			return bytes.Contains(text, []byte(`"bin"`)) && f.add(dir)
		}
		dir = filepath.Dir(dir)
	}
	return false
}

func exists(dir, name string) bool {
	_, err := os.Stat(filepath.Join(dir, name))
	return err == nil
}
