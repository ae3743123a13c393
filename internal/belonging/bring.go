package belonging

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/profile"
)

// Bounds of what is looked through at each start. A directory that is over
// them stays outside.
const (
	maxEntries = 20_000
	maxListed  = 200      // mounts: entries of "dir/*", and what is hidden in one directory
	maxRead    = 32 << 20 // bytes of files that are searched for lent values
	maxSearch  = 1 << 20  // a longer file is no instruction, and is not searched
)

// bring shows files and directories of the home at their own paths.
func (g *gatherer) bring() {
	left := look{entries: maxEntries, bytes: maxRead}
	for _, rel := range g.listed() {
		g.report(rel, g.one(rel, true, &left))
	}
	for _, rel := range g.programs {
		g.report(rel, g.one(rel, false, &left))
	}
}

func (g *gatherer) report(rel string, err error) {
	switch {
	case err == nil:
		g.note(rel, Brought, "")
	case errors.Is(err, fs.ErrNotExist):
		g.note(rel, Absent, "")
	default:
		g.note(rel, LeftOut, err.Error())
	}
}

// listed are the profile's paths, "dir/*" as what lies in dir: a directory that
// the program itself writes to, beside what the user put there.
func (g *gatherer) listed() []string {
	var list []string
	for _, rel := range g.Profile.Bring {
		dir, all := strings.CutSuffix(rel, "/*")
		if !all {
			list = append(list, rel)
			continue
		}
		entries, err := os.ReadDir(filepath.Join(g.Home, dir))
		switch {
		case err != nil || len(entries) == 0:
			g.note(rel, Absent, "")
		case len(entries) > maxListed:
			list, entries = append(list, dir), nil // whole, and so not writable
		}
		for _, e := range entries {
			if !strings.HasPrefix(e.Name(), ".") && !g.hide(e.Name()) {
				list = append(list, dir+"/"+e.Name())
			}
		}
	}
	return list
}

// look is what is left of the bounds.
type look struct{ entries, bytes int }

// one brings one path. Where it is a link, as with people who keep their
// settings in a repository, what it means is shown at its name, if links are
// allowed.
func (g *gatherer) one(rel string, links bool, left *look) error {
	if profile.Credential(rel) { // of a server; a profile was checked
		return errors.New("it lies with credentials")
	}
	target := filepath.Join(g.Home, rel)
	real, linked, err := follow(g.Home, rel)
	if err != nil {
		return err
	}
	if linked && !links {
		return errors.New("it is reached through a link")
	}
	if err := g.may(real); err != nil {
		return err
	}
	covers, err := g.search(target, real, left)
	if err != nil {
		return err
	}
	g.t.Binds = append(g.t.Binds, Bind{real, target})
	g.t.Covers = append(g.t.Covers, covers...)
	return nil
}

// may refuses what a link must not lead to.
func (g *gatherer) may(real string) error {
	st, err := os.Stat(real)
	if err != nil {
		return err
	}
	if !st.IsDir() && !st.Mode().IsRegular() {
		return errors.New("it is neither a file nor a directory")
	}
	home, err := filepath.EvalSymlinks(g.Home)
	if err != nil {
		return err
	}
	rel, err := filepath.Rel(home, real)
	if err != nil || !filepath.IsLocal(rel) || rel == "." {
		return errors.New("it leads out of the home")
	}
	if profile.Credential(rel) || g.hide(filepath.Base(rel)) {
		return errors.New("it leads to credentials")
	}
	return nil
}

func (g *gatherer) hide(name string) bool {
	return profile.Credential(name) || slices.ContainsFunc(g.Profile.Hide, func(p string) bool {
		ok, _ := path.Match(p, name)
		return ok
	})
}

// search looks through what is brought: names to hide, and files that hold a
// lent value. Links in it are not followed: an agent may have worked there, and
// inside they lead to what the sandbox has.
func (g *gatherer) search(target, real string, left *look) (covers []string, err error) {
	err = filepath.WalkDir(real, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if left.entries--; left.entries < 0 {
			return fmt.Errorf("more than %d files to look through", maxEntries)
		}
		inside := target + strings.TrimPrefix(p, real)
		switch {
		case p != real && g.hide(d.Name()), d.Type()&(fs.ModeSocket|fs.ModeNamedPipe|fs.ModeDevice) != 0:
			covers = append(covers, inside)
			if d.IsDir() {
				return fs.SkipDir
			}
		case d.Type().IsRegular():
			bad, err := g.searchFile(p, d, left)
			if bad {
				covers = append(covers, inside)
			}
			return err
		}
		return nil
	})
	if err == nil && len(covers) > maxListed {
		err = fmt.Errorf("more than %d entries to hide", maxListed)
	}
	return covers, err
}

// searchFile reports whether a file holds a lent value.
func (g *gatherer) searchFile(p string, d fs.DirEntry, left *look) (bool, error) {
	info, err := d.Info()
	if err != nil || len(g.lent) == 0 || info.Size() > maxSearch {
		return false, err
	}
	if left.bytes -= int(info.Size()); left.bytes < 0 {
		return false, fmt.Errorf("more than %d MiB to look through", maxRead>>20)
	}
	b, err := readFile(p)
	return err != nil || g.holds(b), nil
}
