package workspace

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/extent"
	"github.com/bailey-project/bailey/internal/workspace/gitconfig"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/trigger"
)

// maxBelow bounds the control names below the root that are made read-only;
// each is a mount.
const maxBelow = 300

// protectBelow makes control names of nested projects read-only, and of
// repositories without a working tree what git executes.
func (w *Workspace) protectBelow(ctx context.Context) error {
	list := w.tree.controls
	for _, dir := range w.tree.bare {
		if !w.bareRepository(dir) {
			continue
		}
		for _, name := range []string{"config", "config.worktree", "commondir", "hooks"} {
			list = append(list, trigger.Control{Name: dir + "/" + name, Reason: "git"})
		}
	}
	done := 0
	for _, c := range list {
		if w.underProtection(c.Name) {
			continue
		}
		if done++; done > maxBelow {
			w.note("%d further files that your tools execute lie deeper in the project, and can be changed inside: look at them first", len(list)-maxBelow)
			break
		}
		c.Private = false // a copy of its own is for the root's alone
		found, err := w.protectOne(ctx, c)
		if err != nil {
			return err
		}
		if found {
			w.pin(path.Dir(c.Name))
		}
	}
	return nil
}

func (w *Workspace) bareRepository(dir string) bool {
	has := func(name string) bool { _, err := w.root.Lstat(dir + "/" + name); return err == nil }
	return has("commondir") || has("objects") && has("refs")
}

// underProtection says that a directory above rel, or rel, is protected.
func (w *Workspace) underProtection(rel string) bool {
	for ; rel != "."; rel = path.Dir(rel) {
		if w.protected[rel] != "" {
			return true
		}
	}
	return false
}

// outermost leaves out what would lie in, or at, a protected directory: laid
// anew, it would be a writable hole in it.
func (w *Workspace) outermost(pins []Bind) []Bind {
	return slices.DeleteFunc(pins, func(b Bind) bool {
		return slices.ContainsFunc(w.view.Binds, func(p Bind) bool {
			return p.ReadOnly && (b.Target == p.Target || extent.Below(b.Target, p.Target))
		})
	})
}

// armBelow tells the guard what must not appear below the root.
func (w *Workspace) armBelow() {
	g := w.guard
	g.Control, g.Repository, g.HostSocket = w.controlBelow, w.harmful, w.hostSocket
	g.Known = func(rel string) bool {
		dir, name := path.Split(rel)
		return slices.ContainsFunc(w.tree.dirs[strings.TrimSuffix(dir, "/")], func(l listed) bool { return l.name == name })
	}
	g.Skip = func(rel string) bool {
		dir, name := path.Split(rel)
		in := path.Base(dir)
		return heavyDirs[name] || name == ".git" && (dir == "" || slices.Contains(w.nested, path.Clean(dir))) ||
			in == ".git" && (name == "objects" || name == "refs" || name == "logs")
	}
}

// WatchBelow also watches everything below the root, in the background; call
// it after Watch, once the workload runs.
func (w *Workspace) WatchBelow(ctx context.Context, report func(Found)) { w.guard.Below(ctx, report) }

// controlBelow says why a name below the root must not appear. A repository is
// judged by what is in it: cloning and making one is an agent's ordinary work.
func (w *Workspace) controlBelow(rel string, e safefs.Entry) (reason string, bad bool) {
	if c, ok := trigger.Of(e.Name); ok {
		return c.Reason, true
	}
	for _, c := range trigger.Nested {
		if dir, name := path.Split(c.Name); trigger.Fold(e.Name) == name && path.Base(path.Dir(rel))+"/" == dir {
			return c.Reason, true
		}
	}
	if e.IsDir() || trigger.Fold(e.Name) != trigger.Git || slices.Contains(w.nested, path.Dir(rel)) {
		return "", false
	}
	return "git", w.strayPointer(rel, e)
}

