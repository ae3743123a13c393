//go:build !linux

package safefs

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"
)

// Stat describes one entry. The time of a change of status is not portable;
// that of the content stands in for it.
func (r *Root) Stat(rel string) (Stat, error) {
	info, err := r.Lstat(rel)
	if err != nil {
		return Stat{}, err
	}
	return *statOf(info), nil
}

func statOf(info fs.FileInfo) *Stat {
	s := &Stat{Type: info.Mode().Type(), Perm: uint32(info.Mode().Perm()), Size: info.Size(),
		Modified: info.ModTime().UnixNano(), Changed: info.ModTime().UnixNano()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		s.UID, s.GID, s.Ino = st.Uid, st.Gid, st.Ino
	}
	return s
}

// Put replaces rel with a regular file that holds what src gives.
func (r *Root) Put(rel string, src io.Reader, a Attr) error {
	dir, _, err := split(rel)
	if err != nil {
		return err
	}
	tmp := path.Join(dir, tmpName())
	c, err := r.plain(tmp, false)
	if err != nil {
		return err
	}
	f, err := r.dir.OpenFile(c, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return pathError("write", rel, err)
	}
	_, err = io.Copy(f, src)
	if err = errors.Join(err, f.Close(), r.SetAttr(tmp, a)); err == nil {
		err = r.Rename(tmp, rel)
	}
	if err != nil {
		_ = r.dir.Remove(c)
	}
	return err
}

// Symlink replaces rel with a link that says target.
func (r *Root) Symlink(target, rel string, _ Attr) error {
	dir, _, err := split(rel)
	if err != nil {
		return err
	}
	tmp := path.Join(dir, tmpName())
	if err := r.dir.Symlink(target, tmp); err != nil {
		return pathError("symlink", rel, err)
	}
	return r.Rename(tmp, rel)
}

// SetAttr changes a file or a directory.
func (r *Root) SetAttr(rel string, a Attr) error {
	c, err := r.plain(rel, true)
	if err != nil {
		return err
	}
	err = r.dir.Chmod(c, fs.FileMode(a.Perm).Perm())
	if a.Modified != 0 {
		err = errors.Join(err, r.dir.Chtimes(c, time.Time{}, time.Unix(0, a.Modified)))
	}
	return err
}

// DirAttr finds none: there are no overlays here.
func (r *Root) DirAttr(string, string) ([]byte, error) { return nil, nil }

// Clone is not tried here.
func Clone(_, _ *os.File) bool { return false }
