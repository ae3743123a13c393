package guard

import (
	"path"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
)

// absentFor is how long a protected entry must have been gone for what appears
// in its place to be another's: an editor's save takes less.
const absentFor = time.Second

// gitName is a repository, or a file that says where one is.
const gitName = ".git"

// judgement is what has to be known of names that are judged over time.
type judgement struct {
	waiting map[string]bool         // for the user's git to be done
	stays   map[string]string       // vouched for, and why it would have gone
	lost    map[string]bool         // protected once, moved away since
	doubted map[string]bool         // reported as Doubtful
	began   map[string]safefs.Birth // protected entries as they were at the start
}

// dispose decides about a control name that appeared. What the user's own git
// checked out stays; while it is still at work nothing is taken away from under
// it, because it would fail.
func (g *Guard) dispose(rel, reason string, report func(Found)) {
	g.disposeOf(rel, reason, report, g.over.Load())
}

// disposeOf is dispose; at last nothing is waited for. Git is asked before its
// index is, which it writes last, and after that, for it may have begun anew.
func (g *Guard) disposeOf(rel, reason string, report func(Found), last bool) {
	later := func() bool {
		return !last && g.wait(rel, func() { g.disposeOf(rel, reason, report, true) })
	}
	switch {
	case !g.over.Load() && g.staying(rel), later():
	case g.vouched(rel):
		if !g.over.Load() && g.stay(rel, reason) {
			g.follow(rel, report)
			report(Found{Name: rel, Kind: CheckedOut, Reason: reason})
		}
	case later():
	default:
		if f, ok := g.Take(rel, reason); ok {
			report(f)
		}
	}
}

// Replaced judges what stands in the place of a protected entry, or of one that
// stayed, after the host had removed it for that long: a program inside that
// waits for the moment can have put it there.
func (g *Guard) Replaced(rel string, absent time.Duration, report func(Found)) {
	if !g.over.Load() {
		g.replaced(rel, absent, g.serially(report), false)
	}
}

func (g *Guard) replaced(rel string, absent time.Duration, report func(Found), last bool) {
	reason := g.reason(rel)
	later := func() bool {
		return !last && g.wait(rel, func() { g.replaced(rel, absent, report, true) })
	}
	if reason != "" {
		g.follow(rel, report) // first, so that nothing is written unseen after the look
	}
	if reason == "" || strings.EqualFold(path.Base(rel), gitName) || later() || g.vouched(rel) || later() {
		return
	}
	info, err := g.Root.Lstat(rel)
	if err != nil {
		return // gone again
	}
	if !info.IsDir() && absent < absentFor && !g.wasLost(rel) && !g.staying(rel) {
		_ = g.doubt(rel)
		report(Found{Name: rel, Kind: Doubtful, Reason: reason})
		return
	}
	g.lose(rel)
	if f, ok := g.Take(rel, reason); ok {
		report(f)
	}
}

// wrote judges an entry that stays, or came back, after it was written to: by
// the user, or by a program inside that has had it open since before it became
// read-only. What stays only because git vouched for it goes when git does not.
func (g *Guard) wrote(rel string, report func(Found)) {
	reason := g.reason(rel)
	switch {
	case reason == "" || g.over.Load() || g.wait(rel, func() { g.wrote(rel, report) }) || g.vouched(rel):
	case g.staying(rel):
		g.lose(rel)
		if f, ok := g.Take(rel, reason); ok {
			report(f)
		}
	case g.doubt(rel):
		report(Found{Name: rel, Kind: Doubtful, Reason: reason})
	}
}

// rejudge looks, at the end, once more at what stayed or came back, and at what
// was replaced so late that nobody saw it.
func (g *Guard) rejudge(report func(Found)) {
	g.judging.Lock()
	late := map[string]time.Duration{}
	for rel, was := range g.began {
		if now, err := g.Root.Birth(rel); err == nil && now != was && !g.doubted[rel] {
			late[rel] = 0
		}
	}
	for rel := range g.stays {
		late[rel] = absentFor
	}
	for rel := range g.lost {
		late[rel] = absentFor
	}
	g.judging.Unlock()
	for rel, absent := range late {
		g.replaced(rel, absent, report, true)
	}
}

// remember notes which entries are protected. It need not be done before the
// workload runs: inside, none of them can be replaced.
func (g *Guard) remember() {
	began := make(map[string]safefs.Birth, len(g.Protected))
	for rel := range g.Protected {
		if _, isLink := g.Links[rel]; !isLink { // see watched
			began[rel], _ = g.Root.Birth(rel)
		}
	}
	g.judging.Lock()
	defer g.judging.Unlock()
	g.began = began
}

func (g *Guard) vouched(rel string) bool { return g.Vouched != nil && g.Vouched(rel) }

func (g *Guard) staying(rel string) bool {
	g.judging.Lock()
	defer g.judging.Unlock()
	return g.stays[rel] != ""
}

// stay reports false for a name that stays already.
func (g *Guard) stay(rel, reason string) bool {
	g.judging.Lock()
	defer g.judging.Unlock()
	was := g.stays[rel] != ""
	put(&g.stays, rel, reason)
	return !was
}

func (g *Guard) wasLost(rel string) bool {
	g.judging.Lock()
	defer g.judging.Unlock()
	return g.lost[rel]
}

func (g *Guard) lose(rel string) {
	g.judging.Lock()
	defer g.judging.Unlock()
	delete(g.stays, rel)
	put(&g.lost, rel, true)
}

// doubt reports false for what was reported as Doubtful already.
func (g *Guard) doubt(rel string) bool {
	g.judging.Lock()
	defer g.judging.Unlock()
	was := g.doubted[rel]
	put(&g.doubted, rel, true)
	return !was
}

func put[V any](m *map[string]V, key string, v V) {
	if *m == nil {
		*m = map[string]V{}
	}
	(*m)[key] = v
}

// reason is why a name is protected, "" when it isn't.
func (g *Guard) reason(rel string) string {
	if r := g.Protected[rel]; r != "" {
		return r
	}
	g.judging.Lock()
	defer g.judging.Unlock()
	return g.stays[rel]
}
