// Package cgroup gives a sandbox a control group of its own where this user
// may make one: version 2 where a directory is delegated, version 1 as root.
//
// It is the brake, not the judge: its limits lie a little above those that the
// meter in the sandbox ends a session for, so that between two looks at it
// nothing gets far. It is no requirement. Its invariant: nobody but the sandbox is ever in the
// group, so that what the kernel ends there is the sandbox's.
package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/limit"
)

// root is where systems mount their control groups.
const root = "/sys/fs/cgroup"

// Group is a sandbox's own control group: one directory in version 2, one per
// controller in version 1.
type Group struct {
	dirs  map[string]string // by controller
	v2    bool
	tasks bool              // whether it bounds their number
	own   map[string]string // of version 1: our own group, by controller
	root  string
	name  string
}

// errNone says that this user can make no control group here.
var errNone = errors.New("no control group that this user may divide")

// New makes a group named after this process, or fails where there can be none.
// It bounds the number of tasks only when that is asked for: each controller of
// version 1 is a directory more to make, to enter and to remove.
func New(name string, tasks bool) (*Group, error) {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, errNone
	}
	return newIn(root, string(b), fmt.Sprintf("bailey-%d-%s", os.Getpid(), name), tasks)
}

func newIn(root, self, name string, tasks bool) (*Group, error) {
	g := &Group{dirs: map[string]string{}, tasks: tasks, own: memberships(self), root: root, name: name}
	if _, v1 := g.own["memory"]; v1 {
		return g, g.divideV1()
	}
	if path, ok := g.own[""]; ok {
		return g, g.divideV2(path)
	}
	return nil, errNone
}

// memberships reads /proc/self/cgroup (cgroups(7)): a path per controller, and
// that of version 2 under "".
func memberships(text string) map[string]string {
	own := map[string]string{}
	for line := range strings.Lines(text) {
		f := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(f) != 3 {
			continue
		}
		for c := range strings.SplitSeq(f[1], ",") {
			own[c] = f[2]
		}
	}
	return own
}

func (g *Group) divideV1() error {
	controllers := []string{"memory"}
	if g.tasks {
		controllers = append(controllers, "pids")
	}
	for _, c := range controllers {
		if err := g.add(c); err != nil {
			g.Remove()
			return errNone
		}
	}
	return nil
}

