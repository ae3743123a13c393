// Package gitback remembers what a repository's own state is (HEAD, branches,
// tags, what is staged, settings, operations in progress, stashes) before a
// session's work comes home, and puts it back.
//
// It touches no object: commits that came home stay below refs/bailey. Its
// invariant: what is put back was set by the session and by nobody since;
// everything else stays and is named.
package gitback

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/gitrun"
)

// State is what a repository's own files say.
type State struct {
	Head     gitdir.Head
	Refs     map[string]string
	Symbolic map[string]string
	Stash    []string // objects, oldest first
	Index    []byte
	Config   []byte
	States   map[string][]byte
}

// Record is a repository before and after a session's work came home.
type Record struct {
	Repo          gitdir.Repo
	Before, After State
}

// Read reads the state of a repository.
func Read(ctx context.Context, repo *gitdir.Repo) (s State, err error) {
	own, common, err := open(repo)
	if err != nil {
		return s, err
	}
	defer own.Close()
	defer common.Close()
	refs, _, err := gitdir.ReadRefs(ctx, common, repo.Hex)
	if err != nil {
		return s, err
	}
	s.Refs, s.Symbolic = refs.Direct, refs.Symbolic
	maps.DeleteFunc(s.Refs, func(name, _ string) bool { return strings.HasPrefix(name, "refs/bailey/") || name == "refs/stash" })
	if s.Head, err = gitdir.ReadHead(own, repo.Hex); err != nil {
		return s, err
	}
	stash, err := gitdir.ReadStash(common, repo.Hex)
	if err != nil {
		return s, err
	}
	for _, e := range stash {
		s.Stash = append(s.Stash, e.Object)
	}
	if s.Index, err = read(own, "index"); err != nil {
		return s, err
	}
	if s.Config, err = read(common, "config"); err != nil {
		return s, err
	}
	s.States, err = gitdir.States(ctx, own)
	return s, err
}

func open(repo *gitdir.Repo) (own, common *safefs.Root, err error) {
	if own, err = safefs.Open(repo.GitDir); err != nil {
		return nil, nil, err
	}
	if common, err = safefs.Open(repo.CommonDir); err != nil {
		own.Close()
		return nil, nil, err
	}
	return own, common, nil
}

