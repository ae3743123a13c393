package workspace

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/gitconfig"
	"github.com/bailey-project/bailey/internal/workspace/gitdir"
	"github.com/bailey-project/bailey/internal/workspace/guard"
	"github.com/bailey-project/bailey/internal/workspace/secretfile"
	"github.com/bailey-project/bailey/internal/workspace/store"
)

// Workspace is one session's workspace, from Prepare or Reopen to Close.
type Workspace struct {
	opt  Options
	lock *os.File
	root *safefs.Root
	dir  *safefs.Root // the session's
	view View
	tree *tree

	repo       *gitdir.Repo // of the root, nil if there is none that can be used
	index      *gitdir.Index
	gitMissing bool
	parts      []part   // every private git directory
	nested     []string // directories below the root that had a .git at the start
	borrowed   int      // directories of objects bound so far

	secrets   map[string]secretfile.Kind // what is shown otherwise
	protected map[string]string          // control names that exist, and why
	links     map[string]string          // those that are links, and where to
	guard     *guard.Guard
	known     known
	pinned    map[string]bool
	pins      []Bind

	started time.Time
	kept    bool          // what undo needs is in the state file
	encoded chan []byte   // the description, once it can be written
	store   *store.Store  // open until it is written
	base    *capture.Tree // after Settle: the project at the start
	now     *capture.Tree // and, after Settle, at the end
	same    bool          // an overlay holds nothing that the project has not
	keep    bool          // something in the session's directory must not be removed
}

// state is what a later process must know of a session that died.
type state struct {
	Options Options
	Started time.Time
	Watch   []Name
	Parts   []part
	Nested  []string
	Kept    bool // a description of the project follows
}

const stateFile = "workspace.json"

