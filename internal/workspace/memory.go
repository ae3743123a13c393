package workspace

import (
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/secretfile"
)

// remembered is one file that a session hid. A program inside can move the
// directory that the file lies in, or remove the link that gave it its name,
// and so leave it where, or as what, no later session would look for it. The
// file itself it can't change: what identifies it stays true.
type remembered struct {
	Rel      string
	Ino      uint64
	Size     int64
	Modified int64 // nanoseconds
	Kind     secretfile.Kind
}

// maxMemory bounds the file, bytes: one line for each of maxSecretFiles.
const maxMemory = 1 << 20

// recall hides what earlier sessions hid and this one's scan did not find
// under a secret's name. Directories that are not searched otherwise are
// searched for what is missing, once: what is not found then is gone.
func (w *Workspace) recall(ctx context.Context, t *tree) error {
	missing := map[uint64]remembered{}
	for _, m := range w.memory() {
		missing[m.Ino] = m
	}
	if len(missing) == 0 && len(w.secrets) == 0 {
		return nil
	}
	for rel := range w.secrets {
		if m, ok := w.remember(rel); ok {
			delete(missing, m.Ino)
		}
	}
	for dir, list := range t.dirs {
		for _, l := range list {
			if err := w.recognise(missing, path.Join(dir, l.name), l.ino); err != nil {
				return err
			}
		}
	}
	for _, dir := range t.heavy {
		if len(missing) == 0 {
			break
		}
		_, err := w.root.Walk(ctx, dir, scanLimits, func(p string, e safefs.Entry) error {
			if e.Type != 0 {
				return nil
			}
			return w.recognise(missing, p, e.Ino)
		})
		if err != nil && ctx.Err() == nil && !os.IsNotExist(err) {
			return err
		}
	}
	return w.memorise()
}

// recognise hides rel when it is a file that is missing.
func (w *Workspace) recognise(missing map[uint64]remembered, rel string, ino uint64) error {
	m, ok := missing[ino]
	if !ok {
		return nil
	}
	now, ok := w.remember(rel)
	if !ok || now.Size != m.Size || now.Modified != m.Modified {
		return nil // the number was given to another file since
	}
	if _, done := w.secrets[rel]; done {
		return nil
	}
	return w.hide(rel, m.Kind)
}

// remember identifies a regular file.
func (w *Workspace) remember(rel string) (remembered, bool) {
	info, err := w.root.Lstat(rel)
	if err != nil || info.Mode()&fs.ModeType != 0 {
		return remembered{}, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return remembered{}, false
	}
	return remembered{rel, st.Ino, info.Size(), info.ModTime().UnixNano(), w.secrets[rel]}, true
}

func (w *Workspace) memory() (list []remembered) {
	if w.opt.Memory == "" {
		return nil
	}
	info, err := os.Stat(w.opt.Memory)
	if err != nil || info.Size() > maxMemory {
		return nil
	}
	b, err := os.ReadFile(w.opt.Memory)
	if err != nil || json.Unmarshal(b, &list) != nil {
		return nil
	}
	return list
}

// memorise writes down what this session hides, before anything can move it.
func (w *Workspace) memorise() error {
	if w.opt.Memory == "" {
		return nil
	}
	list := []remembered{}
	for rel := range w.secrets {
		if m, ok := w.remember(rel); ok {
			list = append(list, m)
		}
	}
	b, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(w.opt.Memory), 0o700); err != nil {
		return err
	}
	tmp := w.opt.Memory + "." + w.opt.SessionID
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, w.opt.Memory)
}