// strayPointer: a .git file may name the place that git itself gives to
// submodules and worktrees, which the inside has for itself, or a directory of
// the project that is watched.
func (w *Workspace) strayPointer(rel string, e safefs.Entry) bool {
	if e.Type != 0 {
		return true
	}
	b, err := w.root.ReadFile(rel, 1<<16)
	if err != nil || len(b) == 0 {
		return err != nil
	}
	to, ok := strings.CutPrefix(strings.TrimRight(string(b), "\r\n"), "gitdir: ")
	if !ok {
		return true
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(w.opt.Root, path.Dir(rel), to)
	}
	in, err := filepath.Rel(w.opt.Root, to)
	if err != nil || !filepath.IsLocal(in) {
		return true
	}
	private := func(dir string) bool { return in == dir || strings.HasPrefix(in, dir+"/") }
	if private(".git") || slices.ContainsFunc(w.nested, func(n string) bool { return private(n + "/.git") }) {
		return false
	}
	return slices.ContainsFunc(strings.Split(in, "/"), func(part string) bool { return heavyDirs[part] })
}

// harmful lists what of a git directory that appeared makes git run a command.
func (w *Workspace) harmful(dir string) (list []Name) {
	if slices.Contains(w.nested, path.Dir(dir)) && path.Base(dir) == ".git" {
		return nil
	}
	known := func(name string) bool { return w.guard.Known(dir + "/" + name) }
	for _, name := range []string{"config", "config.worktree"} {
		if why := w.harmfulConfig(dir + "/" + name); why != "" && !known(name) {
			list = append(list, Name{Name: dir + "/" + name, Reason: "git, by " + why})
		}
	}
	if w.strayCommon(dir) && !known("commondir") {
		list = append(list, Name{Name: dir + "/commondir", Reason: "git"})
	}
	hooks := dir + "/hooks"
	info, err := w.root.Lstat(hooks)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 && !known("hooks") {
		return append(list, Name{Name: hooks, Reason: "git hooks"})
	}
	entries, _ := w.root.ReadDir(hooks, 1000)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name, ".sample") && !w.guard.Known(hooks+"/"+e.Name) {
			list = append(list, Name{Name: hooks + "/" + e.Name, Reason: "git hooks"})
		}
	}
	return list
}

func (w *Workspace) harmfulConfig(rel string) string {
	info, err := w.root.Lstat(rel)
	if err != nil {
		return ""
	}
	b, err := w.root.ReadFile(rel, 1<<20)
	if err != nil || !info.Mode().IsRegular() {
		return "a configuration that is no file"
	}
	all, err := gitconfig.Parse(b)
	if err != nil {
		return "a configuration that can't be read"
	}
	return gitdir.Plain(gitconfig.Harmful(all), 100)
}

// strayCommon: of a worktree's git directory the settings are those of the
// repository two levels above; anything else leads git elsewhere.
func (w *Workspace) strayCommon(dir string) bool {
	rel := dir + "/commondir"
	if _, err := w.root.Lstat(rel); err != nil {
		return false
	}
	b, err := w.root.ReadFile(rel, 1<<16)
	own := path.Base(path.Dir(dir)) == "worktrees"
	return err != nil || !own || strings.TrimRight(string(b), "\r\n") != "../.."
}

// planted names what a session that was killed may have left below the root:
// control names whose status changed since it began. The user may have made
// them, so they are not moved.
func (w *Workspace) planted(ctx context.Context) (notes []string) {
	limits := scanLimits
	limits.Changed = true
	_, _ = w.root.Walk(ctx, ".", limits, func(p string, e safefs.Entry) error {
		if e.IsDir() && (heavyDirs[e.Name] || e.Name == ".git") {
			return fs.SkipDir
		}
		if c, ok := trigger.Of(e.Name); ok && path.Dir(p) != "." && w.since(p, e) && len(notes) < maxBelow {
			notes = append(notes, fmt.Sprintf("%s appeared or changed since this session began (%s): look at it", gitdir.Plain(p, 300), c.Reason))
		}
		return nil
	})
	return notes
}

func (w *Workspace) since(p string, e safefs.Entry) bool {
	if !e.IsDir() {
		return !e.Changed.Before(w.started)
	}
	info, err := w.root.Lstat(p)
	return err == nil && !info.ModTime().Before(w.started)
}

// inode is a file's number.
func inode(info fs.FileInfo) (uint64, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return st.Ino, true
}
