package gitconfig

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// User reads the user's own configuration, from the places that git reads,
// and returns the part that a sandbox gets and the ignore file that it names.
// gitDir decides includeIf "gitdir:" and may be empty. A file that cannot be
// read, or is damaged, gives nothing: git itself will say so.
func User(home, gitDir string) (settings []Setting, ignore []byte) {
	all := Load(home, gitDir)
	file := filepath.Join(home, ".config/git/ignore")
	for _, s := range all {
		if s.Kind() == "core.excludesfile" {
			file = (&loader{home: home}).path(s.Value, home)
		}
	}
	return Inside(all), readSmall(file)
}

// Load reads the user's own configuration whole. It may hold credentials.
func Load(home, gitDir string) []Setting {
	l := loader{home: home, gitDir: gitDir}
	l.load(filepath.Join(home, ".config/git/config"), 0)
	l.load(filepath.Join(home, ".gitconfig"), 0)
	return l.all
}

// commands are the kinds whose value is a command line or a directory of
// commands, or names a file of further settings.
var commands = []string{"core.hookspath", "core.fsmonitor", "core.sshcommand", "core.editor", "core.pager", "core.askpass",
	"core.attributesfile", "core.gitproxy", "sequence.editor", "diff.external", "diff..command", "diff..textconv", "merge..driver",
	"filter..clean", "filter..smudge", "filter..process", "credential.helper", "credential..helper", "gpg.program", "gpg..program",
	"include.path", "includeif..path", "commit.template"}

// Paths returns what in a setting may be a file that git runs or reads as
// settings: every word with a slash, or the whole value of a plain path.
func Paths(s Setting) (list []string) {
	if !slices.Contains(commands, s.Kind()) && s.Section != "alias" {
		return nil
	}
	switch s.Kind() {
	case "core.hookspath", "include.path", "includeif..path", "core.attributesfile":
		return []string{s.Value}
	}
	for _, word := range strings.Fields(s.Value) {
		if word = strings.Trim(word, "\"'!;&|()"); strings.Contains(word, "/") {
			list = append(list, word)
		}
	}
	return list
}

type loader struct {
	home, gitDir string
	all          []Setting
}

// load reads a file and, where they stand, those it includes, as deep as git does.
func (l *loader) load(file string, depth int) {
	settings, err := Parse(readSmall(file))
	if err != nil || depth > 10 || len(l.all) > 10000 {
		return
	}
	for _, s := range settings {
		dir := filepath.Dir(file)
		switch {
		case s.Kind() == "include.path", s.Kind() == "includeif..path" && l.applies(s.Sub, dir):
			l.load(l.path(s.Value, dir), depth+1)
		default:
			l.all = append(l.all, s)
		}
	}
}

func (l *loader) path(p, dir string) string {
	if rest, ok := strings.CutPrefix(p, "~/"); ok {
		return filepath.Join(l.home, rest)
	}
	if !filepath.IsAbs(p) {
		return filepath.Join(dir, p)
	}
	return p
}

// applies decides "gitdir:" and "gitdir/i:", the conditions in common use.
func (l *loader) applies(cond, dir string) bool {
	pattern, fold := cond, false
	if rest, ok := strings.CutPrefix(cond, "gitdir/i:"); ok {
		pattern, fold = rest, true
	} else if rest, ok := strings.CutPrefix(cond, "gitdir:"); ok {
		pattern = rest
	} else {
		return false
	}
	if rest, ok := strings.CutPrefix(pattern, "./"); ok {
		pattern = dir + "/" + rest
	} else if rest, ok := strings.CutPrefix(pattern, "~/"); ok {
		pattern = l.home + "/" + rest
	} else if !strings.HasPrefix(pattern, "/") {
		pattern = "**/" + pattern
	}
	if strings.HasSuffix(pattern, "/") {
		pattern += "**"
	}
	name := l.gitDir
	if fold {
		pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	}
	return name != "" && len(pattern) < 1024 && match(pattern, name)
}

// match is the part of wildmatch that paths need: * and ? stop at a slash,
// ** does not.
func match(pattern, name string) bool {
	for pattern != "" {
		switch {
		case strings.HasPrefix(pattern, "**"):
			rest := strings.TrimLeft(pattern, "*")
			for i := 0; i <= len(name); i++ {
				if match(rest, name[i:]) {
					return true
				}
			}
			return false
		case pattern[0] == '*':
			for i := 0; ; i++ {
				if match(pattern[1:], name[i:]) {
					return true
				}
				if i == len(name) || name[i] == '/' {
					return false
				}
			}
		case name == "" || name[0] != pattern[0] && (pattern[0] != '?' || name[0] == '/'):
			return false
		}
		pattern, name = pattern[1:], name[1:]
	}
	return name == ""
}

// readSmall reads a file of the user's own home.
func readSmall(name string) []byte {
	info, err := os.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return nil
	}
	return b
}
