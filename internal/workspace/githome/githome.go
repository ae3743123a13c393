// Package githome brings home what git made inside a sandbox: commits as
// objects, references, the stash, what is staged, and harmless settings.
//
// The private git directory was written by somebody who is not trusted. It is
// read with code of this project's own: object files are copied into a clean
// repository that knows nothing of the private one's settings, hooks, alternates
// and logs, packed there, and unpacked by `git index-pack --strict` on the host,
// which recomputes every object's name. References move only when the host's
// stand where they stood at the start, or further back on the same line.
//
// Its invariants: nothing in the private directory is executed, followed or
// read by git as settings; and nothing that was committed inside is lost: what
// cannot be brought home stays in the private directory, and is named.
package githome

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/gitconfig"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/gitrun"
)

// Options say what to bring home.
type Options struct {
	Repo      gitdir.Repo
	Start     gitdir.Start
	Private   string // the private git directory
	Session   string // its references rest below refs/bailey/SESSION
	Scratch   string // made and removed here; on a file system with room
	Path      string // PATH to find git in
	Workspace string // no program from below it is run

	// Gitlinks is told of every path that is, or will be, a repository of its
	// own to the host's git, before that is so. May be nil.
	Gitlinks func(paths []string)

	// OnlyKeep writes nothing but the references below refs/bailey/SESSION.
	OnlyKeep bool

	// Before is called before the host's repository is changed. May be nil.
	Before func() error
}

// bringer is one run of Bring.
type bringer struct {
	Options
	git       *gitrun.Git
	own       *safefs.Root // the host's git directory
	common    *safefs.Root
	private   *safefs.Root
	left      left              // what the inside left
	now       map[string]string // the host's references
	head      gitdir.Head       // the host's HEAD
	elsewhere map[string]string // branches checked out in other worktrees → where
	missing   map[string]bool   // objects that could not be brought home
	headMoved bool              // since the start, by the user
	gone      []string          // branches that were renamed
	report    Report
}

// Bring does it. An error means that nothing was changed.
func Bring(ctx context.Context, o Options) (Report, error) {
	b := &bringer{Options: o, missing: map[string]bool{}}
	defer b.close()
	if err := b.open(ctx); err != nil {
		return Report{}, err
	}
	if !b.changed() {
		return b.report, nil
	}
	var err error
	if b.git, err = gitrun.Find(&b.Repo, o.Path, o.Workspace); err != nil {
		b.report.Kept = o.Private
		b.note("commits made inside are kept in %s: %v", o.Private, err)
		return b.report, nil
	}
	if b.Before != nil {
		if err := b.Before(); err != nil {
			return Report{}, err
		}
	}
	if err := b.importObjects(ctx); err != nil {
		return Report{}, err
	}
	b.rest(ctx)
	return b.report, nil
}

// rest changes the host's repository, step by step; each step that cannot be
// done is said and costs no other.
func (b *bringer) rest(ctx context.Context) {
	b.keepAll(ctx)
	if b.OnlyKeep {
		b.report.Waits = !maps.Equal(b.left.refs, b.Start.Refs) || b.left.head != b.Start.Head || len(b.newStash()) > 0
		return
	}
	b.moveRefs(ctx)
	b.moveHead(ctx)
	b.bringStash(ctx)
	b.mergeConfig(ctx)
	if len(b.missing) > 0 {
		b.report.Kept = b.Private
		b.note("some commits could not be brought home; they are kept in %s", b.Private)
	}
}

func (b *bringer) open(ctx context.Context) error {
	var err error
	if b.private, err = safefs.Open(b.Private); err != nil {
		return fmt.Errorf("private git directory: %w", err)
	}
	if b.left, err = readLeft(ctx, b.private, b.Repo.Hex); err != nil {
		return fmt.Errorf("private git directory: %w", err)
	}
	again, err := gitdir.Locate(b.Repo.Root)
	if err != nil {
		return fmt.Errorf("%s: %w", b.Repo.Root, err)
	}
	if again.CommonDir != b.Repo.CommonDir || again.GitDir != b.Repo.GitDir {
		return errors.New("another repository stands there now")
	}
	b.Repo = *again
	if b.own, err = safefs.Open(b.Repo.GitDir); err != nil {
		return err
	}
	if b.common, err = safefs.Open(b.Repo.CommonDir); err != nil {
		return err
	}
	return b.readHost(ctx)
}

func (b *bringer) readHost(ctx context.Context) error {
	refs, _, err := gitdir.ReadRefs(ctx, b.common, b.Repo.Hex)
	if err != nil {
		return err
	}
	b.now = refs.Direct
	if b.head, err = gitdir.ReadHead(b.own, b.Repo.Hex); err != nil {
		return err
	}
	b.headMoved = b.head != b.Start.Head
	b.elsewhere, err = otherWorktrees(&b.Repo, b.common)
	return err
}

func (b *bringer) close() {
	for _, r := range []*safefs.Root{b.own, b.common, b.private} {
		if r != nil {
			_ = r.Close()
		}
	}
	_ = os.RemoveAll(b.Scratch)
}

func (b *bringer) note(format string, args ...any) {
	b.report.Notes = append(b.report.Notes, fmt.Sprintf(format, args...))
}

// changed reports whether the inside left anything to do at all.
func (b *bringer) changed() bool {
	same := maps.Equal(b.left.refs, b.Start.Refs) && b.left.head == b.Start.Head && len(b.left.worktrees) == 0
	return !same || b.left.index != b.Start.Private || len(b.newStash()) > 0 ||
		len(gitconfig.Merge(b.Start.Settings, b.left.settings, nil)) > 0 || !maps.Equal(b.left.states, b.Start.States)
}

// Pending names the references whose value inside is nowhere on the host.
func Pending(ctx context.Context, repo gitdir.Repo, start gitdir.Start, private string) ([]string, error) {
	p, err := safefs.Open(private)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer p.Close()
	l, err := readLeft(ctx, p, repo.Hex)
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	if c, err := safefs.Open(repo.CommonDir); err == nil {
		defer c.Close()
		if refs, _, err := gitdir.ReadRefs(ctx, c, repo.Hex); err == nil {
			for _, v := range refs.Direct {
				known[v] = true
			}
		}
	}
	var names []string
	for name, v := range l.refs {
		if v != start.Refs[name] && !known[v] {
			names = append(names, name)
		}
	}
	if o := l.head.Object; o != "" && o != start.Head.Object && !known[o] {
		names = append(names, "HEAD")
	}
	slices.Sort(names)
	return names, nil
}

// short is a reference as people write it.
func short(name string) string {
	for _, p := range []string{"refs/heads/", "refs/tags/", "refs/"} {
		if s, ok := strings.CutPrefix(name, p); ok {
			return s
		}
	}
	return name
}
