package guard

import (
	"encoding/binary"
	"os"
	"path"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// overwritten are the events of an entry that is written to: a program
	// inside may have it open from before it became read-only.
	overwritten = unix.IN_MODIFY | unix.IN_CREATE | unix.IN_MOVED_TO
	// maxFollowed bounds the directories and files that are followed.
	maxFollowed = 2000
)

// followed are entries that stay, or came back. What is written to one is told
// of; a store through a mapping (mmap(2)) makes no event and is found at the end.
type followed struct {
	mu    sync.Mutex
	f     *os.File // inotify; its Fd would make it blocking
	fd    int
	names map[int32]string // watch → the entry
}

// follow has an entry judged again when something in it is written to.
func (g *Guard) follow(rel string, report func(Found)) {
	s := &g.followed
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.over.Load() {
		return
	}
	if s.f == nil {
		fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
		if err != nil {
			return
		}
		s.fd, s.f, s.names = fd, os.NewFile(uintptr(fd), "inotify"), map[int32]string{}
		go g.followAll(s.f, report)
	}
	g.followOne(rel, rel, 0)
}

// followOne watches a file, or a directory and what lies in it.
func (g *Guard) followOne(entry, rel string, depth int) {
	s := &g.followed
	f, err := g.Root.OpenDir(rel)
	isDir := err == nil
	if !isDir {
		if f, err = g.Root.OpenFile(rel); err != nil {
			return
		}
	}
	defer f.Close()
	if len(s.names) >= maxFollowed || depth > maxDepth {
		return
	}
	wd, err := unix.InotifyAddWatch(s.fd, "/proc/self/fd/"+strconv.Itoa(int(f.Fd())), overwritten)
	if err != nil {
		return
	}
	s.names[int32(wd)] = entry
	if !isDir {
		return
	}
	list, _ := g.Root.ReadDir(rel, maxListed)
	for _, e := range list {
		if e.IsDir() { // of its files the directory tells
			g.followOne(entry, path.Join(rel, e.Name), depth+1)
		}
	}
}

func (g *Guard) followAll(f *os.File, report func(Found)) {
	if !g.enter() {
		return
	}
	defer g.late.Done()
	buf := make([]byte, 16<<10)
	for {
		n, err := f.Read(buf)
		if err != nil {
			return
		}
		start := time.Now()
		for _, rel := range g.followed.entries(buf[:n]) {
			g.wrote(rel, report)
		}
		time.Sleep(min(rest*time.Since(start), busy)) // programs inside decide how often
	}
}

// entries are those that a batch of events belongs to.
func (s *followed) entries(b []byte) (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := map[string]bool{}
	for len(b) >= unix.SizeofInotifyEvent {
		rel := s.names[int32(binary.NativeEndian.Uint32(b))]
		b = b[min(unix.SizeofInotifyEvent+int(binary.NativeEndian.Uint32(b[12:])), len(b)):]
		if rel != "" && !seen[rel] {
			seen[rel] = true
			list = append(list, rel)
		}
	}
	return list
}

func (s *followed) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.f != nil {
		go s.f.Close() // the kernel takes a while, see Watch
		s.f = nil
	}
}
