package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// sources opens, as root, every bind's source as a detached mount. Those with
// Idmapped are seen by the workload as its own although the disk keeps the
// owner they have (mount_setattr(2), MOUNT_ATTR_IDMAP).
//
// Root has to do this itself: the workload's uid may not even reach the path.
func sources(s *Spec) (fds []int, files []*os.File, err error) {
	maps := idmaps{to: s.Identity, made: map[[2]uint32]*os.File{}}
	defer maps.close()
	for _, m := range s.Mounts {
		fd := -1
		if m.Kind == Bind {
			fd, err = source(m)
			if err != nil && m.Optional {
				fds = append(fds, -1)
				continue
			}
			if err == nil && m.Idmapped {
				err = maps.apply(fd)
			}
			if err != nil {
				return nil, files, fmt.Errorf("%s: %w", m.Source, err)
			}
			files = append(files, os.NewFile(uintptr(fd), m.Source))
			fd = len(files) - 1
		}
		fds = append(fds, fd)
	}
	return fds, files, nil
}

// idmaps makes one user namespace per owner that has to be mapped.
type idmaps struct {
	to   Identity
	made map[[2]uint32]*os.File
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
		syscall.SysProcIDMap{ContainerID: int(uid), HostID: m.to.UID, Size: 1},
		syscall.SysProcIDMap{ContainerID: int(gid), HostID: m.to.GID, Size: 1})
	if err == nil {
		m.made[key] = f
	}
	return f, err
}

func (m *idmaps) close() {
	for _, f := range m.made {
		f.Close()
	}
}

// userNamespace makes a user namespace with one uid and one gid. A process has
// to live in it for a moment: it is traced, so that it stops before its first
// instruction, and killed there.
func userNamespace(uid, gid syscall.SysProcIDMap) (*os.File, error) {
	cmd := exec.Command("/proc/self/exe")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{uid},
		GidMappings: []syscall.SysProcIDMap{gid},
		Ptrace:      true,
		Pdeathsig:   unix.SIGKILL,
	}
	if err := dumpable(cmd.Start); err != nil {
		return nil, fmt.Errorf("user namespace: %w", err)
	}
	f, err := os.Open(fmt.Sprintf("/proc/%d/ns/user", cmd.Process.Pid))
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return f, err
}
