package workspace

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/bailey-project/bailey/internal/workspace/extent"
)

// FindRoot returns the directory that an agent started in dir works in: the
// top of the repository that dir lies in, else dir. An error wraps ErrTooWide
// when that would be the home, a directory above it or one of the system's.
func FindRoot(dir, home string) (string, error) { return extent.Find(dir, home) }

// check refuses options that would make the workspace contain its own keeper.
func (o *Options) check() error {
	switch {
	case !filepath.IsAbs(o.Root) || filepath.Clean(o.Root) != o.Root:
		return errors.New("workspace root is not an absolute path")
	case !filepath.IsAbs(o.SessionDir) || o.SessionDir == o.Root || extent.Below(o.SessionDir, o.Root):
		return errors.New("session directory must lie outside the workspace")
	case strings.ContainsAny(o.Root, "\n\x00"):
		return errors.New("workspace path has a line break")
	case !validID(o.SessionID):
		return errors.New("session name is empty or not of a-z, 0-9 and '-'")
	}
	if why := extent.TooWide(o.Root, o.Home); why != "" {
		return fmt.Errorf("%s: %w: %s", o.Root, ErrTooWide, why)
	}
	if o.RunDir == "" {
		o.RunDir = "/run/bailey"
	}
	return nil
}

func validID(id string) bool {
	if id == "" || len(id) > 64 || id[0] == '-' {
		return false
	}
	for i := range len(id) {
		if c := id[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return true
}