// add makes the group of one controller of version 1.
func (g *Group) add(controller string) error {
	path, ok := g.own[controller]
	if !ok {
		return errNone
	}
	dir := filepath.Join(g.root, controller, path, g.name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	g.dirs[controller] = dir
	return nil
}

// divideV2 looks upward for a directory whose children get the controllers and
// that this user may write to: no process may live in such a directory itself,
// so it is never our own.
func (g *Group) divideV2(path string) error {
	g.v2 = true
	for at := filepath.Dir(path); ; at = filepath.Dir(at) {
		parent := filepath.Join(g.root, at)
		b, err := os.ReadFile(filepath.Join(parent, "cgroup.subtree_control"))
		if err != nil {
			return errNone
		}
		has := strings.Fields(string(b))
		if contains(has, "memory") && contains(has, "pids") && unix.Access(filepath.Join(parent, "cgroup.procs"), unix.W_OK) == nil {
			dir := filepath.Join(parent, g.name)
			if os.Mkdir(dir, 0o755) == nil {
				for _, c := range has {
					g.dirs[c] = dir
				}
				return nil
			}
		}
		if at == "/" || at == "." {
			return errNone
		}
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// Unified says that the group is one of version 2.
func (g *Group) Unified() bool { return g.v2 }

// Open returns what a new process enters the group with. In version 2 it is the
// directory, for clone3(2). In version 1 they are files that the process writes
// "0" to: to move oneself needs no lock that the whole machine shares, to move
// somebody else waits for a grace period.
func (g *Group) Open() ([]*os.File, error) {
	if g.v2 {
		f, err := os.Open(g.dirs["memory"])
		return []*os.File{f}, err
	}
	var files []*os.File
	for _, dir := range g.dirs {
		fd, err := unix.Open(filepath.Join(dir, "tasks"), unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			for _, f := range files {
				f.Close()
			}
			return nil, &os.PathError{Op: "open", Path: dir, Err: err}
		}
		files = append(files, os.NewFile(uintptr(fd), dir))
	}
	return files, nil
}

// Limit puts brakes in force on the sandbox, whose first process is pid. To
// share out the processors in version 1 that is moved: it stops every fork of
// the machine for a moment, so it is done for those who ask for it.
func (g *Group) Limit(s limit.Set, pid int) error {
	if _, ok := s.N(limit.CPUs); ok && !g.v2 && g.add("cpu") == nil {
		if err := write(g.dirs["cpu"], "cgroup.procs", strconv.Itoa(pid)); err != nil {
			return err
		}
	}
	for _, l := range g.settings(s) {
		dir := g.dirs[l.controller]
		if dir == "" {
			continue
		}
		if err := write(dir, l.file, l.value); err != nil && !l.optional {
			return fmt.Errorf("limiting the sandbox: %w", err)
		}
	}
	return nil
}

// setting is one value in one file of a group.
type setting struct {
	controller, file, value string
	optional                bool // the kernel may lack it
}

// cpuPeriod is the usual one, microseconds.
const cpuPeriod = 100_000

func (g *Group) settings(s limit.Set) []setting {
	var all []setting
	text := func(n int64) string { return strconv.FormatInt(n, 10) }
	if n, ok := s.N(limit.Memory); ok && g.v2 {
		all = append(all, setting{"memory", "memory.max", text(n + n/slack), false},
			setting{"memory", "memory.oom.group", "1", true},
			setting{"memory", "memory.swap.max", text(n / slack), true})
	} else if ok {
		all = append(all, setting{"memory", "memory.limit_in_bytes", text(n + n/slack), false},
			setting{"memory", "memory.memsw.limit_in_bytes", text(n + n/slack), true})
	}
	if n, ok := s.N(limit.Processes); ok && g.tasks {
		all = append(all, setting{"pids", "pids.max", text(n + n/slack + ours), false})
	}
	if n, ok := s.N(limit.CPUs); ok && g.v2 {
		all = append(all, setting{"cpu", "cpu.max", text(n*cpuPeriod/1000) + " " + text(cpuPeriod), false})
	} else if ok {
		all = append(all, setting{"cpu", "cpu.cfs_quota_us", text(n * cpuPeriod / 1000), false})
	}
	return all
}

const (
	// slack is the part of a limit by which the brake lies above it.
	slack = 8
	// ours are the threads that the sandbox's first process may have.
	ours = 64
)

// Holds says whether the group limits name for all processes together.
func (g *Group) Holds(name limit.Name) bool { return name == limit.CPUs && g.dirs["cpu"] != "" }

// Remove takes the group away; it must be empty. Groups of supervisors that
// were killed go with it.
func (g *Group) Remove() {
	for _, dir := range g.dirs {
		_ = os.Remove(dir)
		sweep(filepath.Dir(dir))
	}
}

// sweep removes the empty groups of processes that are gone.
func sweep(parent string) {
	stale, _ := filepath.Glob(filepath.Join(parent, "bailey-*-*"))
	for _, dir := range stale {
		pid := strings.Split(filepath.Base(dir), "-")[1]
		if _, err := os.Lstat("/proc/" + pid); err != nil {
			_ = os.Remove(dir)
		}
	}
}

func write(dir, file, text string) error {
	fd, err := unix.Open(filepath.Join(dir, file), unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: filepath.Join(dir, file), Err: err}
	}
	defer unix.Close(fd)
	if _, err := unix.Write(fd, []byte(text)); err != nil {
		return &os.PathError{Op: "write", Path: filepath.Join(dir, file), Err: err}
	}
	return nil
}
