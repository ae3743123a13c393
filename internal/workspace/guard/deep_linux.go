package guard

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/safefs"
)

const (
	// maxDeep bounds the directories that are watched below the root; what lies
	// in further ones is looked at when the session ends.
	maxDeep  = 30000
	maxDepth = 64
	// busy is what one batch of events may take without a rest after it.
	busy   = 20 * time.Millisecond
	events = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_ONLYDIR
	// writes are asked for where a file is judged by its content.
	writes = unix.IN_CLOSE_WRITE | unix.IN_MODIFY
)

// deep is the watch over everything below the root.
//
// It uses inotify, which names what appeared: dnotify, as used for the root,
// says only that something did, and 2,000 directories take 20 ms to be read
// again. Closing it costs 4 to 20 ms whatever its size (see Watch), so it is
// made only when there is a directory to watch, and closed beside the work of
// a session's end. fanotify would need a mark for each directory as well: a
// mark on the mount is for the host's root alone, or tells no creation.
type deep struct {
	g       *Guard
	fd      int
	f       *os.File // of fd; its Fd would make it blocking
	report  func(Found)
	dirs    map[int32]string // watch → directory
	whole   bool             // every directory is watched
	secrets map[string]bool  // files that appeared
	ended   chan struct{}
}

// settle is how long a workload runs before it is watched below the root: a
// shorter one is cheaper looked after once, when it is over.
const settle = 50 * time.Millisecond

// Below also watches everything below the root, until the context of Watch
// ends: call it after Watch, once the workload runs, so that no start waits
// for it. What appeared before that is found all the same.
func (g *Guard) Below(ctx context.Context, report func(Found)) {
	if g.Control == nil {
		return
	}
	g.deepMu.Lock()
	g.deepen = sync.OnceFunc(func() { g.startDeep(ctx, g.serially(report)) })
	g.settling = time.AfterFunc(settle, func() {
		g.deepMu.Lock()
		g.settling = nil
		g.deepMu.Unlock()
		if g.enter() {
			g.remember()
			g.late.Done()
		}
		g.tryDeepen()
	})
	g.deepMu.Unlock()
}

// tryDeepen begins the deep watch as soon as the root has a directory for it,
// or a socket, which the watch of the root alone doesn't judge.
func (g *Guard) tryDeepen() {
	g.deepMu.Lock()
	defer g.deepMu.Unlock()
	if g.deepen == nil || g.deep != nil || g.settling != nil {
		return
	}
	list, err := g.Root.ReadDir(".", 0)
	for _, e := range list {
		if err == nil && (e.IsDir() && !g.skips(e.Name) || e.Type&fs.ModeSocket != 0) {
			g.deepen()
			return
		}
	}
}

func (g *Guard) startDeep(ctx context.Context, report func(Found)) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		report(Found{Name: ".", Kind: Unwatched, Err: err})
		return
	}
	d := &deep{g: g, fd: fd, f: os.NewFile(uintptr(fd), "inotify"), dirs: map[int32]string{}, secrets: map[string]bool{}, whole: true, ended: make(chan struct{}),
		report: report}
	g.deep = d
	context.AfterFunc(ctx, d.stop)
	go d.run()
}

// stop lets run see to what has happened so far and end.
func (d *deep) stop() { _ = d.f.SetReadDeadline(time.Unix(1, 0)) }

func (d *deep) run() {
	defer close(d.ended)
	d.walk(".", 0)
	if !d.whole {
		d.report(Found{Name: ".", Kind: Unwatched, Err: errors.New("it has more directories than can be watched")})
	}
	buf := make([]byte, 64<<10)
	for {
		n, err := d.f.Read(buf)
		if err != nil {
			break
		}
		start := time.Now()
		d.all(buf[:n])
		// A program that makes and moves trees without end must not keep a
		// processor busy for us.
		if took := time.Since(start); took > busy {
			time.Sleep(min(took, 20*busy))
		}
	}
	for { // nobody inside is alive: this ends
		n, err := unix.Read(d.fd, buf)
		if n <= 0 || err != nil {
			return
		}
		d.all(buf[:n])
	}
}

// walk watches dir and everything below it, and judges what stands there.
func (d *deep) walk(dir string, depth int) {
	list, ok := d.watch(dir, 0)
	if !ok {
		return
	}
	for _, e := range list {
		d.entry(dir, e, depth)
	}
	if repository(list) {
		d.judgeRepository(dir)
	}
}

// watch arms one directory and then lists it, so that nothing falls between.
func (d *deep) watch(dir string, more uint32) ([]safefs.Entry, bool) {
	f, err := d.g.Root.OpenDir(dir)
	if err != nil {
		return nil, false // gone, or no directory any more
	}
	defer f.Close()
	if len(d.dirs) >= maxDeep {
		d.whole = false
		return nil, false
	}
	fd := strconv.Itoa(int(f.Fd()))
	wd, err := unix.InotifyAddWatch(d.fd, "/proc/self/fd/"+fd, events|more)
	if err != nil {
		d.whole = false
		return nil, false
	}
	d.dirs[int32(wd)] = dir
	list, err := d.g.Root.ReadDir(dir, maxListed)
	return list, err == nil
}

// entry judges one name and goes on below it.
func (d *deep) entry(dir string, e safefs.Entry, depth int) {
	rel := path.Join(dir, e.Name)
	if !e.IsDir() && strings.EqualFold(e.Name, gitName) { // judged by what is written to it
		d.watch(dir, writes)
	}
	if d.g.judgeBelow(dir, e, d.report) {
		return
	}
	if e.Type == 0 {
		d.secret(dir, rel)
	}
	if !e.IsDir() || d.g.skips(rel) {
		return
	}
	if depth >= maxDepth {
		d.whole = false
		return
	}
	d.walk(rel, depth+1)
}

