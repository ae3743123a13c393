package gitconfig

import (
	"slices"
	"strings"
)

// Change is a setting that was made inside, and what becomes of it.
type Change struct {
	Setting
	Taken bool
	Note  string // why it is left, for people
}

// merged are the kinds that may come back, with what their value must be.
var merged = map[string]check{
	"branch..remote": func(s Setting) bool { return s.Value == "." || plainRemote(s.Value) },
	"branch..merge":  func(s Setting) bool { return strings.HasPrefix(s.Value, "refs/heads/") && plainRef(s.Value) },
	"branch..rebase": func(s Setting) bool {
		return slices.Contains([]string{"true", "false", "merges", "interactive"}, s.Value)
	},
	"remote..url":       func(s Setting) bool { return plainRemote(s.Sub) && SafeURL(s.Value) },
	"remote..fetch":     func(s Setting) bool { return plainRemote(s.Sub) && ownTracking(s) },
	"submodule..url":    func(s Setting) bool { return plainRemote(s.Sub) && SafeURL(s.Value) },
	"submodule..active": func(s Setting) bool { return s.Value == "true" || s.Value == "false" },
}

// plainRemote accepts names that no command line takes for an option, a path
// or a URL.
func plainRemote(s string) bool {
	return plainRef(s) && s[0] != '-' && s[0] != '/' && s[0] != '.'
}

func plainRef(s string) bool {
	if s == "" || len(s) > 512 || strings.Contains(s, "..") {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isKey(c) && c != '.' && c != '_' && c != '/' && c != '+' && c != '#' {
			return false
		}
	}
	return true
}

// ownTracking accepts a refspec that writes below the remote's own
// refs/remotes only; another destination would move the user's branches.
func ownTracking(s Setting) bool {
	src, dst, ok := strings.Cut(strings.TrimPrefix(s.Value, "+"), ":")
	star := func(r string) string { return strings.TrimSuffix(r, "*") + "x" }
	return ok && strings.HasPrefix(src, "refs/heads/") && plainRef(star(src)) &&
		strings.HasPrefix(dst, "refs/remotes/"+s.Sub+"/") && plainRef(star(dst))
}

// Merge compares the configuration that a sandbox was given with the one it
// left, and says what may be written into the host's, which is what is there
// now. A name that the host has is never changed: an agent that points "origin"
// elsewhere would have the user's next push. Settings of no interest to the
// host are left out altogether.
func Merge(given, left, host []Setting) []Change {
	var out []Change
	for _, s := range left {
		ok, known := merged[s.Kind()]
		if !known || slices.Contains(given, s) {
			continue
		}
		if slices.ContainsFunc(out, func(c Change) bool { return c.Setting == s }) || slices.Contains(host, s) {
			continue
		}
		c := Change{Setting: s}
		switch {
		case !ok(s) || s.Section == "branch" && !plainRef(s.Sub):
			c.Note = "not taken over: not a form that is known to be harmless"
		case has(host, s):
			c.Note = "not taken over: this repository has a value of its own"
		case s.Section == "remote" && hasRemote(host, s.Sub):
			c.Note = "not taken over: this repository has a remote of that name"
		default:
			c.Taken = true
		}
		out = append(out, c)
		if len(out) == maxChanges {
			break
		}
	}
	return withoutOrphans(out, host)
}

// withoutOrphans leaves what would speak of a remote that has no address on
// the host: its own was not taken over, such as the path of a directory.
func withoutOrphans(out []Change, host []Setting) []Change {
	taken := slices.Clone(host)
	keep := func(kind string, orphan func(Setting) bool) {
		for i := range out {
			if c := &out[i]; c.Taken && c.Kind() == kind && orphan(c.Setting) {
				c.Taken, c.Note = false, "not taken over: its remote has no address here"
			} else if c.Taken && c.Kind() == kind {
				taken = append(taken, c.Setting)
			}
		}
	}
	addressed := func(remote string) bool { return has(taken, Setting{Section: "remote", Sub: remote, Key: "url"}) }
	keep("remote..url", func(Setting) bool { return false })
	keep("remote..fetch", func(s Setting) bool { return !addressed(s.Sub) })
	keep("branch..remote", func(s Setting) bool { return s.Value != "." && !addressed(s.Value) })
	keep("branch..merge", func(s Setting) bool { return !has(taken, Setting{Section: "branch", Sub: s.Sub, Key: "remote"}) })
	return out
}

// maxChanges is more than a session of honest work makes.
const maxChanges = 1000

func has(in []Setting, s Setting) bool {
	return slices.ContainsFunc(in, func(h Setting) bool {
		return h.Section == s.Section && h.Sub == s.Sub && h.Key == s.Key
	})
}

func hasRemote(in []Setting, name string) bool {
	return slices.ContainsFunc(in, func(h Setting) bool {
		return h.Section == "remote" && strings.EqualFold(h.Sub, name)
	})
}
