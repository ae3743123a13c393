package sandbox

import (
	"sync"

	"github.com/bailey-project/bailey/internal/sandbox/broker"
)

// broker puts the name broker's filter on the calling thread, which is to be
// the workload's, and has it served by others. It reports whether there is one.
func (p *pid1) broker() (bool, error) {
	if p.spec.Names == nil {
		return false, nil
	}
	listener, err := broker.Install()
	if err != nil {
		return false, err
	}
	c := broker.Config{Root: p.spec.Names.Root, Exempt: p.spec.Names.Exempt, Rules: p.names, Report: p.refusals()}
	return true, broker.Serve(listener, c, p.die)
}

// maxRefusals bounds what the supervisor is told: programs inside choose how
// often they ask.
const maxRefusals = 1000

// refusals tells the supervisor of each refused path once, and keeps nobody
// waiting for it.
func (p *pid1) refusals() func(path string) {
	var mu sync.Mutex
	seen := map[string]bool{}
	queue := make(chan string, maxRefusals)
	go func() {
		for path := range queue {
			_ = p.ctl.send(frame{Notice: &Notice{Kind: Refused, Path: path}})
		}
	}()
	return func(path string) {
		mu.Lock()
		defer mu.Unlock()
		if !seen[path] && len(seen) < maxRefusals {
			seen[path] = true
			queue <- path // has room for all of them
		}
	}
}