// read reads a file; a missing one is nil.
func read(r *safefs.Root, name string) ([]byte, error) {
	b, err := r.ReadFile(name, 1<<30)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Step is one thing that is put back, or left and why.
type Step struct {
	What string `json:"what"`
	Why  string `json:"why,omitempty"` // it is left

	do func() error
}

// planner compares a record with the repository as it is now.
type planner struct {
	Record
	ctx   context.Context
	git   *gitrun.Git
	now   State
	steps []Step
}

// Plan lists what would be put back, in the order in which it has to be.
func Plan(ctx context.Context, r Record, git *gitrun.Git) ([]Step, error) {
	now, err := Read(ctx, &r.Repo)
	if err != nil {
		return nil, err
	}
	p := planner{Record: r, ctx: ctx, git: git, now: now}
	p.refs()
	p.head()
	p.file("what is staged", "index", p.staged)
	p.file("settings", "config", func(s State) string { return string(s.Config) })
	p.operations()
	p.stash()
	return p.steps, nil
}

// Run carries the steps out and returns those that could not be.
func Run(steps []Step) (left []Step) {
	for _, s := range steps {
		if s.Why != "" {
			left = append(left, s)
		} else if err := s.do(); err != nil {
			s.Why = err.Error()
			left = append(left, s)
		}
	}
	return left
}

// add adds a step for a thing that was before, was set to after and is now;
// equal compares two of the three.
func (p *planner) add(what string, changed, already, moved bool, do func() error) {
	switch {
	case !changed, already:
	case moved:
		p.steps = append(p.steps, Step{What: what, Why: "changed since the session ended"})
	default:
		p.steps = append(p.steps, Step{What: what, do: do})
	}
}

// refs puts each reference back, in a transaction in which git checks that it
// still has the value that the session gave it; new ones are deleted first.
func (p *planner) refs() {
	names := map[string]bool{}
	for _, m := range []map[string]string{p.Before.Refs, p.After.Refs} {
		for n := range m {
			names[n] = true
		}
	}
	order := slices.SortedFunc(maps.Keys(names), func(a, b string) int { // a name may be in the way of another
		return cmp.Or(cmp.Compare(len(p.Before.Refs[a]), len(p.Before.Refs[b])), cmp.Compare(a, b))
	})
	for _, name := range order {
		before, after, now := p.Before.Refs[name], p.After.Refs[name], p.now.Refs[name]
		p.add(strings.TrimPrefix(name, "refs/"), before != after, now == before, now != after, func() error { return p.ref(name, before, after) })
	}
}

func (p *planner) ref(name, before, after string) error {
	zero := strings.Repeat("0", p.Repo.Hex)
	line := fmt.Sprintf("update %s %s %s\n", name, before, or(after, zero))
	if before == "" {
		line = fmt.Sprintf("delete %s %s\n", name, after)
	}
	_, err := gitrun.Output(p.git.Host(p.ctx, "update-ref", "-m", "bailey: undo", "--no-deref", "--stdin"), line)
	return err
}

func or(a, b string) string {
	if a == "" {
		return b
	}
	return a
}

func (p *planner) head() {
	before, after, now := p.Before.Head, p.After.Head, p.now.Head
	p.add("HEAD", before != after, now == before, now != after, func() error {
		args := []string{"symbolic-ref", "-m", "bailey: undo", "HEAD", before.Branch}
		if before.Branch == "" {
			args = []string{"update-ref", "--no-deref", "-m", "bailey: undo", "HEAD", before.Object}
		}
		_, err := gitrun.Output(p.git.Host(p.ctx, args...), "")
		return err
	})
}

// file replaces a file of the git directory under the lock that git itself
// takes for it.
func (p *planner) file(what, name string, means func(State) string) {
	before, after, now := means(p.Before), means(p.After), means(p.now)
	p.add(what, before != after, now == before, now != after, func() error {
		content := p.Before.Index
		if name == "config" {
			content = p.Before.Config
		}
		own, common, err := open(&p.Repo)
		if err != nil {
			return err
		}
		defer own.Close()
		defer common.Close()
		r := own
		if name == "config" {
			r = common
		}
		if content == nil {
			return r.Remove(name)
		}
		lock := name + ".lock"
		if err := r.CreateExclusive(lock, content, 0o644); err != nil {
			return fmt.Errorf("%s: another git process is at work: %w", name, err)
		}
		if err := r.SetAttr(lock, p.attr(r, name)); err != nil {
			return errors.Join(err, r.Remove(lock))
		}
		return r.Rename(lock, name)
	})
}

// staged is what an index means: git status writes it anew with other times of
// the same files.
func (p *planner) staged(s State) string {
	x, err := gitdir.NewIndex(s.Index, p.Repo.Hex)
	if err != nil {
		return string(s.Index)
	}
	h := sha256.New()
	err = x.Each(func(e gitdir.IndexEntry) {
		fmt.Fprintf(h, "%q %o %x %d %t\n", e.Path, e.Mode, e.Object, e.Stage, e.Intended)
	})
	if err != nil {
		return string(s.Index)
	}
	return string(h.Sum(nil))
}

// attr keeps mode and owner of the file that is replaced.
func (p *planner) attr(r *safefs.Root, name string) safefs.Attr {
	st, err := r.Stat(name)
	if err != nil {
		return safefs.Attr{Perm: 0o644}
	}
	return safefs.Attr{Perm: st.Perm, Owned: os.Geteuid() == 0, UID: st.UID, GID: st.GID}
}

// operations puts the state of a merge, say, back that was finished inside.
func (p *planner) operations() {
	same := func(a, b map[string][]byte) bool { return maps.EqualFunc(a, b, bytes.Equal) }
	before, after, now := p.Before.States, p.After.States, p.now.States
	p.add("the "+or(gitdir.Operation(before), "operation")+" in progress", !same(before, after), same(now, before), !same(now, after), func() error {
		own, common, err := open(&p.Repo)
		if err != nil {
			return err
		}
		defer own.Close()
		defer common.Close()
		for name, data := range before {
			if i := strings.LastIndexByte(name, '/'); i > 0 {
				err = errors.Join(err, own.MkdirAll(name[:i], 0o755))
			}
			err = errors.Join(err, own.WriteFile(name, data, 0o644))
		}
		return err
	})
}

// stash drops the entries that came home, the newest first.
func (p *planner) stash() {
	before, after, now := p.Before.Stash, p.After.Stash, p.now.Stash
	grown := len(after) > len(before) && slices.Equal(after[:len(before)], before)
	p.add("the stash", grown, slices.Equal(now, before), !slices.Equal(now, after), func() error {
		for range len(after) - len(before) {
			if _, err := gitrun.Output(p.git.Host(p.ctx, "stash", "drop", "--quiet"), ""); err != nil {
				return err
			}
		}
		return nil
	})
}