// Prepare makes everything that the view needs. Nothing is written outside the
// session's directory.
func Prepare(ctx context.Context, o Options) (*Workspace, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	w, err := open(o, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := w.prepare(ctx); err != nil {
		_ = w.Close(true)
		return nil, fmt.Errorf("workspace: %w", err)
	}
	return w, nil
}

// open takes the lock that says a session lives.
func open(o Options, flag int) (*Workspace, error) {
	w := &Workspace{opt: o, started: startTime(), secrets: map[string]secretfile.Kind{}, protected: map[string]string{},
		links: map[string]string{}, pinned: map[string]bool{}}
	var err error
	if w.lock, err = takeLock(filepath.Join(o.SessionDir, stateFile), flag); err != nil {
		return nil, err
	}
	if w.root, err = safefs.Open(o.Root); err == nil {
		w.dir, err = safefs.Open(o.SessionDir)
	}
	if err != nil {
		_ = w.Close(false)
		return nil, err
	}
	w.guard = &guard.Guard{Root: w.root, Dir: w.dir, Session: o.SessionID, Links: w.links, Protected: w.protected}
	return w, nil
}

// startTime is a moment before every change that the session makes. The clock
// of file times ticks up to 10 ms apart.
func startTime() time.Time { return time.Now().Add(-20 * time.Millisecond) }

func (w *Workspace) prepare(ctx context.Context) error {
	w.view.Root = w.opt.Root
	var err error
	if w.tree, err = scan(ctx, w.root, w.opt.Keep != nil || w.opt.Review); err != nil {
		return err
	}
	w.nested = w.tree.nested
	w.findRepo()
	if err := w.hideSecrets(w.tree); err != nil {
		return err
	}
	if err := w.recall(ctx, w.tree); err != nil {
		return err
	}
	for _, s := range w.tree.sockets {
		w.view.Masks = append(w.view.Masks, filepath.Join(w.opt.Root, s))
	}
	if w.opt.Review {
		if err := w.keepReview(ctx); err != nil {
			return err
		}
	} else if err := w.protect(ctx); err != nil {
		return err
	}
	if err := w.privateGit(ctx); err != nil {
		return err
	}
	if err := w.keepStart(ctx); err != nil {
		return err
	}
	w.userGit()
	w.view.Binds = append(w.outermost(w.pins), w.view.Binds...)
	w.arm()
	return w.save()
}

func (w *Workspace) save() error {
	var b bytes.Buffer
	s := state{w.opt, w.started, w.view.Watch, w.parts, w.nested, w.kept}
	if err := json.NewEncoder(&b).Encode(s); err != nil {
		return err
	}
	if w.kept { // not in a file of its own: every one costs a start
		b.Write(<-w.encoded)
	}
	// Through the descriptor that there is: to ext4 a file that is made empty
	// and written again is one that was replaced, whose blocks it flushes.
	_, err := w.lock.WriteAt(b.Bytes(), 0)
	if w.store != nil {
		err = errors.Join(err, w.store.Close())
	}
	w.store, w.tree.all = nil, nil // a session idles for hours: the tree is read again at the end
	return err
}

// maxState bounds the state file, bytes.
const maxState = 2 << 30

// readState reads what save wrote; the tree is nil unless one was kept.
func readState(d *safefs.Root) (s state, t *capture.Tree, err error) {
	b, err := d.ReadFile(stateFile, maxState)
	if err != nil {
		return s, nil, err
	}
	in := json.NewDecoder(bytes.NewReader(b))
	if err := in.Decode(&s); err != nil {
		return s, nil, fmt.Errorf("%s: %w", stateFile, err)
	}
	if !s.Kept {
		return s, nil, nil
	}
	t, err = capture.Decode(bytes.NewReader(bytes.TrimLeft(b[in.InputOffset():], "\n")))
	return s, t, err
}

// findRepo decides whether git is there, and can be shown.
func (w *Workspace) findRepo() {
	repo, err := gitdir.Locate(w.opt.Root)
	switch {
	case errors.Is(err, gitdir.ErrNone):
		w.gitMissing = true
	case err != nil:
		w.hideGit("", err)
	default:
		if w.index, err = repo.ReadIndex(); err != nil {
			w.hideGit("", err)
			return
		}
		w.repo = repo
	}
}

// userGit gives the inside the user's identity and ignore file.
func (w *Workspace) userGit() {
	gitDir := filepath.Join(w.opt.Root, ".git")
	if w.repo != nil {
		gitDir = w.repo.GitDir
	}
	settings, ignore := gitconfig.User(w.opt.Home, gitDir)
	if len(settings) > 0 {
		w.view.Home = append(w.view.Home, File{".gitconfig", gitconfig.Format(settings)})
	}
	if len(ignore) > 0 {
		w.view.Home = append(w.view.Home, File{".config/git/ignore", ignore})
	}
}

// View is what the caller mounts.
func (w *Workspace) View() View { return w.view }

// Close gives up the lock. With remove it also deletes what Prepare made,
// except what somebody may still want: quarantined entries, and commits that
// could not be brought home.
func (w *Workspace) Close(remove bool) error {
	w.guard.End()
	var err error
	if w.store != nil {
		err = w.store.Close()
	}
	if remove && w.dir != nil {
		err = errors.Join(err, w.remove())
	}
	for _, r := range []*safefs.Root{w.root, w.dir} {
		if r != nil {
			err = errors.Join(err, r.Close())
		}
	}
	return errors.Join(err, w.lock.Close())
}

func (w *Workspace) remove() error {
	var err error
	if list, _ := w.dir.ReadDir(guard.Quarantine, 1); len(list) == 0 {
		err = w.dir.RemoveAll(guard.Quarantine)
	}
	if w.keep || w.opt.Review && !w.settled() {
		return err
	}
	list, rerr := w.dir.ReadDir(".", 0)
	err = errors.Join(err, rerr)
	for _, e := range list {
		if e.Name == stateFile || e.Name == "private" || e.Name == "git" || strings.HasPrefix(e.Name, "git.") {
			err = errors.Join(err, w.dir.RemoveAll(e.Name))
		}
	}
	return err
}
