package session

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace"
)

// Moved lists what was moved away and can be put back, the newest first.
func (s Stored) Moved() []workspace.Moved {
	dir, err := safefs.Open(s.dir)
	if err != nil {
		return nil
	}
	defer dir.Close()
	list, _ := workspace.Taken(dir) // a journal that can't be read lists nothing
	return list
}

// Restore puts back what was moved away: of each of these names the newest, or
// all for none. It returns what it put back, also with an error.
func (s Stored) Restore(names []string) (done []workspace.Moved, err error) {
	if s.Running {
		return nil, api.Errorf(api.Denied, "session %s is running: it would move them away again", s.ID).
			WithHint("bailey session stop %s", s.ID)
	}
	dir, err := safefs.Open(s.dir)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	root, err := safefs.Open(s.Root)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	list, err := pick(s, names)
	for _, m := range list {
		switch rerr := workspace.Restore(dir, root, m); {
		case errors.Is(rerr, fs.ErrExist):
			err = errors.Join(err, api.Errorf(api.Exists, "%s stands in %s again: move it away first", m.Name, s.Root))
		case rerr != nil:
			err = errors.Join(err, fmt.Errorf("restoring %s: %w", m.Name, rerr))
		default:
			done = append(done, m)
		}
	}
	_ = dir.Remove("quarantine") // if that was all; the session may be forgotten then
	return done, err
}

// pick finds the newest entry of each name.
func pick(s Stored, names []string) (list []workspace.Moved, err error) {
	seen := map[string]bool{}
	for _, m := range s.Moved() {
		if (len(names) == 0 || slices.Contains(names, m.Name)) && !seen[m.Name] {
			seen[m.Name] = true
			list = append(list, m)
		}
	}
	for _, n := range names {
		if !seen[n] {
			err = errors.Join(err, api.Errorf(api.Missing, "session %s moved away no %q", s.ID, n).
				WithHint("bailey session restore %s", s.ID))
		}
	}
	return list, err
}
