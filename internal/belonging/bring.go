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
	maxListed  = 200      // mounts: entries of "dir/*", and what is hidden or linked in one directory
	maxRead    = 32 << 20 // bytes of files that are searched for lent values
	maxSearch  = 1 << 20  // a longer file is no instruction, and is not searched
)

// bring shows files and directories of the home at their own paths.
func (g *gatherer) bring() {
	left := look{entries: maxEntries, bytes: maxRead}
	for _, rel := range append(g.listed(), g.programs...) {
		if profile.Credential(rel) { // of a server; a profile was checked
			g.note(rel, LeftOut, "it lies with credentials")
			continue
		}
		switch why, err := g.one(rel, &left); {
		case errors.Is(err, fs.ErrNotExist):
			g.note(rel, Absent, "")
		case err != nil:
			g.note(rel, LeftOut, err.Error())
		default:
			g.note(rel, Brought, why)
		}
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
		if err != nil || len(entries) == 0 {
			g.note(rel, Absent, "")
		}
		for _, e := range entries[:min(len(entries), maxListed)] {
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
// settings in a repository, what it means is shown at its name.
func (g *gatherer) one(rel string, left *look) (why string, err error) {
	target := filepath.Join(g.Home, rel)
	real, linked, err := follow(g.Home, rel)
	if err != nil {
		return "", err
	}
	if err := g.may(real); err != nil {
		return "", err
	}
	binds, covers, err := g.search(target, real, left, !linked)
	if err != nil {
		return "", err
	}
	g.t.Binds = append(append(g.t.Binds, Bind{real, target}), binds...)
	g.t.Covers = append(g.t.Covers, covers...)
	if len(covers) > 0 {
		why = fmt.Sprintf("without %d that are hidden in it", len(covers))
	}
	return why, nil
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

// search looks through what is brought: names to hide, files that hold a lent
// value, and links, which mean nothing inside unless what they lead to is
// shown, too: one step far, and only in what was reached without a link.
func (g *gatherer) search(target, real string, left *look, links bool) (binds []Bind, covers []string, err error) {
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
		case d.Type()&fs.ModeSymlink != 0:
			if !links {
				return nil
			}
			if b, ok := g.link(p, left); ok {
				binds = append(binds, b)
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
	if err == nil && len(binds)+len(covers) > maxListed {
		err = fmt.Errorf("more than %d entries to hide, or links", maxListed)
	}
	return binds, covers, err
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

// link shows what a link leads to, at its own place, when nothing in there is to
// be hidden.
func (g *gatherer) link(p string, left *look) (Bind, bool) {
	rel, err := filepath.Rel(g.Home, p)
	if err != nil {
		return Bind{}, false
	}
	real, _, err := follow(g.Home, rel)
	if err != nil || g.may(real) != nil {
		return Bind{}, false
	}
	if _, covers, err := g.search(real, real, left, false); err != nil || len(covers) > 0 {
		return Bind{}, false
	}
	return Bind{real, real}, true
}
