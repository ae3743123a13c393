package session

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/sandbox"
)

// A session's scratch is what it may write besides the project: tmp, and home
// where none is kept. One that is left as it was found serves the next session
// of the same project: to make an inode among many that were just deleted, as
// builds do all day, costs ext4 more than all the mounts of a sandbox.
const (
	scratchName = "scratch"
	tmpMode     = 0o777 | os.ModeSticky
)

func (s *Session) scratch() string { return filepath.Join(s.dir, scratchName) }
func (s *Session) tmpDir() string  { return filepath.Join(s.scratch(), "tmp") }
func (s *Session) ownHome() string { return filepath.Join(s.scratch(), "home") }

// spare is where a scratch waits for the next session.
func (s *Session) spare() string { return strings.TrimSuffix(stateOf("scratch", s.root), ".json") }

// takeScratch claims the spare one, or makes one.
func (s *Session) takeScratch() error {
	if os.Rename(s.spare(), s.scratch()) == nil {
		return nil
	}
	for _, dir := range []string{s.scratch(), s.tmpDir(), s.ownHome()} {
		if err := home.MakeDir(dir); err != nil {
			return err
		}
	}
	return os.Chmod(s.tmpDir(), tmpMode)
}

// leaveScratch keeps the scratch for the next session if nothing tells it from
// a new one but the mount points, and removes it otherwise. Nobody writes there
// any more.
func (s *Session) leaveScratch(mounts []sandbox.Mount) {
	if untouched(s.dir, s.tmpDir(), tmpMode, pointsIn("/tmp", mounts)) &&
		untouched(s.dir, s.ownHome(), 0o700, pointsIn(s.home, mounts)) {
		_ = home.MakeDir(filepath.Dir(s.spare()))
		if os.Rename(s.scratch(), s.spare()) == nil {
			return
		}
	}
	_ = removeTree(s.scratch())
}

// pointsIn are the directories that lead to each mount below dir, relative to
// it.
func pointsIn(dir string, mounts []sandbox.Mount) map[string]bool {
	points := map[string]bool{}
	for _, m := range mounts {
		rel, ok := strings.CutPrefix(m.Target, dir+"/")
		for ; ok && rel != "."; rel = filepath.Dir(rel) {
			points[rel] = true
		}
	}
	return points
}
