package session

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/workspace"
	"github.com/bailey-project/bailey/internal/workspace/undo"
)

// undoConfig bounds what is kept. Files that git holds unchanged are not copied
// and do not count.
type undoConfig struct {
	// Off keeps nothing: no session can be undone.
	Off bool `yaml:"off"`
	// Megabytes is what one start may copy; 256 when 0.
	Megabytes int64 `yaml:"megabytes"`
	// Milliseconds is how long one start may copy; 500 when 0. What it did not
	// reach is copied by later ones.
	Milliseconds int64 `yaml:"milliseconds"`
	// Downloads keeps directories such as node_modules, too.
	Downloads bool `yaml:"downloads"`
}

// maxKeptFiles bounds what one start copies.
const maxKeptFiles = 50_000

// keepFor says what is kept of a project; nil for nothing.
func keepFor(root string) (*workspace.Keep, error) {
	c, err := loadConfig()
	if err != nil || c.Undo.Off {
		return nil, err
	}
	k := &workspace.Keep{Store: strings.TrimSuffix(stateOf("undo", root), ".json"), Files: maxKeptFiles,
		Bytes: c.Undo.Megabytes << 20, Time: time.Duration(c.Undo.Milliseconds) * time.Millisecond, Downloads: c.Undo.Downloads}
	if k.Bytes <= 0 {
		k.Bytes = 256 << 20
	}
	if k.Time <= 0 {
		k.Time = 500 * time.Millisecond
	}
	return k, nil
}

// Undo calls do with what the session kept of how the project was.
func (s Stored) Undo(ctx context.Context, do func(*undo.Session) error) error {
	if s.Running {
		return api.Errorf(api.Denied, "session %s is running", s.ID).WithHint("end it first: bailey session stop %s", s.ID)
	}
	err := workspace.WithUndo(ctx, s.dir, os.Getenv("PATH"), do)
	if errors.Is(err, undo.ErrNothingKept) {
		return api.Errorf(api.Missing, "session %s changed no file, or undo was off when it began", s.ID)
	}
	return err
}

// undoable: something was kept, or the session was killed and may have.
func (s Stored) undoable() bool {
	_, err := os.Lstat(filepath.Join(s.dir, undo.AboutFile))
	return err == nil || s.Ended.IsZero() && !s.Running && !s.Review
}

// Undoable returns the newest session of the project that dir lies in, of
// those that have something to undo.
func Undoable(dir string) (Stored, error) {
	all, err := List()
	if err != nil {
		return Stored{}, err
	}
	for _, s := range all {
		if within(dir, s.Root) && s.undoable() {
			return s, nil
		}
	}
	return Stored{}, api.Errorf(api.Missing, "no session changed a file of this project").WithHint("bailey session list")
}
