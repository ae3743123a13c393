package toolchain

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxRoots bounds the result; what the program itself needs comes first.
const maxRoots = 64

// systemDirs are bound anyway.
var systemDirs = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc/alternatives"}

// stateDirs are never roots, nor is anything below them.
var stateDirs = []string{"/etc", "/run", "/proc", "/sys", "/dev", "/boot", "/var/lib/docker", "/var/run", "/var/log", "/var/spool"}

// private are names of directories that hold credentials: no root below a home
// lies in one.
var private = []string{
	".ssh", ".gnupg", ".gpg", ".aws", ".azure", ".kube", ".docker", ".password-store", ".mozilla", ".thunderbird",
	".gcloud", ".oci", ".pki", ".electrum", ".bitcoin", ".ethereum", ".vault", ".terraform.d", ".m2", ".gradle",
	"gcloud", "google-chrome", "chromium", "BraveSoftware", "keyrings", "kwalletd", "1Password", "Bitwarden",
	".git", ".snowflake", ".databricks", ".chef", ".helm", ".putty", ".secrets", "secrets", ".bailey",
}

// wide are places below the home that hold much else: never roots themselves.
var wide = []string{
	".config", ".local", ".local/share", ".local/state", ".local/lib", ".cache", ".var", ".var/app", ".npm", ".cargo",
	".claude", ".codex", ".gemini", ".aider", ".cursor", ".copilot", ".config/gh", ".config/goose", ".config/opencode",
	"Desktop", "Documents", "Downloads", "Pictures", "Music", "Videos", "Public", "Templates", "Dropbox", "OneDrive",
	"src", "dev", "code", "work", "projects", "Projects", "repos", "git", "go", "sdk", "opt", "snap",
}

func system(path string) bool {
	return slices.ContainsFunc(systemDirs, func(dir string) bool { return within(dir, path) })
}

// packaged is what the distribution installed, and so needs nothing else.
func packaged(path string) bool { return system(path) && !within("/usr/local", path) }

// add makes path a root, and its real place where it runs through a link: a
// script can name either. It reports whether path is seen inside thereby.
func (f *finder) add(path string) bool {
	path = filepath.Clean(path)
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false
	}
	if !system(real) && !within(f.project, real) {
		if !f.may(real) {
			return false
		}
		f.roots = append(f.roots, real)
	}
	if path != real && !system(path) && !f.inProject(path) && f.may(path) {
		f.roots = append(f.roots, path)
	}
	return true
}

// may reports whether path can be a root at all.
func (f *finder) may(path string) bool {
	if path == "/snap" {
		return true
	}
	if strings.Count(path, "/") < 2 || !filepath.IsAbs(path) {
		return false // / and its children: nobody's package is that wide
	}
	if slices.ContainsFunc(stateDirs, func(dir string) bool { return within(dir, path) }) {
		return false
	}
	if within(path, f.home) || within(path, f.real) || path == "/var/lib" || path == "/var/tmp" || path == "/run/user" {
		return false
	}
	if slices.ContainsFunc(f.ours(), func(dir string) bool { return within(dir, path) || within(path, dir) }) {
		return false
	}
	st, err := os.Stat(path)
	return err == nil && (st.IsDir() || st.Mode().IsRegular()) && f.public(path)
}

// ours are the directories of this program: sealed secrets and sockets.
func (f *finder) ours() []string {
	dirs := []string{filepath.Join(f.real, ".local/share/bailey")}
	if d := lookup(f.env, "BAILEY_HOME"); filepath.IsAbs(d) {
		dirs = append(dirs, f.resolved(filepath.Clean(d)))
	}
	for _, v := range []string{"XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		if d := lookup(f.env, v); filepath.IsAbs(d) {
			dirs = append(dirs, filepath.Join(f.resolved(filepath.Clean(d)), "bailey"))
		}
	}
	return dirs
}

// public reports whether no part of path is a place of credentials.
func (f *finder) public(path string) bool {
	rel := path
	for _, home := range []string{f.home, f.real} {
		if r, ok := strings.CutPrefix(path, home+"/"); ok {
			rel = r
			if slices.Contains(wide, rel) {
				return false
			}
		}
	}
	for _, part := range strings.Split(rel, "/") {
		if slices.Contains(private, part) {
			return false
		}
	}
	return true
}

// keep drops roots within others and what is over the limit, and sorts.
func (f *finder) keep() {
	var kept []string
	for _, r := range f.roots {
		if slices.ContainsFunc(kept, func(k string) bool { return within(k, r) }) {
			continue
		}
		kept = slices.DeleteFunc(kept, func(k string) bool { return within(r, k) })
		if len(kept) < maxRoots {
			kept = append(kept, r)
		}
	}
	slices.Sort(kept)
	f.roots = kept
}

// maxLinks is what Linux allows in one path; see path_resolution(7).
const maxLinks = 40

// visible reports whether path will exist inside: each part of it, and of the
// links that it runs through, is in a root, the system or the project.
func (f *finder) visible(path string, links int) bool {
	at := f.cover(path)
	if at == "" || links > maxLinks {
		return false
	}
	rest := strings.Split(strings.TrimPrefix(path[len(at):], "/"), "/")
	if system(at) {
		at = f.resolved(at)
	}
	for i, name := range rest {
		next := filepath.Join(at, name)
		st, err := os.Lstat(next)
		if err != nil {
			return false
		}
		if st.Mode()&os.ModeSymlink != 0 && name != "" {
			to, err := os.Readlink(next)
			if err != nil {
				return false
			}
			if !filepath.IsAbs(to) {
				to = filepath.Join(at, to)
			}
			return f.visible(filepath.Join(append([]string{to}, rest[i+1:]...)...), links+1)
		}
		at = next
	}
	return true
}

// cover is the bound directory or file that path lies in.
func (f *finder) cover(path string) string {
	for _, list := range [][]string{f.roots, systemDirs, {f.project}} {
		for _, c := range list {
			if within(c, path) {
				return c
			}
		}
	}
	return ""
}

// pathList is PATH for the inside.
func (f *finder) pathList() []string {
	var list []string
	put := func(dir string) {
		if !slices.Contains(list, dir) {
			list = append(list, dir)
		}
	}
	for _, e := range f.path {
		real := f.resolved(e)
		for _, dir := range []string{e, real} {
			holds := slices.ContainsFunc(f.roots, func(r string) bool { return filepath.Dir(r) == dir })
			if st, err := os.Stat(dir); err == nil && st.IsDir() && (holds || f.visible(dir, 0)) {
				put(dir)
				break
			}
		}
	}
	for _, dir := range defaultPath {
		put(dir)
	}
	return list
}
