package githome

import (
	"context"

	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/gitrun"
)

// bringStash appends the stashes made inside to the host's list, when the user
// did not change that meanwhile. Stashes that were dropped inside stay.
func (b *bringer) bringStash(ctx context.Context) {
	list := b.newStash()
	if len(list) == 0 {
		return
	}
	if b.now["refs/stash"] != b.Start.Refs["refs/stash"] {
		b.note("the stash was changed here meanwhile; %d entries made inside are below %s", len(list), short(b.kept("refs/stash")))
		return
	}
	n := 0
	for _, s := range list {
		if !gitdir.ValidObject(s.Object, b.Repo.Hex) || b.missing[s.Object] {
			continue
		}
		if _, err := gitrun.Output(b.git.Host(ctx, "stash", "store", "--quiet", "-m", s.Message, s.Object), ""); err != nil {
			b.note("a stash made inside could not be stored: %v", err)
			continue
		}
		n++
	}
	b.report.Refs = append(b.report.Refs, RefChange{Name: "refs/stash", Old: b.Start.Refs["refs/stash"],
		New: list[len(list)-1].Object, Outcome: Moved})
	b.note("stashes made inside: %d, see git stash list", n)
}
