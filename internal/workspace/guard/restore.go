package guard

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"strings"
	"syscall"

	"github.com/bailey-project/bailey/internal/safefs"
)

// Taken lists what lies in a session's quarantine and where it came from, the
// newest first. Names were chosen inside.
func Taken(dir *safefs.Root) ([]Moved, error) {
	b, err := dir.ReadFile(Journal, maxJournal)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Moved
	for line := range bytes.Lines(b) {
		var m Moved
		if json.Unmarshal(line, &m) != nil || m.As == "" || strings.Contains(m.As, "/") {
			continue
		}
		if _, err := dir.Lstat(Quarantine + "/" + m.As); err == nil {
			list = append([]Moved{m}, list...)
		}
	}
	return list, nil
}

// Restore puts an entry back where it came from. It replaces nothing: what
// stands there is an error that wraps fs.ErrExist.
func Restore(dir, root *safefs.Root, m Moved) error {
	from := Quarantine + "/" + m.As
	if parent := path.Dir(m.Name); parent != "." {
		if err := root.MkdirAll(parent, 0o755); err != nil {
			return err
		}
	}
	err := dir.MoveTo(from, root, m.Name)
	if errors.Is(err, syscall.EXDEV) {
		if _, there := root.Lstat(m.Name); there == nil {
			return &fs.PathError{Op: "restore", Path: m.Name, Err: fs.ErrExist}
		}
		return copyAway(dir, from, root, m.Name)
	}
	return err
}
