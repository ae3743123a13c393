package survey

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/manifest"
	"github.com/bailey-project/bailey/internal/safefs"
)

// passedOver are directories that hold others' files or what tools make.
var passedOver = []string{
	".git", ".hg", ".svn", "node_modules", "vendor", ".venv", "venv", "__pycache__", ".tox", "target",
	".next", ".nuxt", ".output", ".svelte-kit", ".turbo", ".cache", ".terraform", ".gradle", ".pnpm-store", "Pods",
}

// Look surveys the project at root. m is its bailey.yaml, or nil.
func Look(ctx context.Context, root *safefs.Root, m *manifest.Manifest) (*Survey, error) {
	s := &Survey{Root: root.Path()}
	var found []File
	limits := safefs.Limits{Entries: 200_000, Depth: 8, Time: 10 * time.Second}
	complete, err := root.Walk(ctx, ".", limits, func(p string, e safefs.Entry) error {
		if e.IsDir() {
			if slices.Contains(passedOver, e.Name) {
				return fs.SkipDir
			}
			return nil
		}
		if f, ok := s.consider(p, e); ok {
			found = append(found, f)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.Partial = !complete
	var tracked map[string]bool
	git, hasGit := repositoryOf(root.Path())
	if hasGit {
		tracked = git.tracked(ctx)
	}
	for _, f := range found {
		f.Tracked = tracked[f.Path]
		f.Committed = f.Tracked && git.committed(ctx, f.Path)
		if err := load(root, &f); err != nil {
			s.Left = append(s.Left, Left{f.Path, "cannot be read as a dotenv file: " + err.Error()})
			continue
		}
		s.Files = append(s.Files, f)
	}
	s.assignFolders(m)
	s.circumstances(root)
	return s, nil
}

// consider notes a file worth knowing and returns one that can be imported.
func (s *Survey) consider(p string, e safefs.Entry) (File, bool) {
	if !strings.HasPrefix(e.Name, ".env") {
		if why := secretFile(e.Name); why != "" && e.Type.IsRegular() {
			s.Left = append(s.Left, Left{p, why + ": it is not imported"})
		}
		return File{}, false
	}
	environment, rank, why := Classify(e.Name)
	switch {
	case why != "":
		s.Left = append(s.Left, Left{p, why})
	case environment == "":
	case !e.Type.IsRegular():
		s.Left = append(s.Left, Left{p, "not a regular file: it is not imported"})
	default:
		return File{Path: p, Environment: environment, Rank: rank}, true
	}
	return File{}, false
}

// assignFolders gives every directory its folder: the one of bailey.yaml, "/"
// for the root, else the directory's own name, or its path when two
// directories have the same name.
func (s *Survey) assignFolders(m *manifest.Manifest) {
	given := map[string]string{".": "/"}
	if m != nil {
		for dir, folder := range m.Paths {
			given[dir] = folder
		}
	}
	taken := map[string]bool{}
	for _, folder := range given {
		taken[folder] = true
	}
	dirs := Directories(s.Files)
	names := map[string]int{}
	for _, dir := range dirs {
		names[path.Base(dir)]++
	}
	for _, dir := range dirs {
		if _, ok := given[dir]; ok {
			continue
		}
		folder := folderFor(dir, names[path.Base(dir)] > 1)
		for taken[folder] {
			folder += "_"
		}
		given[dir], taken[folder] = folder, true
	}
	for i := range s.Files {
		s.Files[i].Folder = given[s.Files[i].Dir()]
	}
	slices.SortFunc(s.Files, func(a, b File) int {
		return cmp.Or(cmp.Compare(a.Folder, b.Folder), cmp.Compare(a.Environment, b.Environment), cmp.Compare(a.Rank, b.Rank), cmp.Compare(a.Path, b.Path))
	})
}

// Directories are the directories of files, sorted.
func Directories(files []File) []string {
	var dirs []string
	for i := range files {
		if d := files[i].Dir(); !slices.Contains(dirs, d) {
			dirs = append(dirs, d)
		}
	}
	slices.Sort(dirs)
	return dirs
}

func folderFor(dir string, whole bool) string {
	if !whole {
		dir = path.Base(dir)
	}
	var parts []string
	for part := range strings.SplitSeq(dir, "/") {
		parts = append(parts, folderName(part))
	}
	return "/" + strings.Join(parts, "/")
}

// folderName replaces what a folder's name cannot have.
func folderName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '-'
	}, s)
}

// circumstances looks at what else decides how the project is used.
func (s *Survey) circumstances(root *safefs.Root) {
	for _, name := range []string{"compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml"} {
		if b, err := root.ReadFile(name, MaxFile); err == nil {
			s.Compose, s.ComposeNeeds = name, bytes.Contains(b, []byte("env_file"))
			break
		}
	}
	for _, p := range []struct{ file, manager string }{
		{"package.json", "npm"}, {"go.mod", "go"}, {"pyproject.toml", "pip"}, {"requirements.txt", "pip"}, {"Cargo.toml", "cargo"},
	} {
		if _, err := root.Lstat(p.file); err == nil && !slices.Contains(s.Packages, p.manager) {
			s.Packages = append(s.Packages, p.manager)
		}
	}
	s.TestCommand = testCommand(root)
}

// testCommand is "npm test" or "npm start" when the project has it.
func testCommand(root *safefs.Root) []string {
	b, err := root.ReadFile("package.json", MaxFile)
	if err != nil {
		return nil
	}
	var p struct{ Scripts map[string]string }
	if json.Unmarshal(b, &p) != nil {
		return nil
	}
	for _, script := range []string{"test", "start"} {
		if text := p.Scripts[script]; text != "" && !strings.Contains(text, "no test specified") {
			return []string{"npm", script}
		}
	}
	return nil
}
