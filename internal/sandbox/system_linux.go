package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// devices is all of /dev that is bound; the rest is made.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty"}

const (
	shmSize  = 1 << 30 // /dev/shm: what headless browsers want
	maxCopy  = 4 << 20 // a host file to be copied, bytes
	ptsOpts  = "newinstance,ptmxmode=0666,mode=620"
	procAttr = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
)

// mountDev builds /dev. sources are the detached device nodes, in the order of
// devices, opened before the tree.
func (t *tree) mountDev(sources []int) error {
	if err := t.tmpfs("/dev", 1<<20, 0o755); err != nil {
		return err
	}
	for i, name := range devices {
		m := Mount{Target: "/dev/" + name}
		attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NOEXEC}
		if err := unix.MountSetattr(sources[i], "", unix.AT_EMPTY_PATH, &attr); err != nil {
			return fmt.Errorf("mount attributes of %s: %w", m.Target, err)
		}
		if err := t.devicePoint(m.Target); err != nil {
			return err
		}
		if err := t.attach(m, sources[i]); err != nil {
			return err
		}
		unix.Close(sources[i])
	}
	for _, l := range []Link{{"/dev/fd", "/proc/self/fd"}, {"/dev/stdin", "/proc/self/fd/0"},
		{"/dev/stdout", "/proc/self/fd/1"}, {"/dev/stderr", "/proc/self/fd/2"}, {"/dev/ptmx", "pts/ptmx"}} {
		if err := os.Symlink(l.To, t.at+l.Target); err != nil {
			return err
		}
	}
	return t.mountDevFS()
}

// devicePoint makes a mount point for a device: a character device of number 0,
// the one kind that needs no privilege (a whiteout, mknod(2) since Linux 5.8) and
// that no driver answers. A listing shows the type of the entry below the mount,
// so over a plain file "find / -type f" would read /dev/zero without an end.
func (t *tree) devicePoint(path string) error {
	if err := unix.Mknod(t.at+path, unix.S_IFCHR|0o444, 0); err != nil {
		return fmt.Errorf("mount point %s: %w", path, err)
	}
	return nil
}

func (t *tree) mountDevFS() error {
	if err := t.mkdir("/dev/pts"); err != nil {
		return err
	}
	if err := unix.Mount("devpts", t.at+"/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, ptsOpts); err != nil {
		return fmt.Errorf("devpts: %w", err)
	}
	return t.tmpfs("/dev/shm", shmSize, 0o1777)
}

// errProc names the mend when a fresh procfs is refused: the kernel does so
// where the host's own is partly masked (Docker, Kubernetes).
var errProc = errors.New("a fresh /proc is refused, as in a container with masked paths: start that container with --security-opt systempaths=unconfined")

// mountProc mounts a procfs of the sandbox's own pid namespace and makes
// read-only what changes the machine.
func (t *tree) mountProc() error {
	if err := t.mkdir("/proc"); err != nil {
		return err
	}
	if err := unix.Mount("proc", t.at+"/proc", "proc", procAttr, ""); err != nil {
		return fmt.Errorf("%w (%v)", errProc, err)
	}
	for _, name := range []string{"sys", "sysrq-trigger", "irq", "bus"} {
		fd, err := openSource(t.at + "/proc/" + name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = t.bind(Mount{Target: "/proc/" + name, fd: fd})
		unix.Close(fd)
		if err != nil {
			return err
		}
	}
	return nil
}

// copies brings small host files that the workload's uid may read anyway;
// what is missing, too big or not a regular file is left out.
func (t *tree) copies(paths []string) error {
	for _, path := range paths {
		b, err := readRegular(path)
		if err != nil {
			continue
		}
		if err := t.create(path, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func readRegular(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxCopy {
		return nil, fs.ErrInvalid
	}
	b := make([]byte, st.Size)
	n, err := unix.Read(fd, b)
	return b[:max(n, 0)], err
}

func (t *tree) links(ls []Link) error {
	for _, l := range ls {
		if err := t.mkdir(filepath.Dir(l.Target)); err != nil {
			return err
		}
		if err := os.Symlink(l.To, t.at+l.Target); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("link %s: %w", l.Target, err)
		}
	}
	return nil
}
