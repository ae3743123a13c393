package githome

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/workspace/gitconfig"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/gitrun"
)

// mergeConfig writes harmless settings into the host's configuration, with git
// itself, so that its lock and its atomic replacement are those that other git
// processes respect. Names and values have passed gitconfig.Merge.
func (b *bringer) mergeConfig(ctx context.Context) {
	file := filepath.Join(b.Repo.CommonDir, "config")
	for _, c := range gitconfig.Merge(b.Start.Settings, b.left.settings, b.Repo.Settings) {
		change := ConfigChange{Name: c.Name(), Value: c.Value, Taken: c.Taken, Note: c.Note}
		if c.Taken && b.ofDeleted(c.Setting) {
			continue
		}
		if c.Taken {
			if _, err := gitrun.Output(b.git.Host(ctx, "config", "--file", file, "--add", c.Name(), c.Value), ""); err != nil {
				change.Taken, change.Note = false, "not taken over: "+err.Error()
			}
		}
		b.report.Config = append(b.report.Config, change)
		if !change.Taken && strings.HasPrefix(change.Name, "remote.") {
			b.note("the setting %s = %s was made inside and is %s", gitdir.Plain(change.Name, 200),
				gitdir.Plain(gitconfig.StripCredentials(change.Value), 200), change.Note)
		}
	}
}

// ofDeleted: settings of a branch that does not exist here are of no use, and
// a rename has brought the old ones along.
func (b *bringer) ofDeleted(s gitconfig.Setting) bool {
	if s.Section != "branch" {
		return false
	}
	name := "refs/heads/" + s.Sub
	renamed := slices.ContainsFunc(b.report.Refs, func(c RefChange) bool { return c.Name == name && c.Outcome == Renamed })
	return b.now[name] == "" || renamed && b.hadBefore(s)
}

// hadBefore reports whether a renamed branch had that setting under its old
// name, which git branch -m took along.
func (b *bringer) hadBefore(s gitconfig.Setting) bool {
	return slices.ContainsFunc(b.Start.Settings, func(g gitconfig.Setting) bool {
		return g.Section == "branch" && slices.Contains(b.gone, "refs/heads/"+g.Sub) && g.Key == s.Key && g.Value == s.Value
	})
}
