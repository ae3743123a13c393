package session

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/workspace"
)

// waits says whether a session's directory still has its overlay.
func waits(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, "overlay"))
	return err == nil
}

// OpenReview takes over what a session in review mode left. What it committed
// and a kill kept from coming home comes home first, below refs/bailey.
func (s Stored) OpenReview(ctx context.Context, t *term.Term) (*workspace.Review, error) {
	switch {
	case s.Running:
		return nil, api.Errorf(api.Denied, "session %s is running", s.ID).WithHint("end it first: bailey session stop %s", s.ID)
	case !s.Review:
		return nil, api.Errorf(api.Invalid, "session %s worked on the project itself: there is nothing to apply", s.ID).
			WithHint("to put the project back: bailey undo %s", s.ID)
	case !s.Pending:
		return nil, api.Errorf(api.Missing, "session %s has nothing more to apply", s.ID)
	}
	r, err := workspace.OpenReview(s.dir, os.Getenv("PATH"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, api.Errorf(api.Missing, "session %s has nothing more to apply", s.ID)
	}
	if err != nil || !s.Ended.IsZero() {
		return r, err
	}
	report, err := r.Finish(ctx)
	if err != nil {
		t.Notef("commits made inside were not brought home: %v", err)
		return r, nil
	}
	for _, n := range report.Notes {
		t.Notef("%s", n)
	}
	s.Ended = time.Now()
	return r, save(s.dir, &s)
}

// Reviewable returns the newest session of the project that dir lies in whose
// changes wait to be applied.
func Reviewable(dir string) (Stored, error) {
	all, err := List()
	if err != nil {
		return Stored{}, err
	}
	for _, s := range all {
		if s.Pending && within(dir, s.Root) {
			return s, nil
		}
	}
	return Stored{}, api.Errorf(api.Missing, "nothing waits to be applied to this project").WithHint("bailey agent --review -- COMMAND works on a private copy")
}
