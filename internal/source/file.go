package source

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/safefs"
)

// codec is a way to write a file.
type codec interface {
	decode(b []byte) ([]exchange.Item, error)
	// encode gives the file that reads as all; old is what it was, nil if
	// there was none.
	encode(old []byte, all []exchange.Item) ([]byte, error)
}

// file is a file that holds an environment.
type file struct {
	w     World
	at    Address
	codec codec
}

// Read decodes the file.
func (f file) Read(context.Context) ([]exchange.Item, error) {
	b, err := f.load()
	if err != nil {
		return nil, err
	}
	defer clear(b)
	return f.items(b)
}

func (f file) items(b []byte) ([]exchange.Item, error) {
	items, err := f.codec.decode(b)
	if err != nil {
		return nil, f.wrong(err)
	}
	return whole(f.at.String(), items)
}

// Write changes the file at once or not at all; a new one is its owner's only.
func (f file) Write(_ context.Context, items []exchange.Item) error {
	old, err := f.load()
	var before []exchange.Item
	switch {
	case api.IsCode(err, api.Missing):
		old = nil
	case err != nil:
		return err
	default:
		if before, err = f.items(old); err != nil {
			return err
		}
	}
	defer clear(old)
	b, err := f.codec.encode(old, merge(before, items))
	if err != nil {
		return f.wrong(err)
	}
	defer clear(b)
	return f.store(b)
}

func (f file) wrong(err error) error {
	var known *api.Error
	if errors.As(err, &known) {
		return known
	}
	return api.Errorf(api.Invalid, "%s: %s", f.at, err)
}

// path is the file's whole name.
func (f file) path() (string, error) {
	name := f.at.Parts[0]
	if rest, ok := strings.CutPrefix(name, "~/"); ok {
		name = filepath.Join(f.w.Home, rest)
	}
	if filepath.IsAbs(name) {
		return filepath.Clean(name), nil
	}
	if f.w.Root == "" {
		return "", api.Errorf(api.Invalid, "%s: there is no project that it could lie in; name it with its whole path", f.at)
	}
	return filepath.Join(f.w.Root, name), nil
}

// Bare says whether a is a file in the clear in the project, where an agent
// can read it.
func (w World) Bare(a Address) bool {
	if a.Kind != Dotenv {
		return false
	}
	path, err := file{w: w, at: a}.path()
	return err != nil || inside(w.Root, path)
}

// open finds the directory that must not be left, and the name in it. Below
// the project nothing is followed: an agent may have made a link of any part.
func (f file) open() (*safefs.Root, string, error) {
	name, err := f.path()
	if err != nil {
		return nil, "", err
	}
	dir, rel := filepath.Split(name)
	if in, err := filepath.Rel(f.w.Root, name); f.w.Root != "" && err == nil && filepath.IsLocal(in) {
		dir, rel = f.w.Root, in
	}
	root, err := safefs.Open(dir)
	return root, filepath.ToSlash(rel), err
}

func (f file) load() ([]byte, error) {
	root, rel, err := f.open()
	if err == nil {
		defer root.Close()
		var b []byte
		if b, err = root.ReadFile(rel, maxBytes); err == nil {
			return b, nil
		}
	}
	return nil, f.failed(err)
}

func (f file) failed(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return api.Errorf(api.Missing, "%s: there is no such file", f.at)
	case errors.Is(err, fs.ErrPermission):
		return api.Errorf(api.Denied, "%s: it may not be read or written", f.at)
	}
	return f.wrong(err)
}

func (f file) store(b []byte) error {
	root, rel, err := f.open()
	if err != nil {
		return f.failed(err)
	}
	defer root.Close()
	mode := fs.FileMode(0o600)
	if info, err := root.Lstat(rel); err == nil {
		if !info.Mode().IsRegular() {
			return f.wrong(safefs.ErrNotRegular)
		}
		mode = info.Mode().Perm()
	}
	if err := root.WriteFile(rel, b, mode); err != nil {
		return f.failed(err)
	}
	return nil
}
