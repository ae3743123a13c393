package extent

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestTooWideSaysWhereToGo(t *testing.T) {
	home := t.TempDir()
	for _, dir := range []string{home, "/", filepath.Dir(home), "/usr"} {
		_, err := Find(dir, home)
		h, ok := errors.AsType[interface {
			error
			Hint() string
		}](err)
		if !errors.Is(err, ErrTooWide) || !ok || !strings.Contains(h.Hint(), "one project") {
			t.Errorf("%s: %v", dir, err)
		}
	}
	project := filepath.Join(home, "shop")
	if err := os.Mkdir(project, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := Find(project, home); err != nil || filepath.Base(got) != "shop" {
		t.Errorf("%s: %q %v", project, got, err)
	}
}

// Who writes to an agent's own directories speaks to all later sessions; the
// worktrees that some keep there are projects.
func TestDirectoriesOfAgents(t *testing.T) {
	const home = "/home/u"
	for dir, wide := range map[string]bool{
		".claude": true, ".claude/skills/one": true, ".config/opencode": true, ".config/opencode/agent": true, ".codex/worktrees": true,
		".codex/worktrees/a1/shop": false, ".config/nvim": false, "src/.claude": false, ".claudette": false,
	} {
		if got := TooWide(home+"/"+dir, home); (got != "") != wide {
			t.Errorf("%s: %q", dir, got)
		}
	}
}
