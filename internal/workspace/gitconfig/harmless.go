package gitconfig

import "strings"

// Harmful returns a setting, "" for none, that makes git outside run a command
// or read settings from elsewhere. What it lets pass is what git itself writes
// into a new repository or clone, and what a sandbox may be told of the host's.
func Harmful(all []Setting) string {
	for _, s := range all {
		ok, known := inside[s.Kind()]
		switch {
		case s.Kind() == "extensions.worktreeconfig": // the caller judges that file, too
		case !known, !ok(s), s.Kind() == "core.hookspath", helper(s):
			return s.Name()
		}
	}
	return ""
}

// helper says that an address names a program (gitremote-helpers(7)), or may
// be taken for an option of one.
func helper(s Setting) bool {
	return strings.HasSuffix(s.Key, "url") && (strings.Contains(s.Value, "::") || strings.HasPrefix(s.Value, "-"))
}
