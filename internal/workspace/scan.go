package workspace

import (
	"context"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/secretfile"
	"github.com/bailey-project/bailey/internal/workspace/trigger"
)

// scanLimits bound the one walk that a start makes over the project.
var scanLimits = safefs.Limits{Entries: 300_000, Depth: 40, Time: 2 * time.Second}

// tree is what the project's directories said at the start.
type tree struct {
	secrets  []string            // names of secret files, by name alone
	sockets  []string            // Unix sockets of host programs
	nested   []string            // directories, other than the root, with a .git
	heavy    []string            // directories that were not searched
	controls []trigger.Control   // control names below the root, by path
	bare     []string            // directories below the root that have a HEAD, as bare repositories do
	dirs     map[string][]listed // directory → its names
	closed   []string            // directories that can't be read, if all was asked for
	all      *capture.Tree       // the same with what the kernel says of each; nil unless asked for
	complete bool
}

// listed is one name; the inode number tells a renamed directory's files from
// those that stood there before.
type listed struct {
	name string
	ino  uint64
	dir  bool
}

// scan walks over the project once: for secret files, sockets, nested
// repositories, and as the state that Diff compares with.
func scan(ctx context.Context, r *safefs.Root, whole bool) (*tree, error) {
	t := &tree{dirs: map[string][]listed{}}
	lim := scanLimits
	if lim.Stat = whole; whole {
		t.all = capture.New()
		lim.Closed = func(dir string) { t.closed = append(t.closed, dir) }
	}
	complete, err := r.Walk(ctx, ".", lim, func(p string, e safefs.Entry) error {
		dir, name := path.Split(p)
		dir = strings.TrimSuffix(dir, "/")
		if name == ".git" {
			if dir != "" {
				t.nested = append(t.nested, dir)
			}
			return fs.SkipDir
		}
		t.dirs[dir] = append(t.dirs[dir], listed{name, e.Ino, e.IsDir()})
		if dir != "" {
			t.control(dir, p, name)
		}
		if whole {
			t.all.Add(r, p, e)
		}
		switch {
		case e.IsDir():
			if capture.Downloaded(name) {
				t.heavy = append(t.heavy, p)
				return fs.SkipDir
			}
		case e.Type&fs.ModeSocket != 0:
			t.sockets = append(t.sockets, p)
		case secretfile.Of(p) != secretfile.None && (e.Type == 0 || e.Type&fs.ModeSymlink != 0):
			t.secrets = append(t.secrets, p)
		}
		return nil
	})
	if t.complete = complete && len(t.closed) == 0; whole {
		t.all.Complete = complete
	}
	return t, err
}

// control notes what host tools execute below the root.
func (t *tree) control(dir, p, name string) {
	if c, ok := trigger.Of(name); ok {
		c.Name = p
		t.controls = append(t.controls, c)
	}
	if name == "HEAD" {
		t.bare = append(t.bare, dir)
	}
}
