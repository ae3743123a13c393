package githome

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/gitrun"
)

// keepAll writes everything that came home below refs/bailey/SESSION, whatever
// becomes of it otherwise.
func (b *bringer) keepAll(ctx context.Context) {
	var lines []string
	want := b.wanted()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		to := b.kept(name)
		if !b.missing[want[name]] && gitdir.ValidRef(to) {
			lines = append(lines, fmt.Sprintf("update %s %s", to, want[name]))
		}
	}
	if len(lines) == 0 {
		return
	}
	if err := b.updateRefs(ctx, lines); err == nil {
		return
	}
	for _, l := range lines {
		if err := b.updateRefs(ctx, []string{l}); err != nil {
			b.note("%s could not be written: %v", strings.Fields(l)[1], err)
		}
	}
}

// kept is where a reference of the inside rests on the host.
func (b *bringer) kept(name string) string {
	return "refs/bailey/" + b.Session + "/" + strings.TrimPrefix(name, "refs/")
}

// updateRefs runs one transaction; git checks every old value in it.
func (b *bringer) updateRefs(ctx context.Context, lines []string) error {
	cmd := b.git.Host(ctx, "update-ref", "-m", "bailey: session "+b.Session, "--stdin")
	_, err := gitrun.Output(cmd, strings.Join(lines, "\n")+"\n")
	return err
}

// moveRefs decides about every reference that was changed inside.
func (b *bringer) moveRefs(ctx context.Context) {
	names := map[string]bool{}
	for n := range b.left.refs {
		names[n] = true
	}
	for n := range b.Start.Refs {
		names[n] = true
	}
	tracking := false
	var deleted []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		old, val := b.Start.Refs[name], b.left.refs[name]
		switch {
		case old == val, name == "refs/stash", strings.HasPrefix(name, "refs/bailey/"):
		case strings.HasPrefix(name, "refs/remotes/"):
			tracking = !b.moveTracking(ctx, name, val) || tracking
		case val == "":
			deleted = append(deleted, name) // once it is known what was renamed
		default:
			b.add(b.moveRef(ctx, name, val))
		}
	}
	for _, name := range deleted {
		b.deletion(name)
	}
	if tracking {
		b.note("remote-tracking branches stay as they were here: git fetch brings them up to date")
	}
	if b.left.bad > 0 {
		b.note("%d references made inside are not well-formed and were left out", b.left.bad)
		b.report.Kept = b.Private
	}
	if b.left.linked > 0 {
		b.note("worktrees made inside are not taken over, their commits are: git worktree add makes them here")
	}
	if b.left.modules {
		b.note("submodules added inside are not taken over: git submodule update --init makes them here")
	}
}

func (b *bringer) add(c RefChange) {
	b.report.Refs = append(b.report.Refs, c)
	name := short(c.Name)
	switch c.Outcome {
	case Kept:
		b.note("%s stays as it is here (%s); what was made inside is %s", name, c.Note, short(b.kept(c.Name)))
	case Lost:
		b.note("%s could not be brought home: %s", name, c.Note)
	case Moved:
		if c.Note != "" {
			b.note("%s was %s inside; it was %s before", name, c.Note, c.Old[:12])
		}
	case Renamed:
		b.note("%s", c.Note)
	}
}

// moveRef decides about a branch, tag or note that has a value inside.
func (b *bringer) moveRef(ctx context.Context, name, val string) RefChange {
	old, now := b.Start.Refs[name], b.now[name]
	c := RefChange{Name: name, Old: old, New: val, Outcome: Kept}
	branch := strings.HasPrefix(name, "refs/heads/")
	switch {
	case b.missing[val]:
		c.Outcome, c.Note = Lost, "objects are missing or damaged"
		return c
	case now == val:
		c.Outcome = Moved
		return c
	case !taken(name):
		c.Note = "only branches, tags and notes are taken over"
		return c
	case now == "" && old == "":
		if other := b.hides(name); other != "" {
			c.Note = "its name would hide " + other
			return c
		}
		return b.create(ctx, c)
	case now == "":
		c.Note = "it was deleted here meanwhile"
		return c
	case old == "" || !branch:
		c.Note = "one of that name exists"
		return c
	case b.elsewhere[name] != "":
		c.Note = "it is checked out in " + b.elsewhere[name]
		return c
	case b.headMoved && b.head.Branch == name:
		c.Note = "it was checked out here meanwhile"
		return c
	}
	return b.move(ctx, c, now)
}

