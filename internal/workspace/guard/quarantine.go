// Package guard keeps names that host programs execute from appearing in the
// root of a project: it watches, and moves away what appears, at once.
//
// It does not know which names those are. Its invariant: what it moves was an
// entry of that very directory, is moved and not deleted, replaces nothing, and
// no link is followed; and it leaves no file of its own.
package guard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/bailey-project/bailey/internal/safefs"
)

// asidePrefix begins the name that an entry gets in the root for a moment,
// when the session's directory is on another file system.
const asidePrefix = ".bailey-aside-"

// watched returns the reason why a name of the root must not appear. Names are
// compared without case, as some file systems do, except against those that
// were there at the start.
func (g *Guard) watched(name string) (reason string, ok bool) {
	for _, n := range g.Names {
		if n.Name == name || strings.EqualFold(n.Name, name) && !g.wasThere(name) {
			return n.Reason, true
		}
	}
	if target, isLink := g.Links[name]; isLink {
		now, err := g.Root.Readlink(name)
		return g.Protected[name], err != nil || now != target
	}
	return "", false
}

func (g *Guard) wasThere(name string) bool { return g.Was != nil && g.Was(name) }

// Take moves an entry of the root into the session's directory. It is
// moved, not deleted: the user may want it. What still holds it open inside
// can go on writing there, which nobody reads as a setting.
func (g *Guard) Take(name, reason string) (Found, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := Found{Name: name, Kind: Quarantined, Reason: reason}
	if f.Err = g.Dir.MkdirAll(Quarantine, 0o700); f.Err != nil {
		return f, true
	}
	for range 100 {
		g.moved++
		as := fmt.Sprintf("%d-%s", g.moved, flat(name))
		to := Quarantine + "/" + as
		err := g.Root.MoveTo(name, g.Dir, to)
		if errors.Is(err, fs.ErrPermission) && g.Root.Unlock(name) == nil {
			err = g.Root.MoveTo(name, g.Dir, to) // a directory without write permission
		}
		if errors.Is(err, syscall.EXDEV) {
			err = g.moveFar(name, to)
		}
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			return f, false // gone again
		}
		if err == nil {
			_ = g.write(Moved{name, reason, as}) // without a line it lies there all the same
		}
		f.Err = err
		f.Where = path.Join(g.Dir.Path(), to)
		return f, true
	}
	f.Err = errors.New("no free name to move it to")
	return f, true
}

// flat is a path as one name that a directory can hold.
func flat(name string) string {
	name = strings.ReplaceAll(name, "/", "_")
	return name[max(0, len(name)-maxFlat):]
}

// maxFlat leaves room for a number before the name (NAME_MAX is 255).
const maxFlat = 200

// maxJournal bounds the journal, bytes: a program inside decides how much is
// moved. What is moved after that has no way back but by hand.
const maxJournal = 4 << 20

// write adds a line to the journal. It comes after the move: the name in the
// tree is what must not wait.
func (g *Guard) write(m Moved) error {
	b, err := json.Marshal(m)
	if err != nil || g.written+len(b) > maxJournal {
		return err
	}
	f, err := os.OpenFile(path.Join(g.Dir.Path(), Journal), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	n, err := f.Write(append(b, '\n'))
	g.written += n
	return errors.Join(err, f.Close())
}

// moveFar moves across file systems: the name is taken away at once, the
// content follows.
func (g *Guard) moveFar(name, to string) error {
	aside := fmt.Sprintf("%s%s-%d", asidePrefix, g.Session, g.moved)
	if err := g.Root.MoveTo(name, g.Root, aside); err != nil {
		return err
	}
	return copyAway(g.Root, aside, g.Dir, to)
}

// copyAway copies regular files and directories, as much as a setting may
// have, and removes the original.
func copyAway(from *safefs.Root, name string, dst *safefs.Root, to string) error {
	info, err := from.Lstat(name)
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		err = copyTree(from, name, dst, to)
	case info.Mode().IsRegular():
		err = copyOne(from, name, dst, to)
	default:
		target, _ := from.Readlink(name)
		err = dst.CreateExclusive(to, []byte(fmt.Sprintf("%v %s\n", info.Mode().Type(), target)), 0o600)
	}
	return errors.Join(err, from.RemoveAll(name))
}

func copyTree(from *safefs.Root, name string, dst *safefs.Root, to string) error {
	if err := dst.MkdirAll(to, 0o700); err != nil {
		return err
	}
	_, err := from.Walk(context.Background(), name, safefs.Limits{Entries: 2000, Depth: 16}, func(p string, e safefs.Entry) error {
		in := to + strings.TrimPrefix(p, name)
		switch {
		case e.IsDir():
			return dst.MkdirAll(in, 0o700)
		case e.Type == 0:
			_ = copyOne(from, p, dst, in)
		}
		return nil
	})
	return err
}

func copyOne(from *safefs.Root, name string, dst *safefs.Root, to string) error {
	b, err := from.ReadFile(name, 16<<20)
	if err != nil {
		return err
	}
	info, err := from.Lstat(name)
	if err != nil {
		return err
	}
	return dst.CreateExclusive(to, b, info.Mode().Perm()|0o600)
}

// Sweep moves away what the watch has not seen, and what an interrupted move
// left. Call it when the last process inside is gone.
func (g *Guard) Sweep() []Found {
	g.quit()
	g.Disarm()
	found := g.endDeep()
	collect := func(f Found) { found = append(found, f) }
	g.sweepNames(collect)
	g.rejudge(collect)
	g.mu.Lock()
	defer g.mu.Unlock()
	return append(found, g.Aside()...)
}

// sweepNames moves away every control name that stands in the root.
func (g *Guard) sweepNames(report func(Found)) {
	list, err := g.Root.ReadDir(".", 0)
	if err != nil {
		report(Found{Name: ".", Kind: Quarantined, Err: err})
		return
	}
	defer g.tryDeepen()
	for _, e := range list {
		if reason, ok := g.watched(e.Name); ok {
			g.dispose(e.Name, reason, report)
		}
	}
}

// Aside finishes the moves of a session that was killed in one.
func (g *Guard) Aside() (found []Found) {
	prefix := asidePrefix + g.Session + "-"
	list, err := g.Root.ReadDir(".", 0)
	if err != nil {
		return nil
	}
	for _, e := range list {
		if !strings.HasPrefix(e.Name, prefix) {
			continue
		}
		to := Quarantine + "/" + strings.TrimPrefix(e.Name, ".bailey-")
		_ = g.Dir.RemoveAll(to)
		_ = g.Dir.MkdirAll(Quarantine, 0o700)
		err := copyAway(g.Root, e.Name, g.Dir, to)
		found = append(found, Found{Name: e.Name, Kind: Quarantined, Reason: "an interrupted move", Where: path.Join(g.Dir.Path(), to), Err: err})
	}
	return found
}

// End ends every watch and looks no more.
func (g *Guard) End() {
	g.quit()
	g.Disarm()
	g.endDeep()
}

// Disarm ends Watch, if there is one, and waits for it.
func (g *Guard) Disarm() {
	if g.disarm != nil {
		g.disarm()
	}
}
