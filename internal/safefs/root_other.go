//go:build !linux

package safefs

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"
)

// Root is an open directory; every name given to its methods is relative to
// it, slash-separated. It is safe for concurrent use until Close.
//
// Without openat2 each component is looked at before os.Root, which never
// leaves the directory, opens the whole: a link swapped in between is followed
// within the root, never out of it.
type Root struct {
	path string
	dir  *os.Root
}

// Open opens a directory. Links in root itself are followed, as the user
// meant them; nothing below is.
func Open(root string) (*Root, error) {
	d, err := os.OpenRoot(root)
	if err != nil {
		return nil, pathError("open", root, err)
	}
	return &Root{path: root, dir: d}, nil
}

// Close releases the directory.
func (r *Root) Close() error { return r.dir.Close() }

// Sub opens a directory below the root as a root of its own.
func (r *Root) Sub(rel string) (*Root, error) {
	c, err := r.plain(rel, true)
	if err != nil {
		return nil, err
	}
	d, err := r.dir.OpenRoot(c)
	if err != nil {
		return nil, pathError("open", rel, err)
	}
	return &Root{path: r.path + "/" + c, dir: d}, nil
}

// plain refuses a name with a link among its components; the last one counts
// only when last is set.
func (r *Root) plain(rel string, last bool) (string, error) {
	c, err := clean(rel)
	if err != nil {
		return "", err
	}
	parts := strings.Split(c, "/")
	for i := range parts {
		if i == len(parts)-1 && !last {
			break
		}
		info, err := r.dir.Lstat(path.Join(parts[:i+1]...))
		if err == nil && info.Mode()&fs.ModeSymlink != 0 {
			return "", pathError("open", rel, ErrOutside)
		}
	}
	return c, nil
}

// OpenFile opens a regular file for reading.
func (r *Root) OpenFile(rel string) (*os.File, error) {
	c, err := r.plain(rel, true)
	if err != nil {
		return nil, err
	}
	f, err := r.dir.OpenFile(c, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, pathError("open", rel, err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, pathError("open", rel, ErrNotRegular)
	}
	return f, nil
}

// WriteFile replaces rel at once or not at all: a temporary file beside it is
// written, synced and renamed. mode is exact, whatever the umask.
func (r *Root) WriteFile(rel string, data []byte, mode fs.FileMode) error {
	dir, _, err := split(rel)
	if err != nil {
		return err
	}
	tmp := path.Join(dir, tmpName())
	if err := r.CreateExclusive(tmp, data, mode); err != nil {
		return err
	}
	if err := r.Rename(tmp, rel); err != nil {
		_ = r.dir.Remove(tmp)
		return err
	}
	return nil
}

// CreateExclusive writes a file that must not exist yet: fs.ErrExist else.
func (r *Root) CreateExclusive(rel string, data []byte, mode fs.FileMode) error {
	c, err := r.plain(rel, false)
	if err != nil {
		return err
	}
	f, err := r.dir.OpenFile(c, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return pathError("create", rel, err)
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode.Perm()), f.Sync(), f.Close()); err != nil {
		_ = r.dir.Remove(c)
	}
	return err
}

// Mkdir makes one directory.
func (r *Root) Mkdir(rel string, mode fs.FileMode) error {
	c, err := r.plain(rel, false)
	if err != nil {
		return err
	}
	return r.dir.Mkdir(c, mode.Perm())
}

// Lstat describes the entry itself, never what a link points to.
func (r *Root) Lstat(rel string) (fs.FileInfo, error) {
	c, err := r.plain(rel, false)
	if err != nil {
		return nil, err
	}
	return r.dir.Lstat(c)
}

// Readlink returns what a link says, which may be anything.
func (r *Root) Readlink(rel string) (string, error) {
	c, err := r.plain(rel, false)
	if err != nil {
		return "", err
	}
	return r.dir.Readlink(c)
}

// Remove removes a file, a link or an empty directory.
func (r *Root) Remove(rel string) error {
	if _, _, err := split(rel); err != nil {
		return err
	}
	c, err := r.plain(rel, false)
	if err != nil {
		return err
	}
	return r.dir.Remove(c)
}

// Rename renames within the root, replacing what stands at the new name.
func (r *Root) Rename(old, new string) error {
	o, err := r.plain(old, false)
	if err != nil {
		return err
	}
	n, err := r.plain(new, false)
	if err != nil {
		return err
	}
	return r.dir.Rename(o, n)
}

// MoveTo moves an entry into another root and never replaces anything there
// (fs.ErrExist), except that another process may create it in between.
func (r *Root) MoveTo(rel string, dst *Root, dstRel string) error {
	o, err := r.plain(rel, false)
	if err != nil {
		return err
	}
	n, err := dst.plain(dstRel, false)
	if err != nil {
		return err
	}
	if _, err := dst.dir.Lstat(n); err == nil {
		return pathError("rename", dstRel, fs.ErrExist)
	}
	return os.Rename(r.path+"/"+o, dst.path+"/"+n)
}

// Unlock gives the owner access to a directory whose mode took it away.
func (r *Root) Unlock(rel string) error {
	c, err := r.plain(rel, true)
	if err != nil {
		return err
	}
	return r.dir.Chmod(c, 0o700)
}

func (r *Root) readDir(rel string, lim Limits, _ []byte) (list []Entry, more bool, err error) {
	c, err := r.plain(rel, true)
	if err != nil {
		return nil, false, err
	}
	f, err := r.dir.Open(c)
	if err != nil {
		return nil, false, pathError("readdir", rel, err)
	}
	defer f.Close()
	names, err := f.ReadDir(-1)
	for _, n := range names {
		e := Entry{Name: n.Name(), Type: n.Type()}
		if info, ierr := n.Info(); ierr == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				e.Ino, e.Changed = st.Ino, info.ModTime()
				if lim.Stat {
					e.Stat = statOf(info)
				}
			}
		}
		list = append(list, e)
	}
	if lim.Entries > 0 && len(list) > lim.Entries {
		return list[:lim.Entries], true, err
	}
	return list, false, err
}
