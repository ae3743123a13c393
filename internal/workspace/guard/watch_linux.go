package guard

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// maxWatched bounds the directories that are watched for secret files.
	maxWatched = 256
	// maxListed bounds what is read of one of them.
	maxListed = 20000
	// rest is how much longer than a look the pause behind it is: a program
	// that makes names without end must not keep a processor busy for us.
	rest = 4
)

// Flags of F_NOTIFY (fcntl(2), "File and directory change notification"); the
// unix package has none of them.
const (
	dnCreate    = 0x4 // also what is moved in
	dnRename    = 0x10
	dnMultishot = 0x80000000
)

// Watch moves control names away as soon as they appear in the root, and
// reports them and new or replaced secret files, until ctx ends. It returns
// when it is armed: what appears after that is seen.
//
// It uses dnotify, and not inotify, because closing an inotify descriptor,
// also by exit, waits for the kernel to reap its marks: 10 to 25 ms at the end
// of every session, measured on 6.18.
func (g *Guard) Watch(ctx context.Context, report func(Found)) error {
	report = g.serially(report)
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, unix.SIGIO)
	dirs, files, err := g.arm()
	if err != nil {
		signal.Stop(changed)
		return fmt.Errorf("watching the workspace: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	g.disarm = sync.OnceFunc(func() { cancel(); <-ended })
	seen := map[string]uint64{}
	g.changes(dirs, seen)
	g.sweepNames(report) // what appeared since Prepare looked
	go func() {
		defer close(ended)
		defer closeAll(files)
		defer signal.Stop(changed)
		for {
			select {
			case <-ctx.Done():
				return
			case <-changed:
				g.look(ctx, dirs, seen, report)
			}
		}
	}()
	return nil
}

// arm asks for a signal at every new name in the root and in Dirs.
func (g *Guard) arm() (dirs []string, files []*os.File, err error) {
	for _, dir := range append([]string{""}, g.Dirs[:min(len(g.Dirs), maxWatched)]...) {
		f, err := notify(filepath.Join(g.Root.Path(), dir))
		if err == nil {
			dirs, files = append(dirs, dir), append(files, f)
			continue
		}
		if dir == "" {
			return nil, nil, err
		}
	}
	return dirs, files, nil
}

func notify(dir string) (*os.File, error) {
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), dir)
	if _, err := unix.FcntlInt(f.Fd(), unix.F_NOTIFY, dnCreate|dnRename|dnMultishot); err != nil {
		f.Close()
		return nil, fmt.Errorf("the kernel has no dnotify: %w", err)
	}
	return f, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// look acts on what appeared. The signal says neither what nor where.
func (g *Guard) look(ctx context.Context, dirs []string, seen map[string]uint64, report func(Found)) {
	start := time.Now()
	g.sweepNames(report)
	for _, found := range g.changes(dirs, seen) {
		report(found)
	}
	pause := time.NewTimer(rest * time.Since(start))
	defer pause.Stop()
	select {
	case <-pause.C:
	case <-ctx.Done():
	}
}

// changes finds secret files and protected names that are new, or another file
// than in seen, and brings seen up to date.
func (g *Guard) changes(dirs []string, seen map[string]uint64) (found []Found) {
	for _, dir := range dirs {
		list, err := g.Root.ReadDir(path.Clean(dir), maxListed)
		if err != nil {
			continue // removed, or too many names to hold a secret among
		}
		for _, e := range list {
			rel := path.Join(dir, e.Name)
			f, ok := g.judge(rel, e.Type.IsDir())
			if !ok || seen[rel] == e.Ino {
				continue
			}
			seen[rel] = e.Ino
			found = append(found, f)
		}
	}
	return found
}

// judge says what a name in a watched directory is.
func (g *Guard) judge(rel string, dir bool) (Found, bool) {
	switch {
	case !dir && g.Secret != nil && g.Secret(rel):
		return Found{Name: rel, Kind: SecretFile}, true
	case g.Protected[rel] != "":
		return Found{Name: rel, Kind: Replaced, Reason: g.Protected[rel]}, true
	}
	return Found{}, false
}
