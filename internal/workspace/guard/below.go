package guard

import (
	"io/fs"
	"path"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
)

// serially has a report called from one goroutine at a time.
func (g *Guard) serially(report func(Found)) func(Found) {
	return func(f Found) {
		g.reporting.Lock()
		defer g.reporting.Unlock()
		report(f)
	}
}

// skips says that a directory below the root is not watched.
func (g *Guard) skips(rel string) bool { return g.Skip != nil && g.Skip(rel) }

// judgeBelow moves an entry below the root away if it must not be there. gone
// is true when it was, or when nothing below it matters.
func (g *Guard) judgeBelow(dir string, e safefs.Entry, report func(Found)) (gone bool) {
	rel := path.Join(dir, e.Name)
	if e.Type&fs.ModeSocket != 0 && g.HostSocket != nil && g.judgeSocket(rel, report) {
		return true
	}
	if dir == "." {
		return false // the root has a watch of its own
	}
	reason, bad := g.Control(rel, e)
	if !bad || g.Known != nil && g.Known(rel) {
		return false
	}
	g.dispose(rel, reason, report)
	return true
}

// takeFrom moves away what in a git directory would run commands.
func (g *Guard) takeFrom(dir string, report func(Found)) {
	for _, n := range g.Repository(dir) {
		if f, ok := g.Take(n.Name, n.Reason); ok {
			report(f)
		}
	}
}

const (
	// boundAfter is how long bind(2) may take from the name that it makes, which
	// is seen here, to the socket behind it.
	boundAfter = 200 * time.Millisecond
	// maxLooks bounds the sockets that are looked at once more at one time.
	maxLooks = 32
)

// judgeSocket reports a socket of the host's. One that is none yet is looked at
// once more.
func (g *Guard) judgeSocket(rel string, report func(Found)) bool {
	if g.HostSocket(rel) {
		report(Found{Name: rel, Kind: HostSocket})
		return true
	}
	if g.looks.Add(1) > maxLooks {
		g.looks.Add(-1)
		return false
	}
	time.AfterFunc(boundAfter, func() {
		defer g.looks.Add(-1)
		if !g.enter() {
			return
		}
		defer g.late.Done()
		if g.HostSocket(rel) {
			report(Found{Name: rel, Kind: HostSocket})
		}
	})
	return false
}
