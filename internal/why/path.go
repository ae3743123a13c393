package why

import (
	"path/filepath"
	"strings"
)

// maxLinks is how many links of the sandbox's own tree are followed.
const maxLinks = 4

// Path answers for an absolute path, as a program inside would name it.
func (m *Map) Path(path string) Answer {
	path = filepath.Clean(path)
	a := Answer{Subject: path, Kind: Path, Session: m.Session, Layer: "mount tree"}
	if n, ok := m.watched(path); ok {
		a.Decision, a.Layer, a.Rule = "denied", "watch", n.Name
		a.Reason = "a new one is moved away at once: " + n.Reason + " would act on it"
		a.Change = "make it yourself, outside: then it is read-only inside"
		return a
	}
	p, ok := m.place(path)
	if !ok {
		a.Decision, a.Reason = "absent", "the tree holds only what a session needs, and nothing there"
		a.Change = "copy what the command needs into the project, " + m.Root
		return a
	}
	a.Decision, a.Rule, a.Reason = p.What, p.Path, p.Reason
	switch p.What {
	case "allowed":
		a.Layer = "mount tree, Landlock"
		a.Change = "nothing needs to: it is the project"
	case "read-only":
		a.Layer = "mount tree, Landlock"
		a.Change = "change it outside"
	case "replaced":
		a.Change = "secrets.NAME in bailey.yaml says what is seen of each value and where it may go"
	case "hidden":
		a.Change = "nothing opens it; a copy under a name that holds no secrets would be seen"
	case "private":
		a.Change = "nothing opens the host's; copy what the command needs into the project, " + m.Root
	}
	return a
}

// place is the last entry that holds path: later ones lie over earlier ones.
func (m *Map) place(path string) (Place, bool) {
	for range maxLinks {
		best, found := Place{}, false
		for _, p := range m.Places {
			if within(path, p.Path) && (!found || len(p.Path) >= len(best.Path)) {
				best, found = p, true
			}
		}
		if !found || best.Link == "" {
			return best, found
		}
		to := best.Link
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(best.Path), to)
		}
		path = filepath.Clean(to + strings.TrimPrefix(path, best.Path))
	}
	return Place{}, false
}

// watched finds the name that must not appear at path or above it.
func (m *Map) watched(path string) (Name, bool) {
	rel, ok := strings.CutPrefix(path, m.Root+"/")
	if !ok {
		return Name{}, false
	}
	for _, n := range m.Watched {
		if within(rel, n.Name) {
			return n, true
		}
	}
	return Name{}, false
}

func within(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
