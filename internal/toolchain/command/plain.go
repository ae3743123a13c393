package command

import (
	"path"
	"slices"
	"strings"
)

// builds are words that the name of a downloaded program ends with.
var builds = []string{"x86_64", "x64", "amd64", "aarch64", "arm64", "linux", "darwin", "musl", "v", "nightly", "beta", "latest"}

// Plain is a program's name without its directory, extension, version and
// machine: claude.exe, claude-1.2.3, codex-x86_64-unknown-linux-musl.
func Plain(name string) string {
	name = path.Base(name)
	for _, ext := range []string{".exe", ".cmd", ".ps1", ".js", ".mjs", ".cjs", ".sh", ".AppImage"} {
		name = strings.TrimSuffix(name, ext)
	}
	for i := 1; i < len(name)-1; i++ {
		if c := name[i]; (c == '-' || c == '_' || c == '@') && build(name[i+1:]) {
			return name[:i]
		}
	}
	return name
}

func build(s string) bool {
	if s[0] >= '0' && s[0] <= '9' || s[0] == 'v' && len(s) > 1 && s[1] >= '0' && s[1] <= '9' {
		return true
	}
	return slices.ContainsFunc(builds, func(b string) bool {
		rest, ok := strings.CutPrefix(s, b)
		return ok && (rest == "" || rest[0] == '-' || rest[0] == '_' || rest[0] == '.')
	})
}
