// Package undo puts the files of a project back to what they were when a
// session began.
//
// It knows no session and no git: it is given a description of the tree at the
// start (package capture), one at the end, and the content that was kept
// (package store). Its invariants: nothing is removed that was not there at
// the end of the session, or that somebody touched since; a file is replaced at
// once or not at all; and it can be stopped at any moment and run again.
package undo

import (
	"cmp"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/change"
)

// Source gives the content that belongs to a file that was.
type Source func(was capture.Entry) (io.ReadCloser, error)

// States are the three descriptions that a plan is made of.
type States struct {
	Root   *safefs.Root
	Base   *capture.Tree // at the start of the session
	After  *capture.Tree // at its end
	Now    *capture.Tree
	Ended  time.Time             // when After was made; zero when Now stands in for it
	Heavy  func(rel string) bool // a new directory of downloaded or produced files
	Secret func(rel string) bool // by its name
	Aside  *safefs.Root          // where what is removed or replaced goes; nil: nowhere
	Source Source
}

// Tree is what a plan is carried out on.
func (s States) Tree() change.Tree {
	dirs := map[string]bool{".": true}
	for p := range s.Base.Entries {
		dirs[path.Dir(p)] = true
	}
	return change.Tree{Root: s.Root, Source: s.Source, Aside: s.Aside, Heavy: s.Heavy, Ended: s.Ended, Dirs: slices.Collect(maps.Keys(dirs))}
}

// Plan compares. It lists what is to be done below one of paths, or everywhere
// when there are none, and what is left and why; sorted by path.
func Plan(s States, paths []string) []change.Action {
	var list []change.Action
	add := func(p string, judge func() change.Action) {
		if len(paths) > 0 && !slices.ContainsFunc(paths, func(dir string) bool { return capture.Within(p, dir) }) {
			return
		}
		if a := judge(); a.Kind != "" {
			list = append(list, a)
		}
	}
	for p, was := range s.Base.Entries {
		add(p, func() change.Action { return s.judge(was) })
	}
	for p, now := range s.Now.Entries {
		if _, was := s.Base.Entries[p]; !was && s.Base.Filter.Covers(p) {
			add(p, func() change.Action { return s.added(now) })
		}
	}
	slices.SortFunc(list, func(a, b change.Action) int { return cmp.Compare(a.Path, b.Path) })
	return list
}

// judge decides about what was there at the start.
func (s States) judge(was capture.Entry) change.Action {
	now, there := s.Now.Entries[was.Path]
	after, thereAfter := s.After.Entries[was.Path]
	a := change.Action{Path: was.Path, Kind: change.Write, Want: was, Now: now}
	equal := there && s.equal(was, now)
	switch {
	case equal && attributes(was, now),
		thereAfter && undone(was, after): // whatever it is now, the session did not do it
		return change.Action{}
	case was.Type == fs.ModeDir && !there && slices.Contains(s.Base.Filter.Left, was.Path):
		return a.Leave("what was in it was not kept: install or build it again")
	case was.Type != fs.ModeDir && !still(now, there, after, thereAfter):
		return a.Leave("changed since the session ended")
	case equal:
		a.Kind = change.Mode
	case was.Type == 0 && was.Size > 0 && was.Object == "":
		return a.Leave("its content was not kept")
	}
	return a
}

// undone: the session left it as it was.
func undone(was, after capture.Entry) bool {
	if was.Type == fs.ModeDir {
		return after.Type == fs.ModeDir && attributes(was, after)
	}
	return after.Untouched(was)
}

// still: now is what the session left.
func still(now capture.Entry, there bool, after capture.Entry, thereAfter bool) bool {
	if !there || !thereAfter {
		return there == thereAfter
	}
	return now.Untouched(after) || now.Type == fs.ModeDir && after.Type == fs.ModeDir || after.Links > 1 && now.Unwritten(after)
}

// added decides about what was not there at the start.
func (s States) added(now capture.Entry) change.Action {
	a := change.Action{Path: now.Path, Kind: change.Remove, Now: now}
	after, thereAfter := s.After.Entries[now.Path]
	switch {
	case !thereAfter && !s.After.Complete:
		return a.Leave("the session left too many files to know which are its own")
	case !thereAfter:
		return change.Action{} // made after the session: not ours to judge
	case !s.Base.Complete:
		return a.Leave("the project is too large to know what was there before")
	case !still(now, true, after, true):
		return a.Leave("changed since the session ended")
	case now.Type == 0 && s.Secret(now.Path):
		return a.Leave("it may hold secrets of yours")
	}
	return a
}

// attributes compares what is not content. The time of a directory changes
// with every name in it, that of a link means nothing.
func attributes(was, now capture.Entry) bool {
	owner := os.Geteuid() != 0 || was.UID == now.UID && was.GID == now.GID
	return was.Type == fs.ModeSymlink || owner && was.Perm == now.Perm && (was.Type != 0 || was.Modified == now.Modified)
}

// equal compares type and content. Times can be set and prove nothing, except
// those of a file that nobody touched.
func (s States) equal(was, now capture.Entry) bool {
	switch {
	case was.Type != now.Type:
		return false
	case was.Type == fs.ModeDir:
		return true
	case was.Type == fs.ModeSymlink:
		return was.Link == now.Link
	}
	return now.Untouched(was) || was.Size == now.Size && s.equalContent(was)
}

func (s States) equalContent(was capture.Entry) bool {
	if was.Size == 0 {
		return true
	}
	if was.Object == "" {
		return false
	}
	kept, err := s.Source(was)
	if err != nil {
		return false
	}
	defer kept.Close()
	f, err := s.Root.OpenFile(was.Path)
	if err != nil {
		return false
	}
	defer f.Close()
	return change.Equal(kept, f)
}
