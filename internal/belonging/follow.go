package belonging

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// maxLinks bounds a chain of links.
const maxLinks = 8

// errStrayed: a link that an agent could have made.
var errStrayed = errors.New("a link in it leads away from where the first link led")

// follow returns the real path of what lies at rel in the home, and whether a
// link was followed. People keep their settings in a repository and link to
// it, and an agent may have worked in that repository: so what lies behind the
// first link may have links of its own only to places below where that led.
func follow(home, rel string) (real string, linked bool, err error) {
	if home, err = filepath.EvalSymlinks(home); err != nil {
		return "", false, err
	}
	path, bound := filepath.Join(home, rel), ""
	for range maxLinks {
		link, to, rest, err := firstLink(path)
		if err != nil || link == "" {
			return path, bound != "", err
		}
		if bound != "" && !within(bound, to) {
			return "", true, errStrayed
		}
		if bound == "" {
			bound = boundOf(to, home)
		}
		path = filepath.Join(to, rest)
	}
	return "", true, errors.New("too many links")
}

// boundOf is the directory that a link opened: what it leads to, or what a file
// that it leads to lies in, unless that is the home.
func boundOf(to, home string) string {
	if st, err := os.Stat(to); err == nil && !st.IsDir() && filepath.Dir(to) != home {
		return filepath.Dir(to)
	}
	return to
}

// firstLink finds the first part of path that is a link, where it leads, and
// what of path is left; "" when there is none.
func firstLink(path string) (link, to, rest string, err error) {
	at := "/"
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, name := range parts {
		at = filepath.Join(at, name)
		st, err := os.Lstat(at)
		if err != nil {
			return "", "", "", err
		}
		if st.Mode()&os.ModeSymlink == 0 {
			continue
		}
		if to, err = os.Readlink(at); err != nil {
			return "", "", "", err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(at), to)
		}
		return at, filepath.Clean(to), filepath.Join(parts[i+1:]...), nil
	}
	return "", "", "", nil
}

// within reports whether path is dir or lies below it.
func within(dir, path string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}