// taken are the references that may come home under their own name. Others
// change what git reads: refs/replace shows another commit for each.
func taken(name string) bool {
	for _, p := range []string{"refs/heads/", "refs/tags/", "refs/notes/"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// hides returns what people mean by the short form of name today: a tag
// called origin/main would be what `git diff origin/main` compares with
// (gitrevisions(7) has the order).
func (b *bringer) hides(name string) string {
	s := short(name)
	if s == "HEAD" || strings.HasSuffix(s, "_HEAD") || s == "@" || s == "stash" {
		return s
	}
	for _, other := range []string{"refs/" + s, "refs/tags/" + s, "refs/heads/" + s, "refs/remotes/" + s, "refs/remotes/" + s + "/HEAD"} {
		if other != name && b.now[other] != "" {
			return other
		}
	}
	return ""
}

// move moves a branch when the host's stands where it stood, or further back.
func (b *bringer) move(ctx context.Context, c RefChange, now string) RefChange {
	forward := b.ancestor(ctx, now, c.New)
	if now != c.Old && !forward {
		c.Note = "it has moved here meanwhile"
		return c
	}
	lines := []string{fmt.Sprintf("update %s %s %s", c.Name, c.New, now)}
	if !forward { // rewritten: what it was must not be collected
		c.Note = "rewritten"
		lines = append(lines, fmt.Sprintf("update %s %s", b.kept("before/"+strings.TrimPrefix(c.Name, "refs/")), now))
	}
	if err := b.updateRefs(ctx, lines); err != nil {
		c.Note = err.Error()
		return c
	}
	b.now[c.Name], c.Outcome = c.New, Moved
	return c
}

func (b *bringer) ancestor(ctx context.Context, old, new string) bool {
	_, err := gitrun.Output(b.git.Host(ctx, "merge-base", "--is-ancestor", old, new), "")
	return err == nil
}

// create makes a reference that is new, or finishes a rename.
func (b *bringer) create(ctx context.Context, c RefChange) RefChange {
	if strings.HasPrefix(c.Name, "refs/heads/") {
		if old := b.renamed(c.Name); old != "" && b.now[old] == b.Start.Refs[old] && b.elsewhere[old] == "" {
			if r, ok := b.rename(ctx, c, old); ok {
				return r
			}
		}
	}
	if err := b.updateRefs(ctx, []string{fmt.Sprintf("create %s %s", c.Name, c.New)}); err != nil {
		c.Note = err.Error()
		return c
	}
	b.now[c.Name], c.Outcome = c.New, Created
	return c
}

// rename lets git rename, so that the branch's log and settings come along,
// then moves it to where it is inside.
func (b *bringer) rename(ctx context.Context, c RefChange, old string) (RefChange, bool) {
	was := b.now[old]
	if _, err := gitrun.Output(b.git.Host(ctx, "branch", "-m", "--", short(old), short(c.Name)), ""); err != nil {
		return c, false
	}
	delete(b.now, old)
	b.now[c.Name] = was
	if b.head.Branch == old {
		b.head.Branch = c.Name // git moved HEAD along
	}
	c.Old, c.Outcome = was, Renamed
	c.Note = fmt.Sprintf("%s was renamed to %s", short(old), short(c.Name))
	b.gone = append(b.gone, old)
	if was != c.New {
		if m := b.move(ctx, RefChange{Name: c.Name, Old: was, New: c.New}, was); m.Outcome != Moved {
			c.Note += "; its commits made inside are " + short(b.kept(c.Name))
		}
	}
	return c, true
}

// deletion of a branch inside is not done here: it would be the one thing that
// cannot be looked at first.
func (b *bringer) deletion(name string) {
	if slices.Contains(b.gone, name) || b.now[name] == "" {
		return
	}
	b.report.Refs = append(b.report.Refs, RefChange{Name: name, Old: b.Start.Refs[name], Outcome: Left})
	how := "git update-ref -d " + name
	if s, ok := strings.CutPrefix(name, "refs/heads/"); ok {
		how = "git branch -D " + s
	} else if s, ok := strings.CutPrefix(name, "refs/tags/"); ok {
		how = "git tag -d " + s
	}
	b.note("%s was deleted inside and is left here; to delete it: %s", short(name), how)
}

// moveTracking takes over a remote-tracking branch only when it is new and
// equals a branch that was pushed: one that could be moved from inside would
// make a review against it show nothing.
func (b *bringer) moveTracking(ctx context.Context, name, val string) bool {
	if val == "" || b.now[name] == val {
		return true
	}
	pushed := false
	for n, v := range b.left.refs {
		pushed = pushed || v == val && strings.HasPrefix(n, "refs/heads/")
	}
	if b.now[name] != "" || b.Start.Refs[name] != "" || !pushed || b.missing[val] {
		return false
	}
	if err := b.updateRefs(ctx, []string{fmt.Sprintf("create %s %s", name, val)}); err != nil {
		return false
	}
	b.report.Refs = append(b.report.Refs, RefChange{Name: name, New: val, Outcome: Created})
	return true
}
