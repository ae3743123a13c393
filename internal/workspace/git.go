package workspace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strconv"

	"github.com/bailey-project/bailey/internal/workspace/extent"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
)

// part is one repository that has a private git directory: the root's own, or
// one that lies in the tree (submodule, linked worktree, another clone).
type part struct {
	Rel   string // of its working tree to the root, "" for the root
	Dir   string // the private directory, on the host
	Repo  gitdir.Repo
	Start gitdir.Start
}

// maxParts bounds the repositories of one tree; further ones are hidden.
const maxParts = 48

// privateGit makes the private directories and the mounts that show them.
func (w *Workspace) privateGit(ctx context.Context) error {
	if w.repo != nil {
		w.protected[".git"] = "git"
		if err := w.addPart(ctx, "", w.repo); err != nil {
			w.hideGit("", err)
		}
	}
	for _, rel := range w.tree.nested {
		repo, err := gitdir.Locate(filepath.Join(w.opt.Root, rel))
		if errors.Is(err, gitdir.ErrNone) {
			continue
		}
		w.pin(rel)
		if err == nil && len(w.parts) >= maxParts {
			err = errors.New("there are too many repositories in this tree")
		}
		if err == nil {
			err = w.addPart(ctx, rel, repo)
		}
		if err != nil {
			w.hideGit(rel, err)
		}
	}
	return nil
}

func (w *Workspace) addPart(ctx context.Context, rel string, repo *gitdir.Repo) error {
	name := "git"
	if n := len(w.parts); n > 0 || rel != "" {
		name += "." + strconv.Itoa(n+1)
	}
	var err error
	x := w.index
	if rel != "" {
		if x, err = repo.ReadIndex(); err != nil {
			return err
		}
	}
	p := part{Rel: rel, Dir: filepath.Join(w.opt.SessionDir, name), Repo: *repo}
	dirs, err := repo.Objects(w.mayShow)
	if err != nil {
		return err
	}
	plan := gitdir.Plan{Dir: p.Dir, Index: x, Masked: w.maskedBelow(rel)}
	for i := range dirs {
		plan.Objects = append(plan.Objects, w.objectsInside(i))
	}
	if p.Start, err = repo.Build(ctx, plan); err != nil {
		_ = os.RemoveAll(p.Dir)
		return err
	}
	for i, dir := range dirs {
		w.borrow(dir, plan.Objects[i])
	}
	w.borrowed += len(dirs)
	w.parts = append(w.parts, p)
	w.showGit(p, name)
	return nil
}

// showGit lays the private directory where git looks for it. A .git file, of a
// worktree or submodule, is shown with another pointer.
func (w *Workspace) showGit(p part, name string) {
	target := filepath.Join(w.opt.Root, p.Rel, ".git")
	if !p.Repo.Linked {
		w.view.Binds = append(w.view.Binds, Bind{Source: p.Dir, Target: target})
		return
	}
	inside := w.opt.RunDir + "/" + name
	w.view.Binds = append(w.view.Binds, Bind{Source: p.Dir, Target: inside})
	w.view.Files = append(w.view.Files, File{Target: target, Content: []byte("gitdir: " + inside + "\n")})
}

func (w *Workspace) objectsInside(i int) string {
	if n := w.borrowed + i; n > 0 {
		return w.opt.RunDir + "/objects." + strconv.Itoa(n)
	}
	return w.opt.RunDir + "/objects"
}

// borrow shows a directory of objects. Its own list of further ones names
// paths of the host, so it is covered; all are listed in the private directory.
func (w *Workspace) borrow(dir, inside string) {
	w.view.Binds = append(w.view.Binds, Bind{Source: dir, Target: inside, ReadOnly: true})
	if _, err := os.Lstat(filepath.Join(dir, "info/alternates")); err == nil {
		w.view.Masks = append(w.view.Masks, inside+"/info/alternates")
	}
}

// mayShow says whether a real path belongs to the project: its tree, or the
// directory of the repository that the tree is a worktree of.
func (w *Workspace) mayShow(dir string) bool {
	if extent.Below(dir, w.opt.Root) {
		return true
	}
	if w.repo == nil {
		return false
	}
	common, err := filepath.EvalSymlinks(w.repo.CommonDir)
	return err == nil && extent.Below(dir, common)
}

// hideGit shows an empty .git, because what the real one holds (credentials in
// its settings) and does (hooks) is not known to be harmless.
func (w *Workspace) hideGit(rel string, why error) {
	git := filepath.Join(rel, ".git")
	target := filepath.Join(w.opt.Root, git)
	w.note("git is hidden in %s: %v", filepath.Join(w.opt.Root, rel), why)
	w.view.Hidden = append(w.view.Hidden, git)
	info, err := w.root.Lstat(git)
	switch {
	case err != nil:
	case info.IsDir():
		empty := filepath.Join(w.opt.SessionDir, "private", "empty")
		if os.MkdirAll(empty, 0o755) == nil {
			w.view.Binds = append(w.view.Binds, Bind{Source: empty, Target: target, ReadOnly: true})
		}
	case info.Mode().IsRegular():
		w.view.Masks = append(w.view.Masks, target)
	default:
		w.hideLink(git)
	}
	if rel == "" {
		w.protected[".git"] = "git"
	}
}

// hideLink covers what a .git that is a link means, if that is in the tree.
func (w *Workspace) hideLink(git string) {
	w.links[git], _ = w.root.Readlink(git)
	rel, err := w.root.Resolve(git)
	if err != nil {
		return
	}
	w.pin(path.Dir(rel))
	empty := filepath.Join(w.opt.SessionDir, "private", "empty")
	if os.MkdirAll(empty, 0o755) == nil {
		w.view.Binds = append(w.view.Binds, Bind{Source: empty, Target: filepath.Join(w.opt.Root, rel), ReadOnly: true})
	}
}

// maskedBelow are the secret files of one repository, relative to it.
func (w *Workspace) maskedBelow(rel string) map[string]bool {
	list := map[string]bool{}
	for name := range w.secrets {
		if in, err := filepath.Rel(filepath.Join("/", rel), filepath.Join("/", name)); err == nil && filepath.IsLocal(in) {
			list[in] = true
		}
	}
	return list
}

// tracked are the objects that the index of the root's repository has for the
// names.
func (w *Workspace) tracked(names []string) (map[string][]byte, error) {
	list := map[string][]byte{}
	if w.index == nil || len(names) == 0 {
		return list, nil
	}
	wanted := make(map[string]bool, len(names))
	for _, n := range names {
		wanted[n] = true
	}
	err := w.index.Each(func(e gitdir.IndexEntry) {
		if wanted[string(e.Path)] {
			list[string(e.Path)] = bytes.Clone(e.Object)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("git index: %w", err)
	}
	return list, nil
}
