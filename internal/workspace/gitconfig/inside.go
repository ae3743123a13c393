package gitconfig

import (
	"net/url"
	"strings"
)

// inside lists what a sandbox may know of the host's configuration. Nothing
// here names a command, a file of the host or a credential.
var inside = map[string]check{
	"core.repositoryformatversion": anything,
	"core.filemode":                anything,
	"core.bare":                    anything,
	"core.logallrefupdates":        anything,
	"core.ignorecase":              anything,
	"core.precomposeunicode":       anything,
	"core.symlinks":                anything,
	"core.autocrlf":                anything,
	"core.eol":                     anything,
	"core.safecrlf":                anything,
	"core.quotepath":               anything,
	"core.abbrev":                  anything,
	"core.whitespace":              anything,
	"core.commentchar":             anything,
	"core.compression":             anything,
	"core.bigfilethreshold":        anything,
	"core.sparsecheckout":          anything,
	"core.sparsecheckoutcone":      anything,
	"core.hookspath":               insideTree, // the project's own hooks (husky), run inside only
	"extensions.objectformat":      anything,
	"extensions.partialclone":      anything,
	"extensions.noop":              anything,
	"remote..url":                  anything, // credentials are cut off, see Inside
	"remote..pushurl":              anything,
	"remote..fetch":                anything,
	"remote..push":                 anything,
	"remote..tagopt":               anything,
	"remote..prune":                anything,
	"remote..mirror":               anything,
	"remote..promisor":             anything,
	"remote..partialclonefilter":   anything,
	"remote.pushdefault":           anything,
	"branch..remote":               anything,
	"branch..pushremote":           anything,
	"branch..merge":                anything,
	"branch..rebase":               anything,
	"branch..description":          anything,
	"branch.autosetupmerge":        anything,
	"branch.autosetuprebase":       anything,
	"branch.sort":                  anything,
	"submodule..url":               anything,
	"submodule..active":            anything,
	"submodule..branch":            anything,
	"submodule..ignore":            anything,
	"submodule.active":             anything,
	"user.name":                    anything,
	"user.email":                   anything,
	"user.useconfigonly":           anything,
	"author.name":                  anything,
	"author.email":                 anything,
	"committer.name":               anything,
	"committer.email":              anything,
	"init.defaultbranch":           anything,
	"pull.rebase":                  anything,
	"pull.ff":                      anything,
	"push.default":                 anything,
	"push.autosetupremote":         anything,
	"push.followtags":              anything,
	"fetch.prune":                  anything,
	"fetch.prunetags":              anything,
	"merge.ff":                     anything,
	"merge.conflictstyle":          anything,
	"merge.renamelimit":            anything,
	"rebase.autostash":             anything,
	"rebase.autosquash":            anything,
	"rebase.updaterefs":            anything,
	"rebase.abbreviatecommands":    anything,
	"rerere.enabled":               anything,
	"commit.cleanup":               anything,
	"commit.verbose":               anything,
	"tag.sort":                     anything,
	"diff.algorithm":               anything,
	"diff.renames":                 anything,
	"diff.renamelimit":             anything,
	"diff.colormoved":              anything,
	"diff.mnemonicprefix":          anything,
	"diff.noprefix":                anything,
	"diff.submodule":               anything,
	"log.date":                     anything,
	"log.decorate":                 anything,
	"log.follow":                   anything,
	"log.abbrevcommit":             anything,
	"format.pretty":                anything,
	"status.short":                 anything,
	"status.branch":                anything,
	"status.showuntrackedfiles":    anything,
	"status.submodulesummary":      anything,
	"column.ui":                    anything,
	"color.ui":                     anything,
	"help.autocorrect":             anything,
	"advice.detachedhead":          anything,
	"filter..clean":                lfs, // only git-lfs as it installs itself: without it every
	"filter..smudge":               lfs, // file that it keeps would look modified
	"filter..process":              lfs,
	"filter..required":             lfs,
}

type check func(Setting) bool

func anything(Setting) bool { return true }

// insideTree accepts a relative path that stays below the working tree.
func insideTree(s Setting) bool {
	for part := range strings.SplitSeq(s.Value, "/") {
		if part == ".." {
			return false
		}
	}
	return s.Value != "" && s.Value[0] != '/' && s.Value[0] != '~' && !strings.HasPrefix(s.Value, "%(")
}

func lfs(s Setting) bool {
	switch s.Sub + "." + s.Key + "=" + s.Value {
	case "lfs.clean=git-lfs clean -- %f", "lfs.smudge=git-lfs smudge -- %f",
		"lfs.process=git-lfs filter-process", "lfs.required=true":
		return true
	}
	return false
}

// alias accepts what git itself runs; "!" would be a shell, and -c may hold a
// credential (http.extraHeader).
func alias(s Setting) bool {
	return s.Section == "alias" && !strings.Contains(s.Value, "!") && !strings.Contains(s.Value, "-c ")
}

// Inside returns what of a host's configuration a sandbox gets, in order.
func Inside(all []Setting) []Setting {
	var out []Setting
	for _, s := range all {
		ok, known := inside[s.Kind()]
		if !(known && ok(s)) && !alias(s) {
			continue
		}
		if strings.HasSuffix(s.Key, "url") {
			s.Value = StripCredentials(s.Value)
		}
		out = append(out, s)
	}
	return out
}

// StripCredentials cuts user and password out of a URL. The user of an ssh
// address stays: it is part of the address.
func StripCredentials(raw string) string {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return raw
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	auth, tail := rest[:end], rest[end:]
	if i := strings.LastIndexByte(auth, '@'); i >= 0 {
		user, _, _ := strings.Cut(auth[:i], ":")
		host := auth[i+1:]
		if strings.Contains(strings.ToLower(scheme), "ssh") {
			auth = user + "@" + host
		} else {
			auth = host
		}
	}
	if i := strings.IndexAny(tail, "?#"); i >= 0 { // tokens are put there too
		tail = tail[:i]
	}
	return scheme + "://" + auth + tail
}

// SafeURL reports whether a remote's address, written inside, may be written
// into the host's configuration: https, ssh or user@host:path. Anything else
// names a file or a helper program.
func SafeURL(raw string) bool {
	if raw == "" || len(raw) > 2048 || raw[0] == '-' {
		return false
	}
	for i := range len(raw) {
		if raw[i] <= ' ' || raw[i] > '~' || raw[i] == '\\' || raw[i] == '\'' || raw[i] == '"' {
			return false
		}
	}
	if !strings.Contains(raw, "://") {
		return scpLike(raw)
	}
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "https" && u.Scheme != "ssh" || strings.Contains(raw, "::") {
		return false
	}
	if _, has := u.User.Password(); has || u.Scheme == "https" && u.User != nil || u.RawQuery != "" {
		return false
	}
	return plainHost(u.Hostname()) && (u.User == nil || plainHost(u.User.Username()))
}

// scpLike is [user@]host:path, without "::", which names a helper.
func scpLike(raw string) bool {
	host, path, ok := strings.Cut(raw, ":")
	if !ok || path == "" || strings.Contains(raw, "::") || strings.HasPrefix(path, "-") {
		return false
	}
	if user, h, ok := strings.Cut(host, "@"); ok {
		if !plainHost(user) {
			return false
		}
		host = h
	}
	return plainHost(host) && !strings.Contains(host, "/")
}

// plainHost keeps out what ssh would take for an option or a command.
func plainHost(s string) bool {
	if s == "" || s[0] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isKey(c) && c != '.' && c != '_' {
			return false
		}
	}
	return true
}
