package workspace

import (
	"bytes"
	"crypto/sha1" // git's own name for an object, not a signature
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"syscall"

	"github.com/bailey-project/bailey/internal/dotenv"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/secretfile"
)

// Bounds of what is shown otherwise; each shown file is a mount.
const (
	maxSecretFiles = 500
	maxSecretSize  = 1 << 20
)

// shown is one secret file as the inside sees it.
type shown struct {
	rel     string
	mask    bool // empty, else content
	content []byte
}

// show reads a secret file and makes its view. ok is false when there is
// nothing to hide: gone, or no secret by its content.
func (w *Workspace) show(rel string, k secretfile.Kind) (s shown, ok bool, err error) {
	s = shown{rel: rel, mask: true}
	content, err := w.root.ReadFile(rel, maxSecretSize)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return s, false, nil
	case errors.Is(err, safefs.ErrNotRegular), errors.Is(err, safefs.ErrOutside):
		return s, false, nil
	case err != nil: // too large, or not ours to read: hidden, not believed
		return s, true, nil
	case !k.Holds(content):
		return s, false, nil
	}
	switch k {
	case secretfile.Dotenv:
		if view, err := w.placeholders(rel, content); err == nil {
			s.mask, s.content = false, view
		}
	case secretfile.Npmrc:
		s.mask, s.content = false, secretfile.Strip(content)
	}
	return s, true, nil
}

// placeholders is a dotenv file with other values. Only assignments come
// through: a comment or a line that is no assignment may hold an old key.
func (w *Workspace) placeholders(rel string, content []byte) ([]byte, error) {
	f, err := dotenv.Parse(content)
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(content))
	line := 1
	for _, e := range f.Entries {
		for ; line < e.Line; line++ { // names stay on their lines
			out = append(out, '\n')
		}
		v := "hidden"
		if w.opt.Substitute != nil {
			v = w.opt.Substitute(e.Name, e.Value, rel)
		}
		text := dotenv.Format([]dotenv.Entry{{Name: e.Name, Value: []byte(v)}})
		out = append(out, text...)
		line += bytes.Count(text, []byte("\n"))
	}
	return out, nil
}

// Refresh makes the view of one secret file as it is now. ok is false when an
// empty mask has to be laid over it instead.
func (w *Workspace) Refresh(rel string) (File, bool, error) {
	real, err := w.root.Resolve(rel)
	k := secretfile.Of(rel)
	if _, known := w.secrets[rel]; err != nil && k == secretfile.None && !known {
		err = ErrNotSecret // and gone
	}
	if err != nil {
		return File{}, false, fmt.Errorf("%s: %w", rel, err)
	}
	if k == secretfile.None {
		k = w.secrets[real]
	}
	if k == secretfile.None {
		return File{}, false, fmt.Errorf("%s: %w", rel, ErrNotSecret)
	}
	s, _, err := w.show(real, k)
	return File{Target: filepath.Join(w.opt.Root, real), Content: s.content}, err == nil && !s.mask, err
}

// hideSecrets adds the views of all secret files that the scan found.
func (w *Workspace) hideSecrets(t *tree) error {
	tracked, err := w.tracked(t.secrets)
	if err != nil {
		return err
	}
	for _, name := range t.secrets {
		rel, err := w.root.Resolve(name)
		if err != nil { // a link to the outside, which the inside does not have
			continue
		}
		k := secretfile.Of(name)
		if _, done := w.secrets[rel]; done || !k.Always() && w.committed(rel, tracked[rel]) {
			continue
		}
		if err := w.hide(rel, k); err != nil {
			return err
		}
		if tracked[rel] != nil && k == secretfile.Dotenv {
			w.note("git tracks %s: what is staged or committed of it can be read inside, too; take it out with git rm --cached, and change the values if a commit has them", rel)
		}
		for _, other := range w.hardLinks(t, rel) {
			if err := w.hide(other, k); err != nil {
				return err
			}
		}
	}
	if !t.complete {
		w.note("the project is too large to be searched whole: secret files deep in it may be visible")
	}
	return nil
}

// committed says that a file has the very content that the index names: then
// the history shows it anyway. A name alone proves nothing, because a session
// can commit the mask that it sees.
func (w *Workspace) committed(rel string, object []byte) bool {
	return sameBlob(w.root, rel, object)
}

// sameBlob compares a file with git's name for its content.
func sameBlob(r *safefs.Root, rel string, object []byte) bool {
	content, err := r.ReadFile(rel, maxSecretSize)
	if err != nil || len(object) == 0 {
		return false
	}
	h := sha1.New()
	if len(object) == sha256.Size {
		h = sha256.New()
	}
	fmt.Fprintf(h, "blob %d\x00", len(content))
	h.Write(content)
	return bytes.Equal(h.Sum(nil), object)
}

func (w *Workspace) hide(rel string, k secretfile.Kind) error {
	s, ok, err := w.show(rel, k)
	if err != nil || !ok {
		return err
	}
	if len(w.secrets) >= maxSecretFiles {
		return fmt.Errorf("%s has more than %d secret files: too many to hide each", w.opt.Root, maxSecretFiles)
	}
	w.secrets[rel] = k
	w.pin(path.Dir(rel)) // a directory that is a mount point can't be renamed
	w.view.Hidden = append(w.view.Hidden, rel)
	target := filepath.Join(w.opt.Root, rel)
	if s.mask {
		w.view.Masks = append(w.view.Masks, target)
	} else {
		w.view.Files = append(w.view.Files, File{Target: target, Content: s.content})
	}
	return nil
}

// hardLinks finds the other names of a secret file: a mask covers a name, not
// the file.
func (w *Workspace) hardLinks(t *tree, rel string) (names []string) {
	info, err := w.root.Lstat(rel)
	if err != nil {
		return nil
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Nlink < 2 {
		return nil
	}
	for dir, list := range t.dirs {
		for _, l := range list {
			p := path.Join(dir, l.name)
			if _, done := w.secrets[p]; l.ino == st.Ino && !done && !l.dir {
				names = append(names, p)
			}
		}
	}
	return names
}
