package guard

import "time"

const (
	// gitTime bounds how long a name waits for the user's git to be done: it may
	// have an editor open.
	gitTime = 10 * time.Second
	gitTick = 20 * time.Millisecond
	// maxWaiting bounds the names that do: programs inside make them.
	maxWaiting = 1000
)

// wait has judge called when the user's git is done, and reports false when it
// is not at work.
func (g *Guard) wait(rel string, judge func()) bool {
	if g.Busy == nil || g.over.Load() || !g.Busy() {
		return false
	}
	g.judging.Lock()
	defer g.judging.Unlock()
	if g.waiting[rel] {
		return true
	}
	if len(g.waiting) >= maxWaiting {
		return false
	}
	put(&g.waiting, rel, true)
	go g.await(rel, judge)
	return true
}

// enter begins something that is judged later than it was seen, and reports
// false when it is too late for that. g.late.Done ends it.
func (g *Guard) enter() bool {
	g.entering.Lock()
	defer g.entering.Unlock()
	if g.over.Load() {
		return false
	}
	g.late.Add(1)
	return true
}

// quit lets nothing more be judged later, and waits for what is: Root and Dir
// may be closed after it.
func (g *Guard) quit() {
	g.entering.Lock()
	g.over.Store(true)
	g.entering.Unlock()
	g.followed.end()
	g.late.Wait()
}

func (g *Guard) await(rel string, judge func()) {
	if !g.enter() {
		return
	}
	defer g.late.Done()
	for end := time.Now().Add(gitTime); g.Busy() && !g.over.Load() && time.Now().Before(end); {
		time.Sleep(gitTick)
	}
	g.judging.Lock()
	delete(g.waiting, rel)
	g.judging.Unlock()
	if !g.over.Load() {
		judge()
	}
}
