package githome

import (
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/workspace/gitdir"
)

// staged is one entry of an index, without what the file system said of it.
type staged struct {
	mode   uint32
	object string
	stage  int
}

// entriesOf lists an index by path. ok is false for a form that is not taken
// over: damaged, sparse (with directories as entries), or with paths or modes
// that are none.
func entriesOf(x *gitdir.Index) (list map[string][]staged, ok bool) {
	list, ok = map[string][]staged{}, true
	if x == nil {
		return list, true
	}
	err := x.Each(func(e gitdir.IndexEntry) {
		if e.Intended { // `git add -N` names no content yet
			return
		}
		p := string(e.Path)
		ok = ok && slices.Contains([]uint32{0o100644, 0o100755, gitdir.ModeLink, gitdir.ModeModule}, e.Mode) && plainPath(p)
		list[p] = append(list[p], staged{e.Mode, hex.EncodeToString(e.Object), e.Stage})
	})
	return list, ok && err == nil
}

// plainPath is a path that stays below the root; git checks again.
func plainPath(p string) bool {
	return p != "" && p[0] != '/' && path.Clean(p) == p && p != ".." && !strings.HasPrefix(p, "../")
}

// difference is what turns the host's index into the one inside, as
// `git update-index -z --index-info` reads it.
func (b *bringer) difference(host *gitdir.Index) (lines string, ok bool) {
	was, ok1 := entriesOf(host)
	is, ok2 := entriesOf(b.left.entries)
	if !ok1 || !ok2 {
		return "", false
	}
	var out strings.Builder
	zero := strings.Repeat("0", b.Repo.Hex)
	for p, old := range was {
		if now := is[p]; !slices.Equal(old, now) {
			fmt.Fprintf(&out, "0 %s\t%s\x00", zero, p) // all stages
		}
	}
	for p, now := range is {
		if slices.Equal(was[p], now) {
			continue
		}
		for _, e := range now {
			fmt.Fprintf(&out, "%o %s %d\t%s\x00", e.mode, e.object, e.stage, p)
		}
	}
	return out.String(), true
}

// maxStaged bounds the objects that are staged and in no commit.
const maxStaged = 200_000

// stagedBlobs are the objects of entries that the index inside has and the
// host's has not.
func (b *bringer) stagedBlobs() []string {
	if b.left.entries == nil || b.left.index == b.Start.Private {
		return nil
	}
	host, err := b.Repo.ReadIndex()
	if err != nil {
		return nil
	}
	was, _ := entriesOf(host)
	is, ok := entriesOf(b.left.entries)
	if !ok {
		return nil
	}
	var list []string
	for p, now := range is {
		for _, e := range now {
			if e.mode != gitdir.ModeModule && !slices.Contains(was[p], e) && len(list) < maxStaged {
				list = append(list, e.object)
			}
		}
	}
	return unique(list)
}
