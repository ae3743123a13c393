package workspace

import (
	"path"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/secretfile"
	"github.com/bailey-project/bailey/internal/workspace/trigger"
)

// Refused says whether strict names forbid making or writing rel, which is
// relative to the workspace: a control name in it, in any spelling, a
// repository, or a file of environment variables at its end.
func Refused(rel string) bool {
	before := ""
	for name := range strings.SplitSeq(rel, "/") {
		if capture.Downloaded(name) {
			return false
		}
		if _, ok := trigger.Of(name); ok || trigger.Fold(name) == trigger.Git || nestedControl(before, name) {
			return true
		}
		before = name
	}
	// A directory with HEAD, objects and refs is a repository to git.
	return before == "HEAD" || dotenvName(before)
}

// nestedControl are names that count in a directory of a certain name only.
func nestedControl(dir, name string) bool {
	for _, c := range trigger.Nested {
		if d, n := path.Split(c.Name); trigger.Fold(name) == n && trigger.Fold(dir)+"/" == d {
			return true
		}
	}
	return false
}

// dotenvName: what an editor or an agent would fill with the user's secrets.
func dotenvName(name string) bool {
	plain := trigger.Fold(name)
	return strings.HasPrefix(plain, ".") && secretfile.Of(plain) == secretfile.Dotenv
}

// Loose says that rel is, or lies in, a directory that tools fill: any name
// may be made there, and nothing is renamed out of it.
func Loose(rel string) bool {
	return !Refused(rel) && slices.ContainsFunc(strings.Split(rel, "/"), func(name string) bool { return capture.Downloaded(name) })
}
