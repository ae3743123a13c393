package githome

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/gitconfig"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
)

// left is what the inside left in the private git directory, as far as it is
// well-formed.
type left struct {
	head      gitdir.Head
	refs      map[string]string
	bad       int               // references that are not well-formed
	worktrees map[string]string // made inside, with a detached HEAD → its object
	linked    int               // worktrees made inside
	stash     []gitdir.StashEntry
	settings  []gitconfig.Setting
	states    map[string]string
	index     string // digest, "" if there is none
	entries   *gitdir.Index
	modules   bool // repositories of new submodules
}

// readLeft reads it all. Only what is needed to find commits is an error; a
// damaged configuration, say, is none.
func readLeft(ctx context.Context, r *safefs.Root, hexLen int) (l left, err error) {
	refs, bad, err := gitdir.ReadRefs(ctx, r, hexLen)
	if err != nil {
		return l, err
	}
	l.refs, l.bad = refs.Direct, bad
	if l.head, err = gitdir.ReadHead(r, hexLen); err != nil {
		l.head, l.bad = gitdir.Head{}, l.bad+1
	}
	l.stash, _ = gitdir.ReadStash(r, hexLen)
	if b, err := r.ReadFile("config", 4<<20); err == nil {
		l.settings, _ = gitconfig.Parse(b)
	}
	l.states = map[string]string{}
	if states, err := gitdir.States(ctx, r); err == nil {
		for name, data := range states {
			l.states[name] = sum(data)
		}
	}
	if b, err := r.ReadFile("index", 1<<29); err == nil {
		l.index = sum(b)
		l.entries, _ = gitdir.NewIndex(b, hexLen)
	}
	l.readWorktrees(r, hexLen)
	if list, _ := r.ReadDir("modules", 1); len(list) > 0 {
		l.modules = true
	}
	return l, nil
}

// readWorktrees finds the detached HEADs of `git worktree add` inside; their
// branches are among the references anyway.
func (l *left) readWorktrees(r *safefs.Root, hexLen int) {
	l.worktrees = map[string]string{}
	list, _ := r.ReadDir("worktrees", 200)
	for _, e := range list {
		name := path.Join("worktrees", e.Name)
		if !e.IsDir() || !gitdir.ValidRef("refs/"+name) {
			continue
		}
		l.linked++
		sub, err := r.Sub(name)
		if err != nil {
			continue
		}
		if h, err := gitdir.ReadHead(sub, hexLen); err == nil && h.Object != "" {
			l.worktrees[name] = h.Object
		}
		sub.Close()
	}
}

// wanted are the objects that have to come home, by where they were found.
func (b *bringer) wanted() map[string]string {
	want := map[string]string{}
	stash := b.newStash()
	for name, v := range b.left.refs {
		if v != b.Start.Refs[name] && (name != "refs/stash" || len(stash) == 0) {
			want[name] = v
		}
	}
	if o := b.left.head.Object; o != "" && o != b.Start.Head.Object {
		want["HEAD"] = o
	}
	for name, o := range b.left.worktrees {
		want[name] = o
	}
	for i, s := range stash {
		want[fmt.Sprintf("stash/%d", i)] = s.Object
	}
	return want
}

// newStash are the stash entries made inside, oldest first.
func (b *bringer) newStash() (list []gitdir.StashEntry) {
	had := map[string]bool{}
	for _, o := range b.Start.Stash {
		had[o] = true
	}
	for _, s := range b.left.stash {
		if !had[s.Object] {
			list = append(list, s)
		}
	}
	return list
}

// otherWorktrees maps each branch that another working tree of the host's
// repository has checked out to that tree.
func otherWorktrees(p *gitdir.Repo, common *safefs.Root) (map[string]string, error) {
	out := map[string]string{}
	add := func(dir, where string) {
		r, err := safefs.Open(dir)
		if err != nil {
			return
		}
		defer r.Close()
		if h, err := gitdir.ReadHead(r, p.Hex); err == nil && h.Branch != "" {
			out[h.Branch] = where
		}
		// During a rebase HEAD is detached, but the branch is taken all the same.
		for _, f := range []string{"rebase-merge/head-name", "rebase-apply/head-name"} {
			if b, err := r.ReadFile(f, 4096); err == nil {
				out[strings.TrimSpace(string(b))] = where
			}
		}
	}
	if p.CommonDir != p.GitDir {
		add(p.CommonDir, "the main working tree")
	}
	list, err := common.ReadDir("worktrees", 10000)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, e := range list {
		if dir := filepath.Join(p.CommonDir, "worktrees", e.Name); dir != p.GitDir {
			add(dir, "worktree "+e.Name)
		}
	}
	return out, nil
}

// renamed returns the branch that name was renamed from inside, "" if none:
// git says so in the log of the new one.
func (b *bringer) renamed(name string) string {
	log, err := b.private.ReadFile("logs/"+name, 16<<20)
	if err != nil {
		return ""
	}
	const words = "\tBranch: renamed "
	for line := range bytes.Lines(log) {
		_, rest, ok := strings.Cut(strings.TrimSpace(string(line)), words)
		if !ok {
			continue
		}
		old, to, ok := strings.Cut(rest, " to ")
		if ok && to == name && gitdir.ValidRef(old) && b.left.refs[old] == "" && b.Start.Refs[old] != "" {
			return old
		}
	}
	return ""
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
