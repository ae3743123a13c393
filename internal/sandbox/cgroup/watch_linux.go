package cgroup

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/limit"
)

// Watch calls reached once when the kernel refused the group memory or a
// process. It polls nothing: the kernel tells. The function it returns ends it.
func (g *Group) Watch(s limit.Set, reached func(limit.Breach)) (stop func(), err error) {
	w := &watch{group: g, limits: s}
	if err := w.open(); err != nil {
		w.close()
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if b, ok := w.wait(); ok {
			reached(b)
		}
	}()
	return func() {
		one := binary.NativeEndian.AppendUint64(nil, 1)
		_, _ = unix.Write(w.stop, one)
		<-done
		w.close()
	}, nil
}

// watch holds descriptors that say when something happened.
type watch struct {
	group  *Group
	limits limit.Set
	stop   int   // eventfd
	oom    int   // eventfd that version 1 counts in
	events []int // version 2's files, which poll(2) reports changes of. Not inotify: to close that takes 10 to 25 ms
}

func (w *watch) open() (err error) {
	w.oom = -1
	if w.stop, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("watching the control group: %w", err)
	}
	if !w.group.v2 { // whose pids.events nobody is told of
		return w.openOOM(w.group.dirs["memory"])
	}
	for controller, file := range map[string]string{"memory": "memory.events", "pids": "pids.events"} {
		if controller == "pids" && !w.group.tasks {
			continue
		}
		path := filepath.Join(w.group.dirs[controller], file)
		fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("watching %s: %w", path, err)
		}
		w.events = append(w.events, fd)
	}
	return nil
}

// openOOM asks version 1 to count in an eventfd (memcg_test, "oom_control").
func (w *watch) openOOM(dir string) error {
	if dir == "" {
		return nil
	}
	control, err := os.Open(filepath.Join(dir, "memory.oom_control"))
	if err != nil {
		return fmt.Errorf("watching the control group: %w", err)
	}
	defer control.Close()
	if w.oom, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return fmt.Errorf("watching the control group: %w", err)
	}
	return write(dir, "cgroup.event_control", fmt.Sprintf("%d %d", w.oom, control.Fd()))
}

func (w *watch) close() {
	for _, fd := range append(w.events, w.stop, w.oom) {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// wait returns what was reached; ok is false when it was stopped.
func (w *watch) wait() (b limit.Breach, ok bool) {
	for {
		// A negative descriptor is passed over.
		fds := []unix.PollFd{{Fd: int32(w.stop), Events: unix.POLLIN}, {Fd: int32(w.oom), Events: unix.POLLIN}}
		for _, fd := range w.events {
			w.acknowledge(fd)
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLPRI})
		}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			return b, false
		}
		// Read before stopping: what ended the sandbox may be both.
		if b, ok := w.reached(fds[1].Revents&unix.POLLIN != 0); ok {
			return b, true
		}
		if fds[0].Revents != 0 {
			return b, false
		}
	}
}

// acknowledge reads an events file, so that poll waits for the next change.
func (w *watch) acknowledge(fd int) {
	var b [4096]byte
	_, _ = unix.Pread(fd, b[:], 0)
}

func (w *watch) reached(oom bool) (limit.Breach, bool) {
	breach := func(name limit.Name, what string) (limit.Breach, bool) {
		n, _ := w.limits.N(name)
		return limit.Breach{Name: name, Limit: n, Layer: "cgroup", What: what}, true
	}
	if oom || w.group.v2 && event(w.group.dirs["memory"], "memory.events", "oom_kill ") > 0 {
		return breach(limit.Memory, "all used up")
	}
	if w.group.tasks && event(w.group.dirs["pids"], "pids.events", "max ") > 0 {
		return breach(limit.Processes, "another was asked for")
	}
	return limit.Breach{}, false
}

// event reads one counter of an events file.
func event(dir, file, name string) int64 {
	b, err := os.ReadFile(filepath.Join(dir, file))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(b) {
		if value, ok := bytes.CutPrefix(line, []byte(name)); ok {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
			return n
		}
	}
	return 0
}
