package undo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/change"
	"github.com/bailey-project/bailey/internal/workspace/gitback"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/gitrun"
	"github.com/bailey-project/bailey/internal/workspace/secretfile"
	"github.com/bailey-project/bailey/internal/workspace/store"
)

// What is kept of a session lies below its directory.
const (
	Dir       = "undo"
	BaseFile  = Dir + "/base"  // the tree at the start
	AfterFile = Dir + "/after" // what was different at the end
	GitFile   = Dir + "/git."  // and a number: a gitback.Record
	AboutFile = Dir + "/about.json"
	// AsideDir has what was taken away from a session that was killed.
	AsideDir = "undone"
	// GitObject begins the name of an object that lies in the project's repository.
	GitObject = "git:"
)

// About is what else is known of a session that can be undone.
type About struct {
	Root, Store string
	Ended       time.Time // zero while it runs, or when it was killed
	Gone        []string  // what was in base and not there at the end
	Killed      bool      // the end was looked at later
}

// Save writes it into a session's directory.
func (a About) Save(dir string) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	name := filepath.Join(dir, AboutFile)
	if err := os.WriteFile(name+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// ReadAbout reads what Save wrote; ErrNothingKept if there is nothing.
func ReadAbout(dir string) (a About, err error) {
	b, err := os.ReadFile(filepath.Join(dir, AboutFile))
	if errors.Is(err, os.ErrNotExist) {
		return a, ErrNothingKept
	}
	return a, errors.Join(err, json.Unmarshal(b, &a))
}

// ErrNothingKept: the session changed nothing, or was started with undo off.
var ErrNothingKept = errors.New("nothing was kept of how the project was before")

// Session is one that ended, about to be undone, from Open to Close.
type Session struct {
	Killed bool // its end was not seen: what the user did since counts as its work
	about  About
	dir    string
	states States
	store  *store.Store
	blobs  *blobs
	record []gitback.Record
	path   string
}

// Steps is what undoing does, for people to look at first.
type Steps struct {
	Files []change.Action `json:"files"`
	Git   []gitback.Step  `json:"git,omitempty"`
	Left  []string        `json:"left,omitempty"` // directories of which nothing was kept
}

// Open reads what the session in dir kept, and the project as it is now.
// searchPath is the user's PATH.
func Open(ctx context.Context, dir, searchPath string) (*Session, error) {
	u := &Session{dir: dir, path: searchPath}
	if err := u.open(ctx); err != nil {
		u.Close()
		return nil, err
	}
	return u, nil
}

func (u *Session) open(ctx context.Context) error {
	var err error
	if u.about, err = ReadAbout(u.dir); err != nil {
		return err
	}
	if u.store, err = store.Open(u.about.Store, "undo"); err != nil {
		return err
	}
	s := &u.states
	if s.Root, err = safefs.Open(u.about.Root); err != nil {
		return err
	}
	if s.Base, err = capture.Load(filepath.Join(u.dir, BaseFile)); err != nil {
		return err
	}
	s.Heavy, s.Source = s.Base.Appeared, u.source
	s.Secret = func(rel string) bool { return secretfile.Of(rel) != secretfile.None }
	if err := u.records(); err != nil {
		return err
	}
	return u.look(ctx)
}

// look describes the tree now and, from what Settle wrote, at the end.
func (u *Session) look(ctx context.Context) error {
	s := &u.states
	var err error
	if s.Now, err = capture.Again(ctx, s.Root, s.Base); err != nil {
		return err
	}
	changed, err := capture.Load(filepath.Join(u.dir, AfterFile))
	if err != nil {
		return err
	}
	if s.Ended, u.Killed = u.about.Ended, u.about.Killed; u.Killed {
		if err := u.openAside(); err != nil {
			return err
		}
	}
	s.After = capture.New()
	s.After.Complete = changed.Complete
	s.After.Entries = maps.Clone(s.Base.Entries)
	for _, p := range u.about.Gone {
		delete(s.After.Entries, p)
	}
	maps.Copy(s.After.Entries, changed.Entries)
	return nil
}

// openAside: of a session that was killed it is not known what the user made
// since, so nothing is deleted.
func (u *Session) openAside() error {
	dir := filepath.Join(u.dir, AsideDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var err error
	u.states.Aside, err = safefs.Open(dir)
	return err
}

func (u *Session) records() error {
	files, err := filepath.Glob(filepath.Join(u.dir, GitFile+"*"))
	if err != nil {
		return err
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		var r gitback.Record
		if err := errors.Join(err, json.Unmarshal(b, &r)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		u.record = append(u.record, r)
	}
	return nil
}

// Close gives everything back.
func (u *Session) Close() {
	if u.blobs != nil {
		u.blobs.close()
	}
	if u.store != nil {
		_ = u.store.Close()
	}
	for _, r := range []*safefs.Root{u.states.Root, u.states.Aside} {
		if r != nil {
			_ = r.Close()
		}
	}
}

// Tree is what the plan is carried out on.
func (u *Session) Tree() change.Tree { return u.states.Tree() }

// Root is the project.
func (u *Session) Root() string { return u.about.Root }

// Plan says what Run would do below paths, which are relative to the root, or
// everywhere when there are none. Git's state is only put back with everything.
func (u *Session) Plan(ctx context.Context, paths []string) (Steps, error) {
	p := Steps{Files: Plan(u.states, paths), Left: u.states.Base.Filter.Left}
	if len(paths) > 0 {
		return p, nil
	}
	for _, r := range u.record {
		again, err := gitdir.Locate(r.Repo.Root)
		if err != nil || again.GitDir != r.Repo.GitDir || again.CommonDir != r.Repo.CommonDir {
			p.Git = append(p.Git, gitback.Step{What: r.Repo.Root, Why: "another repository stands there now"})
			continue
		}
		git, err := gitrun.Find(again, u.path, u.about.Root)
		if err != nil {
			return p, err
		}
		steps, err := gitback.Plan(ctx, r, git)
		if err != nil {
			return p, err
		}
		if rel, err := filepath.Rel(u.about.Root, r.Repo.Root); err == nil && rel != "." {
			for i := range steps {
				steps[i].What = rel + ": " + steps[i].What
			}
		}
		p.Git = append(p.Git, steps...)
	}
	return p, nil
}

// Run carries the plan out and returns what had to be left after all.
func (u *Session) Run(ctx context.Context, p Steps) (Steps, error) {
	files, err := change.Run(ctx, u.states.Tree(), p.Files)
	if err != nil {
		return Steps{Files: files}, err
	}
	return Steps{Files: files, Git: gitback.Run(p.Git)}, nil
}

// source opens the content of a file as it was.
func (u *Session) source(was capture.Entry) (io.ReadCloser, error) {
	name, inGit := strings.CutPrefix(was.Object, GitObject)
	if !inGit {
		return u.store.Read(store.Object(was.Object))
	}
	if u.blobs == nil {
		repo, err := gitdir.Locate(u.about.Root)
		if err != nil {
			return nil, err
		}
		git, err := gitrun.Find(repo, u.path, u.about.Root)
		if err != nil {
			return nil, err
		}
		if u.blobs, err = openBlobs(git); err != nil {
			return nil, err
		}
	}
	b, err := u.blobs.read(name)
	if err != nil {
		return nil, err
	}
	if int64(len(b)) != was.Size { // checked out with other line ends
		b = bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))
	}
	if int64(len(b)) != was.Size {
		return nil, errors.New("git has other bytes for it than the file had")
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// Sizes is how much of the plan of each kind there is.
func (p Steps) Sizes() map[change.Kind]int {
	n := map[change.Kind]int{}
	for _, a := range p.Files {
		n[a.Kind]++
	}
	return n
}

// Empty reports whether there is nothing to do.
func (p Steps) Empty() bool {
	n := p.Sizes()
	return n[change.Remove]+n[change.Write]+n[change.Mode] == 0 &&
		!slices.ContainsFunc(p.Git, func(s gitback.Step) bool { return s.Why == "" })
}
