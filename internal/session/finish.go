package session

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/sandbox"
	"github.com/bailey-project/bailey/internal/workspace"
)

// finishTime bounds what is done after the workload's end.
const finishTime = 2 * time.Minute

// finish brings commits home, looks once more for what must not stay, and
// writes down what changed. Nothing here can fail the run: what could not be
// done is said and kept.
func (s *Session) finish(exit sandbox.Exit) {
	s.closePorts()
	s.record.showBy(s.say)
	ctx, cancel := context.WithTimeout(context.Background(), finishTime)
	defer cancel()
	for _, f := range s.work.Sweep() {
		s.found(f)
	}
	report, err := s.work.Finish(ctx)
	if err != nil {
		s.opts.Term.Notef("commits made inside were not brought home: %v", err)
		s.opts.Term.Hintf("they are kept: bailey session list")
	}
	for _, n := range report.Notes {
		s.opts.Term.Notef("%s", n)
	}
	if err := s.work.Settle(ctx, false); err != nil {
		s.opts.Term.Notef("undo will not know what was changed after this session: %v", err)
	}
	changes, err := s.work.Diff(ctx)
	s.noteChanged(len(changes.Files), err)
	switch {
	case err != nil:
		s.opts.Term.Notef("what was changed could not be listed: %v", err)
	case s.opts.Review:
		s.offer(changes, report)
	default:
		s.summarise(changes)
	}
	s.tellRefused()
	s.explain(exit.Breach)
	s.record.note("session.end", "done", fmt.Sprintf("exit %d", exit.Code))
	m := s.meta()
	m.Ended, m.Exit, m.Changes = time.Now(), exit.Code, changes.Files
	m.Refused = s.record.refusals()
	if exit.Breach != nil {
		m.Breach = exit.Breach.String()
	}
	for _, r := range report.Refs {
		m.Refs = append(m.Refs, r.Name+" "+string(r.Outcome))
	}
	_ = s.writeMeta(m)
	_ = s.box.Close() // how the workload ended is known; this is for its mounts
	<-s.noticed       // PID 1 has said its last, and nobody looks at the workspace for it
	_ = s.gate.Close()
	s.record.close()
	_ = s.work.Close(true)
	s.leaveScratch(s.mounts)
	_ = os.Remove(filepath.Join(s.dir, socketName))
}

// noteChanged keeps for the next plain run that what it runs was changed here.
func (s *Session) noteChanged(files int, err error) {
	if s.opts.Review || files == 0 && err == nil {
		return
	}
	if err != nil {
		files = -1
	}
	c := Changed{ID: s.ID, Program: filepath.Base(s.opts.Args[0]), Files: files}
	if err := NoteChanged(s.root, c); err != nil {
		s.opts.Term.Notef("the next bailey run will not say that this session changed files: %v", err)
	}
}

// summarise warns of changed files that a host tool runs without being asked.
func (s *Session) summarise(c workspace.Changes) {
	var risky []string
	for _, f := range c.Files {
		if f.Executes != "" {
			risky = append(risky, f.Path)
		}
	}
	if len(risky) > 0 && !s.opts.Quiet {
		s.opts.Term.Notef("changed files that your own tools execute: %s", shorten(risky, 6))
		s.opts.Term.Hintf("look first: bailey session diff %s", s.ID)
	}
}

// offer says what waits to be applied.
func (s *Session) offer(c workspace.Changes, r workspace.Report) {
	if len(c.Files) == 0 && !r.Waits || s.opts.Quiet {
		return
	}
	s.opts.Term.Notef("changes that wait in session %s: %d; the project is as it was", s.ID, len(c.Files))
	s.opts.Term.Hintf("look: bailey session diff %s; take: bailey apply --session %s; drop: bailey discard %s", s.ID, s.ID, s.ID)
}

// shorten names the first n and counts the rest.
func shorten(names []string, n int) string {
	if len(names) <= n {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:n], ", "), len(names)-n)
}

// removeTree removes what a workload left, also below directories that it made
// unreadable. It follows no link.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if err == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if d != nil && d.IsDir() && !strings.Contains(path, "\x00") {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	return os.RemoveAll(dir)
}
