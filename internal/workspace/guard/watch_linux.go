package guard

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// maxWatched bounds the directories that are watched for secret files.
const maxWatched = 256

const (
	inotifyHead = unix.SizeofInotifyEvent
	appeared    = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_ONLYDIR | unix.IN_DONT_FOLLOW
)

// Watch moves control names away as soon as they appear in the root, and
// reports them and new or replaced secret files, until ctx ends. It returns
// when it is armed: what appears after that is seen.
func (g *Guard) Watch(ctx context.Context, report func(Found)) error {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return fmt.Errorf("watching the workspace: %w", err)
	}
	f := os.NewFile(uintptr(fd), "inotify")
	dirs := map[int32]string{}
	for _, dir := range append([]string{""}, g.Dirs[:min(len(g.Dirs), maxWatched)]...) {
		wd, err := unix.InotifyAddWatch(fd, filepath.Join(g.Root.Path(), dir), appeared)
		if err == nil {
			dirs[int32(wd)] = dir
			continue
		}
		if dir == "" {
			f.Close()
			return fmt.Errorf("watching the workspace: %w", err)
		}
	}
	stop := context.AfterFunc(ctx, func() { f.Close() })
	go func() {
		defer stop()
		defer f.Close()
		g.read(f, dirs, report)
	}()
	for _, found := range g.sweepNames() { // appeared since Prepare looked
		report(found)
	}
	return nil
}

func (g *Guard) read(f *os.File, dirs map[int32]string, report func(Found)) {
	buf := make([]byte, 64<<10)
	for {
		n, err := f.Read(buf)
		if err != nil {
			if !errors.Is(err, os.ErrClosed) {
				report(Found{Name: ".", Kind: Quarantined, Err: fmt.Errorf("the watch ended: %w", err)})
			}
			return
		}
		for b := buf[:n]; len(b) >= inotifyHead; {
			wd := int32(binary.NativeEndian.Uint32(b))
			mask := binary.NativeEndian.Uint32(b[4:])
			size := inotifyHead + int(binary.NativeEndian.Uint32(b[12:]))
			name, _, _ := bytes.Cut(b[inotifyHead:size], []byte{0})
			b = b[size:]
			if mask&unix.IN_Q_OVERFLOW != 0 {
				for _, found := range g.sweepNames() {
					report(found)
				}
				continue
			}
			if dir, ok := dirs[wd]; ok && len(name) > 0 {
				g.event(path.Join(dir, string(name)), mask&unix.IN_ISDIR != 0, report)
			}
		}
	}
}

// event judges one name that appeared.
func (g *Guard) event(rel string, dir bool, report func(Found)) {
	if reason, ok := g.watched(rel); ok {
		if f, moved := g.Take(rel, reason); moved {
			report(f)
		}
		return
	}
	switch {
	case !dir && g.Secret != nil && g.Secret(rel):
		report(Found{Name: rel, Kind: SecretFile})
	case g.Protected[rel] != "":
		report(Found{Name: rel, Kind: Replaced, Reason: g.Protected[rel]})
	}
}
