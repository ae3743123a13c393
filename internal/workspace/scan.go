package workspace

import (
	"context"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/secretfile"
	"github.com/bailey-project/bailey/internal/workspace/trigger"
)

// scanLimits bound the one walk that a start makes over the project.
var scanLimits = safefs.Limits{Entries: 300_000, Depth: 40, Time: 2 * time.Second}

// heavyDirs hold what tools download or produce: many files, no settings of
// the user's own. They are not searched for secrets.
var heavyDirs = map[string]bool{
	"node_modules": true, "vendor": true, "target": true, "venv": true, ".venv": true, "__pycache__": true, ".tox": true,
	".gradle": true, "Pods": true, "bower_components": true, ".cache": true, ".mypy_cache": true, ".pytest_cache": true,
	".turbo": true, ".parcel-cache": true, ".pnpm-store": true, ".yarn": true, "DerivedData": true,
}

// tree is what the project's directories said at the start.
type tree struct {
	secrets  []string            // names of secret files, by name alone
	sockets  []string            // Unix sockets of host programs
	nested   []string            // directories, other than the root, with a .git
	heavy    []string            // directories that were not searched
	controls []trigger.Control   // control names below the root, by path
	bare     []string            // directories below the root that have a HEAD, as bare repositories do
	dirs     map[string][]listed // directory → its names
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
func scan(ctx context.Context, r *safefs.Root) (*tree, error) {
	t := &tree{dirs: map[string][]listed{}}
	complete, err := r.Walk(ctx, ".", scanLimits, func(p string, e safefs.Entry) error {
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
		switch {
		case e.IsDir():
			if heavyDirs[name] {
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
	t.complete = complete
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
