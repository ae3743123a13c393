package sandbox

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/sandbox/spawn"
)

// sources opens, as root, every bind's source as a detached mount. Those with
// Idmapped are seen by the workload as its own although the disk keeps the
// owner they have (mount_setattr(2), MOUNT_ATTR_IDMAP).
//
// Root has to do this itself: the workload's uid may not even reach the path.
func (m *idmaps) sources(s *Spec) (fds []int, files []*os.File, err error) {
	<-m.ready
	for _, mount := range s.Mounts {
		fd := -1
		if mount.Kind == Bind {
			fd, err = source(mount)
			if err != nil && mount.Optional {
				fds = append(fds, -1)
				continue
			}
			if err == nil && mount.Idmapped {
				err = m.apply(fd)
			}
			if err != nil {
				return nil, files, fmt.Errorf("%s: %w", mount.Source, err)
			}
			files = append(files, os.NewFile(uintptr(fd), mount.Source))
			fd = len(files) - 1
		}
		fds = append(fds, fd)
	}
	return fds, files, nil
}

// idmaps makes one user namespace per owner that has to be mapped.
type idmaps struct {
	to    Identity
	ready chan struct{} // closed when prepare is done
	made  map[[2]uint32]*os.File
}

func (m *idmaps) apply(fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	ns, err := m.namespace(st.Uid, st.Gid)
	if err != nil {
		return err
	}
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(ns.Fd())}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr); err != nil {
		return fmt.Errorf("this file system refuses id-mapped mounts (%w): run bailey as an ordinary user here", err)
	}
	return nil
}

func (m *idmaps) namespace(uid, gid uint32) (*os.File, error) {
	key := [2]uint32{uid, gid}
	if f := m.made[key]; f != nil {
		return f, nil
	}
	f, err := userNamespace(
		spawn.Map{Inside: int(uid), Outside: m.to.UID}, spawn.Map{Inside: int(gid), Outside: m.to.GID})
	if err == nil {
		if m.made == nil {
			m.made = map[[2]uint32]*os.File{}
		}
		m.made[key] = f
	}
	return f, err
}

// prepare begins to make the namespace for what belongs to root, which every
// session of root's needs. What fails here is tried again and said when it is
// needed.
func (m *idmaps) prepare(to Identity) {
	m.to = to
	m.ready = make(chan struct{})
	if os.Geteuid() != 0 {
		close(m.ready)
		return
	}
	go func() {
		defer close(m.ready)
		_, _ = m.namespace(0, 0)
	}()
}

func (m *idmaps) close() {
	<-m.ready
	for _, f := range m.made {
		f.Close()
	}
	m.made = nil
}

// userNamespace makes a user namespace with one uid and one gid. A process has
// to live in it for a moment.
func userNamespace(uid, gid spawn.Map) (ns *os.File, err error) {
	attr := spawn.Attr{Namespaces: unix.CLONE_NEWUSER, UID: uid, GID: gid, Setgroups: true}
	err = spawn.Hold(attr, func(pid int) error {
		ns, err = os.Open(fmt.Sprintf("/proc/%d/ns/user", pid))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("user namespace: %w", err)
	}
	return ns, nil
}
