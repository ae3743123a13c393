package gitdir

import (
	"context"
	"errors"
	"fmt"

	"github.com/bailey-project/bailey/internal/safefs"
)

// stateFiles and stateDirs are what git keeps while an operation waits for
// the user; see wt-status.c and branch.c of git.
var (
	stateFiles = []string{"MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "MERGE_RR", "AUTO_MERGE", "CHERRY_PICK_HEAD", "REVERT_HEAD",
		"REBASE_HEAD", "SQUASH_MSG", "BISECT_LOG", "BISECT_START", "BISECT_TERMS", "BISECT_NAMES", "BISECT_ANCESTORS_OK"}
	stateDirs = []string{"rebase-merge", "rebase-apply", "sequencer"}
)

// States reads the files of operations in progress.
func States(ctx context.Context, r *safefs.Root) (map[string][]byte, error) {
	list := map[string][]byte{}
	left := int64(64 << 20)
	read := func(name string) error {
		b, err := r.ReadFile(name, left)
		if errors.Is(err, safefs.ErrTooLarge) {
			return fmt.Errorf("an operation in progress is too large: %w", err)
		}
		if err == nil {
			left -= int64(len(b))
			list[name] = b
		}
		return nil
	}
	for _, name := range stateFiles {
		if err := read(name); err != nil {
			return nil, err
		}
	}
	for _, dir := range stateDirs {
		if info, err := r.Lstat(dir); err != nil || !info.IsDir() {
			continue
		}
		_, err := r.Walk(ctx, dir, safefs.Limits{Entries: 20000, Depth: 4}, func(path string, e safefs.Entry) error {
			if e.Type != 0 {
				return nil
			}
			return read(path)
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Operation names what is in progress, "" if nothing is.
func Operation[T any](states map[string]T) string {
	for _, s := range []struct{ file, name string }{
		{"rebase-merge/head-name", "rebase"}, {"rebase-merge/git-rebase-todo", "rebase"}, {"rebase-apply/next", "rebase or am"},
		{"MERGE_HEAD", "merge"}, {"CHERRY_PICK_HEAD", "cherry-pick"}, {"REVERT_HEAD", "revert"},
		{"sequencer/todo", "cherry-pick or revert"}, {"BISECT_LOG", "bisect"},
	} {
		if _, ok := states[s.file]; ok {
			return s.name
		}
	}
	return ""
}

// StateNames are the names in a git directory that States reads below.
func StateNames() []string { return append(append([]string{}, stateFiles...), stateDirs...) }
