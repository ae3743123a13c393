package sandbox

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	// newRoot is where the tree is put together before pivot_root. It hides
	// what lies there on the host, so it must be a directory that exists
	// everywhere and that nothing is ever bound from.
	newRoot = "/sys"
	// coverDir holds the one empty file and the one empty directory that
	// cover what must not be seen, and the files laid over others.
	coverDir  = "/run/bailey/cover"
	coverSize = 64 << 20
	rootSize  = 64 << 20
)

const baseAttrs = unix.MOUNT_ATTR_NOSUID | unix.MOUNT_ATTR_NODEV

// openSource makes a detached copy of the tree at path.
func openSource(path string) (int, error) {
	fd, err := unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return -1, fmt.Errorf("mount source %s: %w", path, err)
	}
	return fd, nil
}

// openReal is openSource for a path that somebody else can write to: it follows
// no link.
func openReal(path string) (int, error) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS}
	at, err := unix.Openat2(unix.AT_FDCWD, path, &how)
	if err != nil {
		return -1, fmt.Errorf("mount source %s: %w", path, err)
	}
	defer unix.Close(at)
	fd, err := unix.OpenTree(at, "", unix.AT_EMPTY_PATH|unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_RECURSIVE)
	if err != nil {
		return -1, fmt.Errorf("mount source %s: %w", path, err)
	}
	return fd, nil
}

// source opens what m is bound from.
func source(m Mount) (int, error) {
	if m.Real {
		return openReal(m.Source)
	}
	return openSource(m.Source)
}

func setAttrs(fd int, set, clear uint64) error {
	attr := unix.MountAttr{Attr_set: set, Attr_clr: clear, Propagation: unix.MS_PRIVATE}
	return unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH|unix.AT_RECURSIVE, &attr)
}

// tree is a root under construction: at is its directory, "" once pivoted.
type tree struct {
	at     string
	root   int // opened
	covers int // writable side of coverDir
}

func newTree() (*tree, error) {
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return nil, fmt.Errorf("private mounts: %w", err)
	}
	if err := mountTmpfs(newRoot, rootSize, 0o755); err != nil {
		return nil, err
	}
	root, err := unix.Open(newRoot, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("new root: %w", err)
	}
	return &tree{at: newRoot, root: root}, nil
}

func mountTmpfs(path string, size int64, mode uint32) error {
	opts := fmt.Sprintf("size=%d,mode=%o", size, mode)
	if err := unix.Mount("tmpfs", path, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, opts); err != nil {
		return fmt.Errorf("tmpfs on %s: %w", path, err)
	}
	return nil
}

// openIn opens one entry below dir without following a link: a repository, or
// a home that an earlier session wrote, can hold one where a mount point is
// expected.
func openIn(dir int, rel string, flags uint64) (int, error) {
	how := unix.OpenHow{Flags: flags | unix.O_PATH | unix.O_CLOEXEC | unix.O_NOFOLLOW,
		Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS}
	return unix.Openat2(dir, rel, &how)
}

func relative(path string) string {
	if rel := strings.TrimPrefix(filepath.Clean(path), "/"); rel != "" {
		return rel
	}
	return "."
}

// resolve opens the entry path of the new tree.
func (t *tree) resolve(path string) (int, error) {
	return openIn(t.root, relative(path), 0)
}

// mkdirs makes the directories down to path where they are missing and opens
// the last. Only the sandbox's own tree and homes are ever missing any: mount
// points in the workspace are never made.
func (t *tree) mkdirs(path string) (int, error) {
	if fd, err := t.resolve(path); err == nil || !errors.Is(err, unix.ENOENT) {
		return fd, err
	}
	at := t.root
	for _, name := range strings.Split(relative(path), "/") {
		err := unix.Mkdirat(at, name, 0o755)
		next := -1
		if err == nil || err == unix.EEXIST {
			next, err = openIn(at, name, unix.O_DIRECTORY)
		}
		if at != t.root {
			unix.Close(at)
		}
		if err != nil {
			return -1, fmt.Errorf("directory %s: %w", path, err)
		}
		at = next
	}
	return at, nil
}

func (t *tree) mkdir(path string) error {
	fd, err := t.mkdirs(path)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// create makes a new file and writes it; an existing one is an error.
func (t *tree) create(path string, content []byte, mode uint32) error {
	fd, err := t.newFile(path, mode)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return writeAll(fd, content)
}

func (t *tree) newFile(path string, mode uint32) (int, error) {
	dir, err := t.mkdirs(filepath.Dir(path))
	if err != nil {
		return -1, err
	}
	defer unix.Close(dir)
	fd, err := unix.Openat(dir, filepath.Base(path), unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, mode)
	if err != nil {
		return -1, fmt.Errorf("file %s: %w", path, err)
	}
	return fd, nil
}

// point returns the opened mount point, made when it is missing and may be.
func (t *tree) point(m Mount, dir bool) (int, error) {
	fd, err := t.resolve(m.Target)
	if err == nil || !errors.Is(err, unix.ENOENT) || m.Pinned {
		return fd, err
	}
	if dir {
		return t.mkdirs(m.Target)
	}
	return t.newFile(m.Target, 0o444)
}

// attach moves the detached mount fd onto m's target.
func (t *tree) attach(m Mount, fd int) error {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("mount %s: %w", m.Target, err)
	}
	at, err := t.point(m, st.Mode&unix.S_IFMT == unix.S_IFDIR)
	if err != nil {
		if m.Optional && missing(err) {
			return nil
		}
		return fmt.Errorf("mount point %s: %w", m.Target, err)
	}
	defer unix.Close(at)
	if err := unix.MoveMount(fd, "", at, "", unix.MOVE_MOUNT_F_EMPTY_PATH|unix.MOVE_MOUNT_T_EMPTY_PATH); err != nil {
		return fmt.Errorf("mount %s: %w", m.Target, err)
	}
	return nil
}

