package session

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/profile"
	"github.com/bailey-project/bailey/internal/sandbox"
)

// scratchSession is one that could write to its scratch and has ended.
func scratchSession(t *testing.T, id string) *Session {
	t.Helper()
	s := &Session{ID: id, home: "/home/u", root: "/home/u/src/shop", profile: profile.Plain(),
		mounts: []sandbox.Mount{{Target: "/home/u/src/shop"}, {Target: "/tmp"}, {Target: "/tmp/made/x"}, {Target: "/usr"}}}
	if err := s.makeDirs(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestScratchServesAgainWhenNothingTellsItFromANewOne(t *testing.T) {
	mkdir := func(path string) error { return os.MkdirAll(path, 0o755) }
	for name, c := range map[string]struct {
		do   func(s *Session) error
		kept bool
	}{
		"nothing":           {func(*Session) error { return nil }, true},
		"its mount points":  {func(s *Session) error { return mkdir(s.ownHome() + "/src/shop") }, true},
		"those of tmp":      {func(s *Session) error { return mkdir(s.tmpDir() + "/made/x") }, true},
		"a part of them":    {func(s *Session) error { return mkdir(s.ownHome() + "/src") }, true},
		"another directory": {func(s *Session) error { return mkdir(s.ownHome() + "/.config") }, false},
		"one below a point": {func(s *Session) error { return mkdir(s.ownHome() + "/src/shop/src") }, false},
		"a file":            {func(s *Session) error { return os.WriteFile(s.ownHome()+"/src", nil, 0o600) }, false},
		"a file in a point": {func(s *Session) error {
			_ = mkdir(s.ownHome() + "/src/shop")
			return os.WriteFile(s.ownHome()+"/src/shop/x", nil, 0o600)
		}, false},
		"a link":          {func(s *Session) error { return os.Symlink("/etc", s.ownHome()+"/src") }, false},
		"a link for tmp":  {func(s *Session) error { _ = os.Remove(s.tmpDir()); return os.Symlink("/tmp", s.tmpDir()) }, false},
		"another mode":    {func(s *Session) error { return os.Chmod(s.ownHome(), 0o755) }, false},
		"no sticky bit":   {func(s *Session) error { return os.Chmod(s.tmpDir(), 0o777) }, false},
		"a set-id bit":    {func(s *Session) error { return os.Chmod(s.tmpDir(), tmpMode|os.ModeSetgid) }, false},
		"a writable one":  {func(s *Session) error { _ = mkdir(s.tmpDir() + "/made"); return os.Chmod(s.tmpDir()+"/made", 0o777) }, false},
		"an extended one": {func(s *Session) error { return unix.Setxattr(s.ownHome(), "user.x", []byte("y"), 0) }, false},
		"a marked one":    {func(s *Session) error { return mark(s.ownHome()) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("BAILEY_HOME", filepath.Join(t.TempDir(), "home"))
			s := scratchSession(t, "first")
			err := c.do(s)
			if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOTTY) {
				t.Skipf("the file system of %s can't: %v", s.dir, err)
			}
			if err != nil {
				t.Fatal(err)
			}
			s.leaveScratch(s.mounts)
			if _, err := os.Lstat(s.spare()); (err == nil) != c.kept {
				t.Errorf("the spare scratch: %v, want it kept: %v", err, c.kept)
			}
			if _, err := os.Lstat(s.scratch()); err == nil {
				t.Error("the session still has it")
			}
			scratchSession(t, "next").wantScratch(t)
		})
	}
}

// mark sets a flag that an owner may set (FS_NODUMP_FL, ioctl_iflags(2)).
func mark(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	flags, err := unix.IoctlGetInt(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return err
	}
	return unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, flags|0x40)
}

func (s *Session) wantScratch(t *testing.T) {
	t.Helper()
	for dir, mode := range map[string]os.FileMode{s.tmpDir(): tmpMode, s.ownHome(): 0o700} {
		st, err := os.Lstat(dir)
		if err != nil || st.Mode() != os.ModeDir|mode {
			t.Errorf("%s: %v, %v", dir, st, err)
		}
	}
	if _, err := os.Lstat(s.spare()); err == nil {
		t.Error("a spare scratch lies there while it is used")
	}
	if list, err := os.ReadDir(s.tmpDir()); err != nil || len(list) > 1 {
		t.Errorf("tmp: %v, %v", list, err)
	}
}

func TestTwoSessionsNeverShareAScratch(t *testing.T) {
	t.Setenv("BAILEY_HOME", filepath.Join(t.TempDir(), "home"))
	a, b := scratchSession(t, "a"), scratchSession(t, "b")
	a.leaveScratch(a.mounts)
	b.leaveScratch(b.mounts) // there is one already
	list, err := os.ReadDir(filepath.Join(home.State(), "scratch"))
	if err != nil || len(list) != 1 {
		t.Fatalf("spare: %v, %v", list, err)
	}
	c, d := scratchSession(t, "c"), scratchSession(t, "d")
	if err := os.WriteFile(c.tmpDir()+"/x", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(d.tmpDir() + "/x"); err == nil {
		t.Error("two sessions have one tmp")
	}
}
