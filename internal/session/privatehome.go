package session

import (
	"os"
	"path"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace"
)

// lay writes one file into the private home. Whatever an earlier session left
// in its way goes: nobody else's files are there.
func lay(root *safefs.Root, f workspace.File) error {
	if err := free(root, f.Target, false); err != nil {
		return err
	}
	if dir := path.Dir(f.Target); dir != "." {
		if err := root.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	return root.WriteFile(f.Target, f.Content, 0o600)
}

// points makes way for what is mounted over the private home: a link, or a file
// in the place of a directory, would keep the session from starting.
func (s *Session) points(root *safefs.Root) error {
	for _, b := range s.things.Binds {
		rel, ok := strings.CutPrefix(b.Target, s.home+"/")
		if !ok {
			continue
		}
		st, err := os.Stat(b.Source)
		if err != nil {
			continue // gone meanwhile; the mount is optional
		}
		if err := free(root, rel, st.IsDir()); err != nil {
			return err
		}
	}
	return nil
}

// free removes what stands at rel, or above it, and is of another kind than it
// must be: directories above, and there a directory or else a file.
func free(root *safefs.Root, rel string, dir bool) error {
	parts := strings.Split(rel, "/")
	for i := range parts {
		at := strings.Join(parts[:i+1], "/")
		info, err := root.Lstat(at)
		if err != nil {
			return nil // from here on nothing is there
		}
		last := i == len(parts)-1
		if wantDir := dir || !last; wantDir == info.IsDir() && (wantDir || info.Mode().IsRegular()) {
			continue
		}
		if err := root.RemoveAll(at); err != nil {
			return err
		}
	}
	return nil
}
