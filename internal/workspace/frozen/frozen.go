// Package frozen copies a project, for a session that must not see what the
// host saves beside it.
//
// It does not decide what is hidden. Its invariant: of a hidden file there is
// an empty one in the copy, and nothing that a link means is read.
package frozen

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
)

// Project is what is copied.
type Project struct {
	Root   *safefs.Root
	Tree   *capture.Tree
	Hidden []string // files that become empty ones, for their views to lie on
	Git    []string // directories whose .git becomes an empty one
}

// Copy makes the copy in an empty directory of ours. Blocks are shared where
// the file system can do that.
func (p Project) Copy(ctx context.Context, to string) error {
	t := p.Tree
	list := make([]capture.Entry, 0, len(t.Entries))
	for _, e := range t.Entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b capture.Entry) int { return cmp.Compare(a.Path, b.Path) }) // parents first
	if err := p.names(to, list); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, e := range list {
		if e.Type == 0 && ctx.Err() == nil {
			g.Go(func() error { return p.file(e, filepath.Join(to, e.Path)) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	slices.Reverse(list)
	for _, e := range list { // the deepest first: one may not be writable
		if e.Type == fs.ModeDir {
			if err := os.Chmod(filepath.Join(to, e.Path), fs.FileMode(e.Perm&0o777)); err != nil {
				return err
			}
		}
	}
	return nil
}

// names makes directories and links, and what views are laid on.
func (p Project) names(to string, list []capture.Entry) error {
	for _, e := range list {
		var err error
		switch e.Type {
		case fs.ModeDir:
			err = os.Mkdir(filepath.Join(to, e.Path), 0o700)
		case fs.ModeSymlink:
			err = os.Symlink(e.Link, filepath.Join(to, e.Path))
		}
		if err != nil {
			return err
		}
	}
	for _, rel := range p.Hidden {
		if err := emptyFile(filepath.Join(to, rel)); err != nil {
			return err
		}
	}
	for _, dir := range p.Git {
		git := path.Join(dir, ".git")
		st, err := p.Root.Stat(git)
		switch {
		case err != nil: // there is none
		case st.Type == fs.ModeDir:
			err = os.Mkdir(filepath.Join(to, git), 0o700)
		case st.Type == 0:
			err = emptyFile(filepath.Join(to, git))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func emptyFile(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o400)
	if err != nil {
		return err
	}
	return f.Close()
}

// file copies one; one that is gone, or not ours to read, is left out,
// as it would be of no use inside either.
func (p Project) file(e capture.Entry, to string) error {
	in, err := p.Root.OpenFile(e.Path)
	if err != nil {
		return nil
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if !safefs.Clone(out, in) {
		_, err = io.Copy(out, io.LimitReader(in, e.Size))
	}
	err = errors.Join(err, out.Chmod(fs.FileMode(e.Perm&0o777)), out.Close())
	if err != nil {
		return fmt.Errorf("copying %s: %w", e.Path, err)
	}
	when := time.Unix(0, e.Modified)
	return os.Chtimes(to, when, when)
}
