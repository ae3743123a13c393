package toolchain

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// managed adds the roots for a path in a known manager's directory, and
// reports whether it is in one.
func (f *finder) managed(p string) bool {
	for _, s := range f.sites() {
		rel, ok := below(s.base, p)
		if !ok {
			rel, ok = below(s.real, p)
		}
		if ok && f.part(s.manager, s.base, rel) {
			return true
		}
	}
	return false
}

// site is a directory of a manager that exists.
type site struct {
	manager    *manager
	base, real string // as named, and without links
}

// sites are found once, at the first path that asks: every start pays for it,
// and most of the places do not exist.
func (f *finder) sites() []site {
	if f.found {
		return f.known
	}
	f.found = true
	for i := range managers {
		for _, base := range f.bases(&managers[i]) {
			if _, err := os.Lstat(base); err == nil {
				f.known = append(f.known, site{&managers[i], base, f.resolved(base)})
			}
		}
	}
	return f.known
}

// bases are the directories where m can be: where its variable says, below the
// home only, and its usual ones.
func (f *finder) bases(m *manager) []string {
	var list []string
	v := filepath.Clean(lookup(f.env, m.env))
	if m.env != "" && filepath.IsAbs(v) && v != f.home && v != f.real && (within(f.home, v) || within(f.real, v)) && !f.inProject(v) {
		list = append(list, v)
	}
	for _, b := range m.base {
		if !filepath.IsAbs(b) {
			b = filepath.Join(f.home, b)
		}
		list = append(list, b)
	}
	return list
}

// below is path relative to dir, "." for dir itself.
func below(dir, p string) (string, bool) {
	if !within(dir, p) {
		return "", false
	}
	rel := strings.TrimPrefix(p[len(dir):], "/")
	if rel == "" {
		rel = "."
	}
	return rel, true
}

// part adds the narrowest part of base that rel lies in, and what goes with it.
func (f *finder) part(m *manager, base, rel string) bool {
	i := slices.IndexFunc(m.at, func(pattern string) bool { return head(pattern, rel) != "" })
	switch {
	case i >= 0:
		f.add(filepath.Join(base, head(m.at[i], rel)))
	case m.but != nil:
		f.children(base, m.but)
	default:
		return false
	}
	for _, n := range m.need {
		f.add(filepath.Join(base, n))
	}
	for _, a := range m.also {
		if a = filepath.Join(f.home, a); harmless(a) {
			f.add(a)
		}
	}
	if m.with != "" {
		f.whole(m.with)
	}
	return true
}

// head is the beginning of rel that pattern matches, "" for none.
func head(pattern, rel string) string {
	if pattern == "." {
		return "."
	}
	want, have := strings.Split(pattern, "/"), strings.Split(rel, "/")
	if len(have) < len(want) || rel == "." {
		return ""
	}
	for i, w := range want {
		if ok, _ := path.Match(w, have[i]); !ok {
			return ""
		}
	}
	return path.Join(have[:len(want)]...)
}

// maxChildren bounds the entries of a directory that are bound one by one.
const maxChildren = 32

func (f *finder) children(dir string, but []string) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	list, _ := d.ReadDir(maxChildren)
	for _, e := range list {
		if !slices.Contains(but, e.Name()) && !sensitive(e.Name()) {
			f.add(filepath.Join(dir, e.Name()))
		}
	}
}

func (f *finder) whole(name string) {
	for i := range managers {
		if managers[i].name != name {
			continue
		}
		for _, base := range f.bases(&managers[i]) {
			f.add(base)
		}
	}
}

// harmless reports whether a settings file of a manager sets no variables:
// those can be secrets.
func harmless(file string) bool {
	st, err := os.Stat(file)
	if err != nil || st.IsDir() {
		return err == nil
	}
	text, err := readHead(file, 64<<10)
	lower := strings.ToLower(string(text))
	return err == nil && !slices.ContainsFunc([]string{"[env", "env.", "env ", "_.file", "token", "password", "secret"},
		func(w string) bool { return strings.Contains(lower, w) })
}
