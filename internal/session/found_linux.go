package session

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/bailey-project/bailey/internal/term"
	"github.com/bailey-project/bailey/internal/workspace"
)

// found is called by the workspace's watch on the host's side.
func (s *Session) found(f workspace.Found) {
	name := term.Clean(f.Name)
	switch f.Kind {
	case workspace.Quarantined:
		s.quarantined(name, f)
	case workspace.SecretFile:
		s.refresh(f.Name)
		s.record.note("workspace.secret", "done", name)
		s.tellSome(&s.appeared, "hidden: "+name+", which appeared now; until then it could be read inside", "if it came from outside, rotate what it holds")
	case workspace.Returned:
		s.record.note("workspace.returned", "done", name)
		s.record.tell("put back: "+name+": it is as your own git has it", "")
	case workspace.HostSocket:
		_ = s.box.Pin(s.root+"/"+f.Name, nil)
		s.record.note("workspace.socket", "denied", name)
		s.record.tell("hidden: "+name+", a socket that a program outside the sandbox made", "")
	case workspace.CheckedOut:
		s.record.note("workspace.checkedout", "done", name)
		if !s.refresh(f.Name) { // the cover of a secret file is read-only as it is
			_ = s.box.Protect(s.root + "/" + f.Name)
		}
		s.tellSome(&s.appeared, "kept: "+name+", which your own git checked out; it is read-only inside", "")
	case workspace.Doubtful:
		s.record.note("workspace.replaced", "done", name)
		s.record.tell(fmt.Sprintf("alarm: %s (%s) was replaced or written to at %s, and not by your git; a program inside may have done it", name, f.Reason, time.Now().Format(time.TimeOnly)),
			"look at it before you use the project, unless you saved it yourself")
	case workspace.Unwatched:
		s.record.note("workspace.unwatched", "done", fmt.Sprint(f.Err))
		s.record.tell(fmt.Sprintf("not all of %s can be watched: %v", s.root, f.Err),
			"control files made deep in it are moved away when the session ends, not at once")
	case workspace.Replaced: // PID 1 sees that for itself
	}
}

func (s *Session) quarantined(name string, f workspace.Found) {
	if f.Err != nil {
		s.record.note("workspace.planted", "done", name+": "+f.Err.Error())
		s.record.tell(fmt.Sprintf("alarm: %s was made inside and can't be moved away (%s): %v", name, f.Reason, f.Err),
			"remove it before you use the project")
		return
	}
	s.record.note("workspace.quarantined", "denied", name+": "+f.Reason)
	s.tellName(fmt.Sprintf("denied: %s was made inside and moved away (%s)", name, f.Reason), "to have it back: bailey session restore "+s.ID)
	s.record.refuse("make "+name+" ("+f.Reason+")", "")
}

// refused is told of by the name broker.
func (s *Session) refused(name string) {
	name = term.Clean(name)
	s.record.note("workspace.refused", "denied", name)
	s.record.refuse("make "+name, "")
	s.tellName("denied: "+name+" may not be made inside (--strict-names)", "")
}

// maxNameLines bounds what one session says about names: programs inside choose
// how many there are.
const maxNameLines = 20

func (s *Session) tellName(line, hint string) { s.tellSome(&s.nameLines, line, hint) }

// tellSome counts lines by what they are about, so that a flood of one kind
// does not hide the other.
func (s *Session) tellSome(count *atomic.Int32, line, hint string) {
	if s.record.told(line) {
		return
	}
	switch n := count.Add(1); {
	case n <= maxNameLines:
		s.record.tell(line, hint)
	case n == maxNameLines+1:
		s.record.tell("further names are recorded only", "bailey session log "+s.ID)
	}
}
