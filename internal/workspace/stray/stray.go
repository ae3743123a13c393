// Package stray judges what appears below the root of a project: control names
// wherever they stand, and repositories by what is in them, because cloning and
// making one is an agent's ordinary work.
//
// It moves nothing; package guard does. Its invariant: what it reads was written
// by somebody hostile, so it is read through safefs, bounded, and a file that
// can't be understood is bad.
package stray

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/gitconfig"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/guard"
	"github.com/bailey-project/bailey/internal/workspace/trigger"
)

// Judge decides for one project.
type Judge struct {
	Root   *safefs.Root
	Nested []string               // directories below the root that had a .git at the start
	Known  func(rel string) bool  // stood there at the start
	Filled func(name string) bool // a directory that tools fill, and that nobody looks into
}

// Control says why a name below the root must not appear. A repository is
// judged by what is in it: cloning and making one is an agent's ordinary work.
func (j *Judge) Control(rel string, e safefs.Entry) (reason string, bad bool) {
	if c, ok := trigger.Of(e.Name); ok {
		return c.Reason, true
	}
	for _, c := range trigger.Nested {
		if dir, name := path.Split(c.Name); trigger.Fold(e.Name) == name && path.Base(path.Dir(rel))+"/" == dir {
			return c.Reason, true
		}
	}
	if e.IsDir() || trigger.Fold(e.Name) != trigger.Git || slices.Contains(j.Nested, path.Dir(rel)) {
		return "", false
	}
	return "git", j.pointer(rel, e)
}

// pointer: a .git file may name the place that git itself gives to
// submodules and worktrees, which the inside has for itself, or a directory of
// the project that is watched.
func (j *Judge) pointer(rel string, e safefs.Entry) bool {
	if e.Type != 0 {
		return true
	}
	b, err := j.Root.ReadFile(rel, 1<<16)
	if err != nil || len(b) == 0 {
		return err != nil
	}
	to, ok := strings.CutPrefix(strings.TrimRight(string(b), "\r\n"), "gitdir: ")
	if !ok {
		return true
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(j.Root.Path(), path.Dir(rel), to)
	}
	in, err := filepath.Rel(j.Root.Path(), to)
	if err != nil || !filepath.IsLocal(in) {
		return true
	}
	private := func(dir string) bool { return in == dir || strings.HasPrefix(in, dir+"/") }
	if private(".git") || slices.ContainsFunc(j.Nested, func(n string) bool { return private(n + "/.git") }) {
		return false
	}
	return slices.ContainsFunc(strings.Split(in, "/"), func(part string) bool { return j.Filled(part) })
}

// Repository lists what of a git directory that appeared makes git run a command.
func (j *Judge) Repository(dir string) (list []guard.Name) {
	if slices.Contains(j.Nested, path.Dir(dir)) && path.Base(dir) == ".git" {
		return nil
	}
	known := func(name string) bool { return j.Known(dir + "/" + name) }
	for _, name := range []string{"config", "config.worktree"} {
		if why := j.config(dir + "/" + name); why != "" && !known(name) {
			list = append(list, guard.Name{Name: dir + "/" + name, Reason: "git, by " + why})
		}
	}
	if j.common(dir) && !known("commondir") {
		list = append(list, guard.Name{Name: dir + "/commondir", Reason: "git"})
	}
	hooks := dir + "/hooks"
	info, err := j.Root.Lstat(hooks)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 && !known("hooks") {
		return append(list, guard.Name{Name: hooks, Reason: "git hooks"})
	}
	entries, _ := j.Root.ReadDir(hooks, 1000)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name, ".sample") && !j.Known(hooks+"/"+e.Name) {
			list = append(list, guard.Name{Name: hooks + "/" + e.Name, Reason: "git hooks"})
		}
	}
	return list
}

func (j *Judge) config(rel string) string {
	info, err := j.Root.Lstat(rel)
	if err != nil {
		return ""
	}
	b, err := j.Root.ReadFile(rel, 1<<20)
	if err != nil || !info.Mode().IsRegular() {
		return "a configuration that is no file"
	}
	all, err := gitconfig.Parse(b)
	if err != nil {
		return "a configuration that can't be read"
	}
	return gitdir.Plain(gitconfig.Harmful(all), 100)
}

// common: of a worktree's git directory the settings are those of the
// repository two levels above; anything else leads git elsewhere.
func (j *Judge) common(dir string) bool {
	rel := dir + "/commondir"
	if _, err := j.Root.Lstat(rel); err != nil {
		return false
	}
	b, err := j.Root.ReadFile(rel, 1<<16)
	own := path.Base(path.Dir(dir)) == "worktrees"
	return err != nil || !own || strings.TrimRight(string(b), "\r\n") != "../.."
}