// bind lays a Bind mount; m.fd is its detached source.
func (t *tree) bind(m Mount) error {
	set := uint64(baseAttrs)
	if !m.Writable {
		set |= unix.MOUNT_ATTR_RDONLY
	}
	if err := setAttrs(m.fd, set, 0); err != nil {
		return fmt.Errorf("mount attributes of %s: %w", m.Target, err)
	}
	return t.attach(m, m.fd)
}

// cover lays one of the sandbox's own files over the target, read-only: m's
// Source, or else the empty file or directory, whichever the target is.
func (t *tree) cover(m Mount) error {
	source := m.Source
	if source == "" {
		dir, err := t.isDir(m.Target)
		if err != nil && m.Optional && missing(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("cover %s: %w", m.Target, err)
		}
		source = coverDir + "/empty"
		if dir {
			source = coverDir + "/none"
		}
	}
	fd, err := openSource(t.at + source)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := setAttrs(fd, baseAttrs|unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOEXEC, 0); err != nil {
		return fmt.Errorf("mount attributes of %s: %w", m.Target, err)
	}
	return t.attach(m, fd)
}

func (t *tree) isDir(path string) (bool, error) {
	fd, err := t.resolve(path)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	err = unix.Fstat(fd, &st)
	return st.Mode&unix.S_IFMT == unix.S_IFDIR, err
}

// missing says that a mount point is not there, or is a link and so not what
// was seen when the Spec was made.
func missing(err error) bool { return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ELOOP) }

// coverFS mounts the memory that holds covers: read-only in the tree, and
// writable through the descriptor that addCover uses.
func (t *tree) coverFS() error {
	if err := t.tmpfs(coverDir, coverSize, 0o755); err != nil {
		return err
	}
	var err error
	if t.covers, err = openSource(t.at + coverDir); err != nil {
		return err
	}
	if err := t.addCover("empty", nil); err != nil {
		return err
	}
	return unix.Mkdirat(t.covers, "none", 0o555)
}

// closeCovers makes the visible side read-only.
func (t *tree) closeCovers() error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	return unix.MountSetattr(unix.AT_FDCWD, t.at+coverDir, 0, &attr)
}

// addCover writes a file that cover can lay.
func (t *tree) addCover(name string, content []byte) error {
	fd, err := unix.Openat(t.covers, name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o444)
	if err != nil {
		return fmt.Errorf("cover %s: %w", name, err)
	}
	defer unix.Close(fd)
	return writeAll(fd, content)
}

// writeAll writes to a file in memory: without the poller's share of an
// os.File, of which a start would make thirty.
func writeAll(fd int, b []byte) error {
	for len(b) > 0 {
		n, err := unix.Write(fd, b)
		if err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

// mount lays one entry.
func (t *tree) mount(m *Mount) error {
	switch m.Kind {
	case Bind:
		if m.fd < 0 {
			return nil // an optional source that does not exist
		}
		defer unix.Close(m.fd)
		err := t.bind(*m)
		if err == nil && m.Pinned && m.Source != m.Target {
			err = t.keepSpare(m)
		}
		return err
	case Tmpfs:
		return t.tmpfs(m.Target, m.Size, m.Mode)
	case Cover:
		return t.cover(*m)
	case Overlay:
		return t.overlay(*m)
	}
	return fmt.Errorf("mount %s: unknown kind %d", m.Target, m.Kind)
}

// tmpfs mounts an empty file system of its own on path, through a descriptor
// that followed no link.
func (t *tree) tmpfs(path string, size int64, mode uint32) error {
	fd, err := t.mkdirs(path)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	return mountTmpfs(fmt.Sprintf("/proc/self/fd/%d", fd), size, mode)
}

// pivot makes the tree the root and drops the host's.
func (t *tree) pivot() error {
	if err := unix.Chdir(t.at); err != nil {
		return err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("dropping the host's tree: %w", err)
	}
	t.at = ""
	return unix.Chdir("/")
}

// seal makes the root itself read-only: nothing is left to be made in it.
func (t *tree) seal() error {
	attr := unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", 0, &attr); err != nil {
		return fmt.Errorf("read-only root: %w", err)
	}
	return nil
}
