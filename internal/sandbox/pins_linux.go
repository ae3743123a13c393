package sandbox

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// pins are the mounts that the host can drop without notice: a mount on a
// directory entry is gone when the host renames, unlinks or recreates that
// entry. The kernel reports every change of a mount namespace through poll(2)
// on mountinfo (proc(5)), so a dropped cover is laid anew at once. Between the
// host's rename and ours the entry is bare: the supervisor is told each time.
type pins struct {
	mu   sync.Mutex
	list []*pin
	next int // number of the next cover file
	// info is the sandbox's mountinfo, a bare descriptor: Go's own poller
	// would register an os.File and take every other event away from us.
	info int
}

// pin is one mount to be kept.
type pin struct {
	m    Mount
	id   uint64    // of the mount that covers the target (statx)
	gone time.Time // since when there is no target; zero while there is one
}

const (
	pinDir = "/run/bailey/pin"
	// A target that vanished is looked for at once, eager times, and then every
	// moment: rename(2) drops the mount, waits for a grace period of the kernel
	// and only then moves the name. slowest is for one that stays away.
	eager   = 100
	slowest = 50 // milliseconds
)

// start notes what is pinned. Called once the tree is the root, and while the
// process may still open its own mountinfo.
func (p *pins) start(t *tree, mounts []Mount) error {
	var err error
	p.info, err = unix.Open("/proc/self/mountinfo", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("watching the mounts: %w", err)
	}
	for _, m := range mounts {
		if !m.Pinned {
			continue
		}
		id, err := t.mountID(m.Target)
		if err != nil {
			id = 0 // missing: laid when it appears
		}
		p.list = append(p.list, &pin{m: m, id: id})
	}
	return nil
}

// mountID says which mount path is on.
func (t *tree) mountID(path string) (uint64, error) {
	fd, err := t.resolve(path)
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	var st unix.Statx_t
	if err := unix.Statx(fd, "", unix.AT_EMPTY_PATH|unix.AT_SYMLINK_NOFOLLOW, unix.STATX_MNT_ID, &st); err != nil {
		return 0, err
	}
	return st.Mnt_id, nil
}

// watch checks all pins whenever the mount namespace changes, and again while
// a target is missing.
func (p *pins) watch(one *pid1) {
	tries := 0
	for {
		fds := []unix.PollFd{{Fd: int32(p.info), Events: unix.POLLPRI}}
		n, err := unix.Poll(fds, patience(tries))
		if err != nil && err != unix.EINTR {
			return
		}
		switch missing := p.check(one); {
		case !missing:
			tries = 0
		case n > 0:
			tries = 1
		default:
			tries++
		}
	}
}

// patience is how long to wait for an event, in milliseconds, after tries
// looks at a missing target; -1 is for ever.
func patience(tries int) int {
	switch {
	case tries == 0:
		return -1
	case tries < eager:
		return 0
	}
	return min(1+tries/eager, slowest)
}

// check lays every dropped pin anew and reports whether a target is missing.
func (p *pins) check(one *pid1) (missing bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pin := range p.list {
		id, err := one.tree.mountID(pin.m.Target)
		if err == nil && id == pin.id {
			continue
		}
		if err == nil {
			err = pin.lay(one.tree)
		}
		// rename(2) drops the mount before it moves the name: in between the
		// old entry is still found but takes no mount.
		if errors.Is(err, unix.ENOENT) {
			missing = true
			if pin.gone.IsZero() {
				pin.gone = time.Now()
			}
			continue
		}
		pin.tell(one, err)
	}
	return missing
}

// tell says that the pin was laid anew, or could not be.
func (p *pin) tell(one *pid1, err error) {
	n := Notice{Kind: Repinned, Path: p.m.Target}
	if err != nil {
		n.Kind, n.Detail = Exposed, err.Error()
	}
	if !p.gone.IsZero() {
		n.Absent, p.gone = time.Since(p.gone), time.Time{}
	}
	_ = one.ctl.send(frame{Notice: &n})
}

// lay puts the pin's mount over its target once more.
func (p *pin) lay(t *tree) error {
	var err error
	switch {
	case p.m.Kind == Cover:
		err = t.cover(p.m)
	case p.m.Source == p.m.Target:
		err = p.layItself(t)
	default:
		err = p.laySpare(t)
	}
	if err != nil {
		return err
	}
	p.id, err = t.mountID(p.m.Target)
	return err
}

// layItself makes whatever stands at the target now read-only.
func (p *pin) layItself(t *tree) error {
	at, err := t.resolve(p.m.Target)
	if err != nil {
		return err
	}
	defer unix.Close(at)
	fd, err := unix.OpenTree(at, "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return fmt.Errorf("mount %s: %w", p.m.Target, err)
	}
	m := p.m
	m.fd = fd
	defer unix.Close(fd)
	return t.bind(m)
}

// laySpare clones the copy that keepSpare put aside.
func (p *pin) laySpare(t *tree) error {
	fd, err := openSource(p.m.spare)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	m := p.m
	m.fd = fd
	return t.bind(m)
}

// keepSpare mounts a second copy of a pinned bind inside the sandbox's own
// tree, where the host can't drop it: a dropped mount can't be cloned. It is taken
// from the mount in its place, because root's detached one belongs to a more
// privileged namespace and can only be moved.
func (t *tree) keepSpare(m *Mount) error {
	fd, err := unix.OpenTree(m.fd, "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return fmt.Errorf("mount %s: %w", m.Target, err)
	}
	defer unix.Close(fd)
	spare := *m
	spare.fd, spare.Pinned, spare.Target = fd, false, pinDir+"/"+strconv.Itoa(m.fd)
	m.spare = spare.Target
	return t.bind(spare)
}

// add covers one more entry in the running sandbox, or gives one that is
// covered already a new content.
func (p *pins) add(one *pid1, f File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next++
	name := "late" + strconv.Itoa(p.next)
	if err := one.tree.addCover(name, f.Content); err != nil {
		_ = one.ctl.send(frame{Notice: &Notice{Kind: Exposed, Path: f.Target, Detail: err.Error()}})
		return
	}
	pin := p.find(f.Target)
	pin.m.Source = coverDir + "/" + name
	was, _ := one.tree.mountID(f.Target)
	bare := pin.id != 0 && was != pin.id // and check, which would say so, comes too late now
	if err := pin.lay(one.tree); err != nil && !errors.Is(err, unix.ENOENT) || err == nil && bare {
		pin.tell(one, err)
	}
}

// protect keeps one more entry read-only, unless a pin lies there already.
func (p *pins) protect(one *pid1, target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pin := range p.list {
		if pin.m.Target == target {
			return
		}
	}
	pin := &pin{m: Mount{Kind: Bind, Source: target, Target: target, Pinned: true}}
	p.list = append(p.list, pin)
	if err := pin.lay(one.tree); !errors.Is(err, unix.ENOENT) {
		pin.tell(one, err)
	}
}

// find returns the cover for target, a new one when there is none.
func (p *pins) find(target string) *pin {
	for _, pin := range p.list {
		if pin.m.Target == target && pin.m.Kind == Cover {
			return pin
		}
	}
	pin := &pin{m: Mount{Kind: Cover, Target: target, Pinned: true}}
	p.list = append(p.list, pin)
	return pin
}
