package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/extent"
	"github.com/bailey-project/bailey/internal/workspace/gitconfig"
	"github.com/bailey-project/bailey/internal/workspace/trigger"
)

// protect adds binds for control names that exist and watches for the others.
func (w *Workspace) protect(ctx context.Context) error {
	list := trigger.Controls
	if w.repo == nil && w.gitMissing {
		// A directory with HEAD, objects and refs is a repository to git, and its
		// settings name commands.
		list = append([]trigger.Control{{Name: ".git", Reason: "git"}, {Name: "HEAD", Reason: "git"}}, list...)
	}
	for _, c := range list {
		found, err := w.protectOne(ctx, c)
		if err != nil {
			return err
		}
		if !found {
			w.view.Watch = append(w.view.Watch, Name{Name: c.Name, Reason: c.Reason})
		}
	}
	for _, c := range append(w.named(), trigger.Nested...) {
		if _, err := w.root.Lstat(c.Name); err != nil {
			if !strings.Contains(c.Name, "/") {
				w.view.Watch = append(w.view.Watch, Name{Name: c.Name, Reason: c.Reason})
			}
			continue
		}
		w.pin(path.Dir(c.Name))
		if _, err := w.protectOne(ctx, c); err != nil {
			return err
		}
	}
	return w.protectBelow(ctx)
}

// named are the files and directories of the project that the user's git
// settings name: hooks, further settings, and commands.
func (w *Workspace) named() (list []trigger.Control) {
	if w.repo == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, s := range append(gitconfig.Load(w.opt.Home, w.repo.GitDir), w.repo.Settings...) {
		for _, p := range gitconfig.Paths(s) {
			base := w.opt.Root // where git runs commands
			if s.Section == "include" || s.Section == "includeif" {
				base = w.repo.CommonDir
			}
			if !filepath.IsAbs(p) {
				p = filepath.Join(base, p)
			}
			rel, err := filepath.Rel(w.opt.Root, p)
			if err != nil || !filepath.IsLocal(rel) || rel == "." || seen[rel] || extent.Below(p, filepath.Join(w.opt.Root, ".git")) {
				continue
			}
			seen[rel] = true
			if first, _, _ := strings.Cut(rel, "/"); w.protected[first] == "" {
				list = append(list, trigger.Control{Name: rel, Reason: "git"})
			}
		}
	}
	return list
}

// pin mounts every directory down to dir onto itself, so that none can be
// renamed away from around a protected entry.
func (w *Workspace) pin(dir string) {
	if dir == "." || dir == "" || w.pinned[dir] || w.opt.Review { // a directory of an overlay's lower tree is not renamed but copied
		return
	}
	w.pin(path.Dir(dir))
	w.pinned[dir] = true
	if first, _, _ := strings.Cut(dir, "/"); w.protected[first] != "" {
		return // it cannot be renamed already, and must not become writable
	}
	p := filepath.Join(w.opt.Root, dir)
	w.pins = append(w.pins, Bind{Source: p, Target: p})
}

func (w *Workspace) protectOne(ctx context.Context, c trigger.Control) (found bool, err error) {
	info, err := w.root.Lstat(c.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return true, w.protectLink(c)
	}
	p := filepath.Join(w.opt.Root, c.Name)
	w.protected[c.Name] = c.Reason
	if _, shown := w.secrets[c.Name]; shown { // its view is read-only as well
		return true, nil
	}
	b := Bind{Source: p, Target: p, ReadOnly: true}
	if c.Private && info.IsDir() {
		if dir, ok := w.privateCopy(ctx, c.Name); ok {
			b = Bind{Source: dir, Target: p}
		}
	}
	w.view.Binds = append(w.view.Binds, b)
	if b.ReadOnly {
		w.protectOthers(c, info.IsDir())
	}
	return true, nil
}

// protectOthers makes the other names of a control file read-only, too: a
// mount covers a name, not the file.
func (w *Workspace) protectOthers(c trigger.Control, isDir bool) {
	names := []string{c.Name}
	for dir, list := range w.tree.dirs {
		if !isDir || dir != c.Name && !strings.HasPrefix(dir, c.Name+"/") {
			continue
		}
		for _, l := range list {
			if !l.dir {
				names = append(names, path.Join(dir, l.name))
			}
		}
	}
	for _, name := range names {
		for _, other := range w.hardLinks(w.tree, name) {
			if w.underProtection(other) {
				continue
			}
			w.protected[other] = c.Reason
			w.pin(path.Dir(other))
			p := filepath.Join(w.opt.Root, other)
			w.view.Binds = append(w.view.Binds, Bind{Source: p, Target: p, ReadOnly: true})
		}
	}
}

// protectLink protects what a link in the root means; a mount cannot lie on a
// link itself, so its replacement is for the watch to see.
func (w *Workspace) protectLink(c trigger.Control) error {
	w.protected[c.Name] = c.Reason
	w.links[c.Name], _ = w.root.Readlink(c.Name)
	rel, err := w.root.Resolve(c.Name)
	if err != nil {
		return nil // its target is not inside
	}
	w.pin(path.Dir(rel))
	if _, shown := w.secrets[rel]; !shown {
		p := filepath.Join(w.opt.Root, rel)
		w.view.Binds = append(w.view.Binds, Bind{Source: p, Target: p, ReadOnly: true})
	}
	return nil
}

// privateCopy copies a small directory into the session's, for the inside to
// write to; what it writes there stays there. ok is false when it is too large.
func (w *Workspace) privateCopy(ctx context.Context, name string) (dir string, ok bool) {
	dir = filepath.Join(w.opt.SessionDir, "private", name)
	left := int64(8 << 20)
	if os.MkdirAll(dir, 0o755) != nil {
		return "", false
	}
	complete, err := w.root.Walk(ctx, name, safefs.Limits{Entries: 2000, Depth: 16}, func(p string, e safefs.Entry) error {
		to := filepath.Join(w.opt.SessionDir, "private", p)
		switch {
		case e.IsDir():
			return os.Mkdir(to, 0o755)
		case e.Type != 0:
			return nil
		}
		b, err := w.root.ReadFile(p, left)
		if err != nil {
			return err
		}
		info, err := w.root.Lstat(p)
		if err != nil {
			return err
		}
		left -= int64(len(b))
		return os.WriteFile(to, b, info.Mode().Perm()|0o600)
	})
	if err != nil || !complete {
		_ = os.RemoveAll(dir)
		return "", false
	}
	return dir, true
}

func (w *Workspace) note(format string, args ...any) {
	w.view.Notes = append(w.view.Notes, fmt.Sprintf(format, args...))
}
