package undo

import (
	"bytes"
	"context"
	"encoding/hex"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/gitconfig"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/store"
)

// Allowance says what is kept at the start of a session, so that it can be undone.
// Files that git holds as they are cost nothing; those that an earlier session
// kept, and that nobody touched since, cost a look.
type Allowance struct {
	Store     string // directory of this project's contents, outside Root
	Bytes     int64  // what one start may add
	Files     int
	Time      time.Duration
	Downloads bool // also directories such as node_modules
}

// Start is a session that begins.
type Start struct {
	Allowance
	Session string
	Home    string // the user's
	Root    *safefs.Root
	Index   *gitdir.Index // of the repository, nil without one
	Repo    *gitdir.Repo
	Tree    *capture.Tree // as the scan met it; gets its filter and objects
	Heavy   []string      // directories of downloads, which the scan left out
	Closed  []string      // directories that can't be read
	Hidden  []string      // files with secrets
}

// Keep completes the description and keeps what git does not have. The store,
// which may be nil, stays open until what names its objects is written.
func (s *Start) Keep(ctx context.Context) (left Left, st *store.Store, err error) {
	f := capture.Filter{Left: s.Closed, Hidden: s.Hidden}
	for _, dir := range s.Heavy {
		if !s.Downloads && !s.holdsTracked(dir) {
			f.Left = append(f.Left, dir)
		} else if err := s.Tree.Extend(ctx, s.Root, dir); err != nil {
			return left, nil, err
		}
	}
	s.Tree.Limit(f)
	open := func() (*store.Store, error) {
		var err error
		st, err = store.Open(s.Store, s.Session)
		return st, err
	}
	clean := s.cleanFiles()
	budget := Budget{Bytes: s.Bytes, Files: s.Files, Time: s.Time}
	left, err = Keep(ctx, s.Root, s.Tree, open, budget, func(e capture.Entry) string { return clean[e.Path] })
	return left, st, err
}

// holdsTracked: a vendor directory, say, that is committed.
func (s *Start) holdsTracked(dir string) (found bool) {
	if s.Index == nil {
		return false
	}
	prefix := []byte(dir + "/")
	_ = s.Index.Each(func(e gitdir.IndexEntry) { found = found || bytes.HasPrefix(e.Path, prefix) })
	return found
}

// cleanFiles are the files whose content git has, and its object.
func (s *Start) cleanFiles() map[string]string {
	clean := map[string]string{}
	if s.Index == nil || s.filtered() {
		return clean
	}
	_ = s.Index.Each(func(e gitdir.IndexEntry) {
		t, ok := s.Tree.Entries[string(e.Path)]
		now := gitdir.FileTimes{Modified: t.Modified, Changed: t.Changed, Ino: uint32(t.Ino), Size: uint32(t.Size)}
		if ok && t.Type == 0 && e.Mode&0o170000 == 0o100000 && e.Clean(now, s.Index.Written) {
			clean[t.Path] = GitObject + hex.EncodeToString(e.Object)
		}
	})
	return clean
}

// filtered: git may store other bytes than the files have (git-lfs, git-crypt,
// an encoding), so that its objects can't stand in for them.
func (s *Start) filtered() bool {
	files := []string{}
	for p := range s.Tree.Entries {
		if path.Base(p) == ".gitattributes" {
			files = append(files, p)
		}
	}
	texts := [][]byte{}
	for _, p := range files[:min(len(files), 1000)] {
		if b, err := s.Root.ReadFile(p, 1<<20); err == nil {
			texts = append(texts, b)
		}
	}
	names := []string{filepath.Join(s.Repo.CommonDir, "info/attributes"), filepath.Join(s.Home, ".config/git/attributes"), "/etc/gitattributes"}
	for _, set := range append(gitconfig.Load(s.Home, s.Repo.GitDir), s.Repo.Settings...) {
		if set.Kind() == "core.attributesfile" {
			names = append(names, strings.Replace(set.Value, "~", s.Home, 1))
		}
	}
	for _, n := range names {
		if info, err := os.Stat(n); err == nil && info.Mode().IsRegular() && info.Size() < 1<<20 {
			if b, err := os.ReadFile(n); err == nil {
				texts = append(texts, b)
			}
		}
	}
	return len(files) > 1000 || slices.ContainsFunc(texts, func(b []byte) bool {
		return bytes.Contains(b, []byte("filter")) || bytes.Contains(b, []byte("working-tree-encoding")) || bytes.Contains(b, []byte("ident"))
	})
}
