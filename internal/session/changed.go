package session

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/bailey-project/bailey/internal/home"
)

// Changed says what a session did to the files of its project, for whoever
// runs them next with real values.
type Changed struct {
	ID      string `json:"-"`
	Program string `json:"program"`
	Files   int    `json:"files"` // -1: not known
	Running bool   `json:"-"`     // and may still change some
	Killed  bool   `json:"-"`     // so that nobody looked what it changed
}

// changedDir holds a file for each session that changed the project and that
// its user was not told of.
func changedDir(root string) string { return strings.TrimSuffix(stateOf("changed", root), ".json") }

// NoteChanged has the next plain run in the project tell of the session.
func NoteChanged(root string, c Changed) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if err := home.MakeDir(changedDir(root)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(changedDir(root), c.ID), b, 0o600)
}

// ForgetChanged takes that back.
func ForgetChanged(root, id string) { _ = os.Remove(filepath.Join(changedDir(root), id)) }

// Unseen lists the sessions that changed the project, or may have, since it was
// asked last.
func Unseen(root string) []Changed {
	var all []Changed
	notes, _ := os.ReadDir(changedDir(root)) // none, most of the time
	for _, n := range notes {
		c := Changed{ID: n.Name(), Files: -1}
		if b, err := os.ReadFile(filepath.Join(changedDir(root), n.Name())); err == nil {
			_ = json.Unmarshal(b, &c)
		}
		ForgetChanged(root, n.Name())
		all = append(all, c)
	}
	return append(all, unfinished(root)...)
}

// toldFile in the directory of a session that has not ended says that its user
// knows of it.
const toldFile = "told"

// unfinished are sessions that run or were killed: only those have a socket.
func unfinished(root string) (all []Changed) {
	dirs, _ := os.ReadDir(home.Sessions())
	for _, d := range dirs {
		dir := filepath.Join(home.Sessions(), d.Name())
		if _, err := os.Lstat(filepath.Join(dir, socketName)); err != nil {
			continue
		}
		s, err := read(dir)
		if err != nil || s.Root != root || s.Review || !s.Ended.IsZero() {
			continue
		}
		f, err := os.OpenFile(filepath.Join(dir, toldFile), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			continue
		}
		_ = f.Close()
		all = append(all, Changed{ID: s.ID, Program: s.Program, Files: -1, Running: s.Running, Killed: !s.Running})
	}
	return all
}
