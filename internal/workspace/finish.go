package workspace

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/githome"
)

// What Finish reports, see package githome.
type (
	Report       = githome.Report
	RefChange    = githome.RefChange
	Outcome      = githome.Outcome
	ConfigChange = githome.ConfigChange
)

// Finish brings home what git made inside: commits, branches, tags, stashes
// and harmless settings. Call it when the last process inside is gone. What
// cannot be brought home is kept and named in the report; an error means that
// nothing was done for a repository.
//
// In review mode they come home below refs/bailey only; the rest is done when
// everything is applied.
func (w *Workspace) Finish(ctx context.Context) (Report, error) { return w.bring(ctx, w.opt.Review) }

func (w *Workspace) bring(ctx context.Context, onlyKeep bool) (Report, error) {
	var all Report
	var first error
	for i, p := range w.parts {
		session := w.opt.SessionID
		if i > 0 { // they may share references with the first
			session = fmt.Sprintf("%s-%d", session, i+1)
		}
		look := func(paths []string) { w.gitlinks(&all, p.Rel, paths) }
		unlock := noneMade(p.Repo.CommonDir)
		r, err := githome.Bring(ctx, githome.Options{
			Repo: p.Repo, Start: p.Start, Private: p.Dir,
			Session: session, Scratch: filepath.Join(w.opt.SessionDir, "scratch"), Path: w.opt.Path, Workspace: w.opt.Root,
			OnlyKeep: onlyKeep, Gitlinks: look, Before: func() error { return w.keepGit(ctx, i, p.Repo, false) },
		})
		unlock()
		if err != nil {
			w.keep = true
			if first == nil {
				first = fmt.Errorf("%s: %w", p.Repo.Root, err)
			}
			continue
		}
		if r.Kept != "" || r.Waits {
			w.keep = true
		}
		if err := w.keepGit(ctx, i, p.Repo, true); err != nil {
			r.Notes = append(r.Notes, fmt.Sprintf("undo will not know what git's state was: %v", err))
		}
		merge(&all, r, p.Rel)
	}
	return all, first
}

// gitlinks moves away every .git that was made inside at a path which the
// host's git takes for a submodule: git status runs git there, by settings of
// that .git.
func (w *Workspace) gitlinks(all *Report, rel string, paths []string) {
	for _, p := range paths {
		dir := path.Join(rel, p)
		if slices.Contains(w.nested, dir) {
			continue // it was there before, and was protected
		}
		git := dir + "/.git"
		if _, err := w.root.Lstat(git); err != nil {
			continue
		}
		f, ok := w.guard.Take(git, "git submodules")
		git = gitdir.Plain(git, 300) // the name was chosen inside
		switch {
		case !ok:
		case f.Err != nil:
			all.Notes = append(all.Notes, fmt.Sprintf("%s was made inside and could not be moved away (%v): do not run git here before it is gone", git, f.Err))
		default:
			all.Notes = append(all.Notes, fmt.Sprintf("%s was made inside where git looks for a submodule; it lies in %s now", git, gitdir.Plain(f.Where, 1000)))
		}
	}
}

// merge adds the report of one repository; those below the root are named.
func merge(all *Report, r Report, rel string) {
	if rel == "" {
		r.Notes = append(all.Notes, r.Notes...)
		*all = r
		return
	}
	for i := range r.Refs {
		r.Refs[i].Name = rel + ": " + r.Refs[i].Name
	}
	for i := range r.Notes {
		r.Notes[i] = rel + ": " + r.Notes[i]
	}
	all.Refs = append(all.Refs, r.Refs...)
	all.Notes = append(all.Notes, r.Notes...)
	all.Config = append(all.Config, r.Config...)
	all.Waits = all.Waits || r.Waits
	if all.Kept == "" {
		all.Kept = r.Kept
	}
}
