package githome

import (
	"context"
	"maps"
	"strings"

	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/gitrun"
)

// moveHead lets the host's HEAD and index follow, when the user did not move
// them meanwhile: the files already are as the inside left them.
func (b *bringer) moveHead(ctx context.Context) {
	if op := gitdir.Operation(b.left.states); op != "" && !maps.Equal(b.left.states, b.Start.States) {
		b.note("a %s was not finished inside; HEAD and what is staged stay as they were, its state is kept in %s", op, b.Private)
		b.report.Kept = b.Private
		return
	}
	if b.headMoved {
		if b.left.head != b.Start.Head {
			b.note("HEAD was moved here meanwhile and stays")
		}
		return
	}
	before := b.Start.Head.Object
	if before == "" {
		before = b.Start.Refs[b.Start.Head.Branch]
	}
	if !b.followHead(ctx) {
		return
	}
	after := b.head.Object
	if after == "" {
		after = b.now[b.head.Branch]
	}
	if inside := b.insideCommit(); inside != after {
		return // the branch was not moved, which has been said
	}
	b.updateIndex(ctx, before, after)
}

// insideCommit is what HEAD finally means inside, "" for a branch to be born.
func (b *bringer) insideCommit() string {
	if b.left.head.Object != "" {
		return b.left.head.Object
	}
	return b.left.refs[b.left.head.Branch]
}

// followHead makes the host's HEAD mean what it means inside.
func (b *bringer) followHead(ctx context.Context) bool {
	want := b.left.head
	if want == b.head || want == (gitdir.Head{}) {
		return want == b.head
	}
	var err error
	switch {
	case want.Object != "" && b.missing[want.Object]:
		return false
	case want.Object != "":
		_, err = gitrun.Output(b.git.Host(ctx, "update-ref", "--no-deref", "-m", "bailey: session "+b.Session, "HEAD", want.Object), "")
	case b.now[want.Branch] == "" || b.elsewhere[want.Branch] != "" || b.now[want.Branch] != b.left.refs[want.Branch]:
		b.note("HEAD stays: %s is not the same here as inside", short(want.Branch))
		return false
	default:
		_, err = gitrun.Output(b.git.Host(ctx, "symbolic-ref", "-m", "bailey: session "+b.Session, "HEAD", want.Branch), "")
	}
	if err != nil {
		b.note("HEAD stays: %v", err)
		return false
	}
	b.head = want
	b.report.Head = want.Branch
	if want.Branch == "" {
		b.report.Head = want.Object
	}
	return true
}

// updateIndex brings the host's index in line with its new HEAD. When the user
// staged nothing meanwhile, it becomes what it was inside; else only the
// commits' difference is applied, and the user's staged changes are kept.
func (b *bringer) updateIndex(ctx context.Context, before, after string) {
	host, err := b.Repo.ReadIndex()
	if err != nil {
		b.indexLeft(err)
		return
	}
	digest := ""
	if host != nil {
		digest = sum(host.Bytes())
	}
	if digest == b.Start.Index && b.left.entries != nil {
		if lines, ok := b.difference(host); ok {
			b.replaceIndex(ctx, lines)
			return
		}
	}
	if before == after {
		return
	}
	b.gitlinks(b.left.entries)
	if before == "" {
		before = emptyTree(b.Repo.Hex)
	}
	if _, err := gitrun.Output(b.git.Host(ctx, "read-tree", "-i", "-m", before, after), ""); err != nil {
		b.indexLeft(err)
		return
	}
	b.report.Index = "updated"
}

func (b *bringer) indexLeft(err error) {
	b.report.Index = "left: " + err.Error()
	b.note("what is staged stays as it was (%v); git reset brings it in line with HEAD", err)
}

func emptyTree(hexLen int) string {
	if hexLen == 64 {
		return "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
	}
	return "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
}

// replaceIndex gives the host's index the entries that changed inside, and
// ends an operation that was in progress and was finished inside.
func (b *bringer) replaceIndex(ctx context.Context, lines string) {
	b.gitlinks(b.left.entries)
	if lines != "" {
		if _, err := gitrun.Output(b.git.Host(ctx, "update-index", "-z", "--index-info"), lines); err != nil {
			b.indexLeft(err)
			return
		}
		b.report.Index = "updated"
	}
	if op := gitdir.Operation(b.Start.States); op != "" && gitdir.Operation(b.left.states) == "" {
		b.endOperation(ctx, op)
	}
}

// endOperation removes the host's state of a merge, say, that was committed or
// given up inside; unless the user went on with it meanwhile.
func (b *bringer) endOperation(ctx context.Context, op string) {
	now, err := gitdir.States(ctx, b.own)
	if err != nil || len(now) != len(b.Start.States) {
		return
	}
	for name, data := range now {
		if b.Start.States[name] != sum(data) {
			return
		}
	}
	for _, name := range gitdir.StateNames() {
		_ = b.own.RemoveAll(name)
	}
	b.note("the %s that was in progress was finished inside", op)
}

// gitlinks tells the caller which paths the host's git will look into.
func (b *bringer) gitlinks(x *gitdir.Index) {
	if x == nil || b.Gitlinks == nil {
		return
	}
	var paths []string
	_ = x.Each(func(e gitdir.IndexEntry) {
		if e.Mode == gitdir.ModeModule {
			paths = append(paths, strings.Clone(string(e.Path)))
		}
	})
	b.Gitlinks(paths)
}
