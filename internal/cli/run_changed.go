package cli

import (
	"fmt"
	"os"

	"github.com/bailey-project/bailey/internal/home"
	"github.com/bailey-project/bailey/internal/session"
	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/workspace"
)

// sayChanged says once of each session that changed this project: what it left
// runs now with the real values, outside of any wall.
func sayChanged(args []string) {
	dir, err := os.Getwd()
	if err != nil {
		return
	}
	root, err := workspace.FindRoot(dir, home.User())
	if err != nil {
		return
	}
	all := session.Unseen(root)
	for _, c := range all {
		term.Std().Notef("session %s (%s) %s", c.ID, c.Program, did(c))
	}
	if len(all) > 0 {
		term.Std().Hintf("what it left runs now with the real values. Look: bailey session diff %s; without them: bailey run --sealed -- %s",
			all[len(all)-1].ID, quoteAll(args))
	}
}

func did(c session.Changed) string {
	switch {
	case c.Running:
		return "is running and may be changing files of this project"
	case c.Killed:
		return "was killed and may have changed files of this project"
	case c.Files < 0:
		return "changed files of this project"
	}
	return fmt.Sprintf("changed %s of this project", plural(c.Files, "file"))
}
