package workspace

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/bound"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/extent"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/stray"
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
	g.HostSocket = w.hostSocket
	g.Known = func(rel string) bool {
		dir, name := path.Split(rel)
		return slices.ContainsFunc(w.tree.dirs[strings.TrimSuffix(dir, "/")], func(l listed) bool { return l.name == name })
	}
	j := &stray.Judge{Root: w.root, Nested: w.nested, Known: g.Known, Filled: capture.Downloaded}
	g.Control, g.Repository = j.Control, j.Repository
	g.Skip = func(rel string) bool {
		dir, name := path.Split(rel)
		in := path.Base(dir)
		return capture.Downloaded(name) || name == ".git" && (dir == "" || slices.Contains(w.nested, path.Clean(dir))) ||
			in == ".git" && (name == "objects" || name == "refs" || name == "logs")
	}
}

// WatchBelow also watches everything below the root, in the background; call
// it after Watch, once the workload runs. In review mode what appears in the
// project is the user's.
func (w *Workspace) WatchBelow(ctx context.Context, report func(Found)) {
	if !w.opt.Review {
		w.guard.Below(ctx, report)
	}
}

// hostSocket says whether a socket in the project is bound by a program of the
// host: then what is inside could talk to it, whatever its network. A list that
// can't be had counts as a yes.
func (w *Workspace) hostSocket(rel string) bool {
	info, err := w.root.Lstat(rel)
	if err != nil {
		return false
	}
	number, ok := inode(info)
	list, err := bound.Sockets()
	return !ok || err != nil || list[uint32(number)]
}

// planted names what a session that was killed may have left below the root:
// control names whose status changed since it began. The user may have made
// them, so they are not moved.
func (w *Workspace) planted(ctx context.Context) (notes []string) {
	limits := scanLimits
	limits.Changed = true
	_, _ = w.root.Walk(ctx, ".", limits, func(p string, e safefs.Entry) error {
		if e.IsDir() && (capture.Downloaded(e.Name) || e.Name == ".git") {
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