// maxSecrets bounds the secret files below the root that are covered when they
// appear: each is a mount, and programs inside can make them, too.
const maxSecrets = 256

// secret reports a secret file that was not there at the start, and again
// whenever it is written.
func (d *deep) secret(dir, rel string) {
	if dir == "." || d.g.Secret == nil || !d.g.Secret(rel) || d.g.Known != nil && d.g.Known(rel) {
		return
	}
	if !d.secrets[rel] {
		if len(d.secrets) == maxSecrets {
			d.report(Found{Name: rel, Kind: Unwatched, Err: errors.New("too many files with secrets appeared in it")})
			return
		}
		d.secrets[rel] = true
		d.watch(dir, writes)
	}
	d.report(Found{Name: rel, Kind: SecretFile})
}

// all acts on the kernel's records, see inotify(7).
func (d *deep) all(b []byte) {
	for len(b) >= unix.SizeofInotifyEvent {
		wd := int32(binary.NativeEndian.Uint32(b))
		mask := binary.NativeEndian.Uint32(b[4:])
		size := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
		if size > len(b) {
			return
		}
		name := strings.TrimRight(string(b[unix.SizeofInotifyEvent:size]), "\x00")
		b = b[size:]
		d.one(wd, mask, name)
	}
}

func (d *deep) one(wd int32, mask uint32, name string) {
	dir, known := d.dirs[wd]
	switch {
	case mask&unix.IN_Q_OVERFLOW != 0:
		d.walk(".", 0)
	case mask&unix.IN_IGNORED != 0:
		delete(d.dirs, wd)
	case !known || name == "":
	case mask&writes != 0 && mask&events == 0:
		switch rel := path.Join(dir, name); {
		case d.secrets[rel] && mask&unix.IN_CLOSE_WRITE != 0:
			d.report(Found{Name: rel, Kind: SecretFile})
		case inRepository[name]:
			d.maybeRepository(dir)
		case strings.EqualFold(name, gitName):
			d.appeared(dir, name)
		}
	default:
		d.appeared(dir, name)
	}
}

func (d *deep) appeared(dir, name string) {
	rel := path.Join(dir, name)
	info, err := d.g.Root.Lstat(rel)
	if err != nil {
		return
	}
	e := safefs.Entry{Name: name, Type: info.Mode().Type()}
	d.entry(dir, e, strings.Count(rel, "/"))
	switch {
	case inRepository[name]:
		d.maybeRepository(dir)
	case path.Base(dir) == "hooks":
		d.maybeRepository(path.Dir(dir))
	}
}

func (d *deep) maybeRepository(dir string) {
	list, err := d.g.Root.ReadDir(dir, maxListed)
	if err == nil && repository(list) {
		d.judgeRepository(dir)
	}
}

// judgeRepository moves away what in a git directory would run commands, and
// looks again whenever something in it is written.
func (d *deep) judgeRepository(dir string) {
	if d.g.Repository == nil || dir == "." {
		return
	}
	d.watch(dir, writes)
	d.g.takeFrom(dir, d.report)
}

// inRepository are the names that make a directory a repository to git, or
// are read as its settings.
var inRepository = map[string]bool{"HEAD": true, "objects": true, "refs": true, "commondir": true, "config": true, "config.worktree": true, "hooks": true}

// repository says whether git takes a directory with these names for one.
func repository(list []safefs.Entry) bool {
	has := map[string]bool{}
	for _, e := range list {
		if inRepository[e.Name] {
			has[e.Name] = true
		}
	}
	return has["HEAD"] && (has["commondir"] || has["objects"] && has["refs"])
}

// end waits until everything that happened is seen to. Closing takes the
// kernel a while; what follows need not wait for it.
func (d *deep) end() {
	d.stop()
	<-d.ended
	go d.f.Close()
}

// endDeep ends the watch below the root, and looks at what it could not see.
func (g *Guard) endDeep() (found []Found) {
	g.deepMu.Lock()
	defer g.deepMu.Unlock()
	d, wanted := g.deep, g.deepen != nil
	g.deepen, g.deep = nil, nil
	if g.settling != nil {
		g.settling.Stop()
		g.settling = nil
	}
	if d != nil {
		d.end()
	}
	if wanted && (d == nil || !d.whole) {
		g.lookBelow(func(f Found) { found = append(found, f) }) // no directory yet, or too many, or too short a life
	}
	return found
}

// lookBelow walks over the whole tree once.
func (g *Guard) lookBelow(report func(Found)) {
	dirs := map[string][]safefs.Entry{}
	limits := safefs.Limits{Entries: 500_000, Depth: maxDepth, Time: 5 * time.Second}
	complete, err := g.Root.Walk(context.Background(), ".", limits, func(p string, e safefs.Entry) error {
		dir := path.Dir(p)
		if inRepository[e.Name] {
			dirs[dir] = append(dirs[dir], e)
		}
		if g.judgeBelow(dir, e, report) || e.IsDir() && g.skips(p) {
			return fs.SkipDir
		}
		return nil
	})
	if err == nil && !complete {
		err = errors.New("it is too large to be looked through whole")
	}
	if err != nil {
		report(Found{Name: ".", Kind: Unwatched, Err: err})
	}
	for dir, list := range dirs {
		if repository(list) && dir != "." {
			g.takeFrom(dir, report)
		}
	}
}
