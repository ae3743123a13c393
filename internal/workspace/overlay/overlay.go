// Package overlay reads what a session left in its private overlay, and decides
// what of it may be applied to the project.
//
// It writes nothing and mounts nothing. All that it reads was written by
// somebody who is not trusted. Its invariants: a special file, a set-id bit and
// git's own files never leave the overlay; what a host tool takes commands
// from, what could hold a secret and what leads out of the project leave it
// only when it is named; and what was changed on the host since the session
// began is not overwritten.
package overlay

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/safefs"
	"github.com/bailey-project/bailey/internal/workspace/capture"
	"github.com/bailey-project/bailey/internal/workspace/change"
)

// Kind is what happened to a path inside.
type Kind string

// The kinds of change.
const (
	Added    Kind = "added"
	Modified Kind = "modified"
	Removed  Kind = "removed"
	Mode     Kind = "mode" // only permissions
)

// Change is one difference between the overlay and the project as it is now.
type Change struct {
	Path     string `json:"path"`
	Kind     Kind   `json:"kind"`
	Executes string `json:"executes,omitempty"` // the host tool that runs it
	Conflict string `json:"conflict,omitempty"` // what the host did meanwhile: only --force overwrites that
	Held     string `json:"held,omitempty"`     // why it is applied only when it is named
	Never    string `json:"never,omitempty"`    // why it is never applied
	Note     string `json:"note,omitempty"`

	want, now capture.Entry
}

// Reader is what Changes needs to know.
type Reader struct {
	Host  *safefs.Root
	Upper *safefs.Root // the overlay's upper directory
	Base  *capture.Tree
	Began time.Time // the host's files that changed after that did so beside the session

	Executes func(rel string) string // may be nil
	Control  func(rel string) string // why a name is one that host tools take commands from
	Secret   func(rel string) bool   // by its name
}

// Bounds of what is read; many times what a session makes.
const (
	maxEntries = 1_000_000
	maxDepth   = 128
	// maxFile is the size, bytes, from which a file has to be named: one with
	// holes is larger than the disk it lies on.
	maxFile = 1 << 30
)

// ErrTooMuch: there is more than is ever looked at.
var ErrTooMuch = errors.New("the overlay holds too many files, or too deep, to be looked through")

// Changes lists the differences, sorted by path.
func (r Reader) Changes(ctx context.Context) ([]Change, error) {
	c := collector{Reader: r, ctx: ctx}
	if err := c.dir("."); err != nil {
		return nil, err
	}
	lim := safefs.Limits{Entries: maxEntries, Depth: maxDepth, Stat: true}
	complete, err := r.Upper.Walk(ctx, ".", lim, c.entry)
	if err != nil {
		return nil, err
	}
	if !complete {
		return nil, ErrTooMuch
	}
	slices.SortFunc(c.list, func(a, b Change) int { return cmp.Compare(a.Path, b.Path) })
	return c.list, nil
}

type collector struct {
	Reader
	ctx  context.Context
	list []Change
}

func (c *collector) entry(p string, e safefs.Entry) error {
	if e.Stat == nil {
		return nil
	}
	if e.Name == ".git" {
		c.list = append(c.list, Change{Path: p, Kind: Added, Never: "git's own files"})
		return fs.SkipDir
	}
	now, there, err := capture.Look(c.Host, p)
	if err != nil {
		c.list = append(c.list, Change{Path: p, Kind: Modified, Never: "the host's own can't be looked at: " + err.Error()})
		return nil
	}
	switch {
	case whiteout(e):
		if there {
			return c.removed(p, now)
		}
		return nil
	case e.IsDir():
		return c.directory(p, e, now, there)
	case e.Type != 0 && e.Type != fs.ModeSymlink:
		c.list = append(c.list, Change{Path: p, Kind: Added, Never: "neither a file, a directory nor a link"})
		return nil
	}
	return c.file(p, e, now, there)
}

// whiteout is how an overlay says that a name is gone: a device 0/0.
func whiteout(e safefs.Entry) bool {
	return e.Type&fs.ModeCharDevice != 0 && e.Stat.Device == 0
}

// entryOf describes what the overlay has, without what must not leave it.
func (c *collector) entryOf(p string, e safefs.Entry) (want capture.Entry, note string, err error) {
	want = capture.Entry{Path: p, Stat: *e.Stat}
	if want.Perm&0o6000 != 0 && !e.IsDir() {
		note = "without its set-id bit"
	}
	want.Perm &= 0o777
	switch { // what we can't read we can't apply
	case e.IsDir() && want.Perm&0o500 != 0o500:
		want.Perm |= 0o700
		err = c.Upper.Unlock(p)
	case e.Type == 0 && want.Perm&0o400 == 0:
		want.Perm |= 0o600
		err = c.Upper.SetAttr(p, safefs.Attr{Perm: want.Perm})
	}
	want.Modified = 0 // a time that was chosen inside proves nothing to a build tool
	if e.Type == fs.ModeSymlink {
		want.Link, err = c.Upper.Readlink(p)
	}
	return want, note, err
}

func (c *collector) file(p string, e safefs.Entry, now capture.Entry, there bool) error {
	want, note, err := c.entryOf(p, e)
	if err != nil {
		return nil // gone
	}
	ch := Change{Path: p, Kind: Modified, Note: note, want: want, now: now}
	switch {
	case !there:
		ch.Kind = Added
	case now.Type == fs.ModeDir:
		if err := c.below(p); err != nil {
			return err
		}
		ch.Kind, ch.Note = Added, "in place of a directory"
	case c.equal(want, now):
		if want.Type == fs.ModeSymlink || want.Perm == now.Perm&0o777 {
			return nil
		}
		ch.Kind = Mode
	}
	if want.Type == 0 && want.Size > maxFile {
		ch.Held = "it is larger than 1 GiB"
	}
	if want.Type == fs.ModeSymlink && leadsOut(p, want.Link) {
		ch.Held = "a link out of the project, to " + want.Link
	}
	c.add(ch, there)
	return nil
}

// leadsOut says whether a link means something outside of the root.
func leadsOut(p, link string) bool {
	return path.IsAbs(link) || strings.HasPrefix(path.Join(path.Dir(p), link)+"/", "../")
}

// equal compares content.
func (c *collector) equal(want, now capture.Entry) bool {
	switch {
	case want.Type != now.Type:
		return false
	case want.Type == fs.ModeSymlink:
		return want.Link == now.Link
	case want.Size != now.Size:
		return false
	}
	a, err := c.Upper.OpenFile(want.Path)
	if err != nil {
		return false
	}
	defer a.Close()
	b, err := c.Host.OpenFile(want.Path)
	if err != nil {
		return false
	}
	defer b.Close()
	return change.Equal(a, b)
}

func (c *collector) directory(p string, e safefs.Entry, now capture.Entry, there bool) error {
	want, note, _ := c.entryOf(p, e)
	ch := Change{Path: p, Kind: Mode, Note: note, want: want, now: now}
	switch {
	case !there:
		ch.Kind = Added
		c.add(ch, false)
	case now.Type != fs.ModeDir:
		ch.Kind, ch.Note = Added, "a directory in place of a file"
		c.add(ch, true)
	case want.Perm != now.Perm&0o777:
		c.add(ch, true)
		fallthrough
	default:
		return c.dir(p)
	}
	return nil
}

// opaque marks a directory that shows nothing of what lies below it
// (Documentation/filesystems/overlayfs.rst).
const opaque = "user.overlay.opaque"

// dir finds what an opaque directory hides of the host's.
func (c *collector) dir(p string) error {
	mark, err := c.Upper.DirAttr(p, opaque)
	if err != nil {
		return err // unreadable: what it means is not known
	}
	if string(mark) != "y" {
		return nil
	}
	own, err := c.Upper.ReadDir(p, maxEntries)
	if err != nil {
		return err
	}
	host, err := c.Host.ReadDir(p, maxEntries)
	if err != nil {
		return err
	}
	for _, h := range host {
		name := path.Join(p, h.Name)
		if slices.ContainsFunc(own, func(o safefs.Entry) bool { return o.Name == h.Name }) || h.Name == ".git" {
			continue
		}
		if now, there, err := capture.Look(c.Host, name); err == nil && there {
			if err := c.removed(name, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// removed lists an entry of the host and, of a directory, all that is in it:
// each file can have changed, or be one that must stay.
func (c *collector) removed(p string, now capture.Entry) error {
	c.add(Change{Path: p, Kind: Removed, now: now}, true)
	if now.Type != fs.ModeDir {
		return nil
	}
	return c.below(p)
}

func (c *collector) below(p string) error {
	lim := safefs.Limits{Entries: maxEntries, Depth: maxDepth, Stat: true}
	complete, err := c.Host.Walk(c.ctx, p, lim, func(name string, e safefs.Entry) error {
		if e.Stat != nil {
			c.add(Change{Path: name, Kind: Removed, now: capture.Entry{Path: name, Stat: *e.Stat}}, true)
		}
		return nil
	})
	if err == nil && !complete {
		err = ErrTooMuch
	}
	return err
}

// add says what must be known of a change, and lists it.
func (c *collector) add(ch Change, there bool) {
	if c.Executes != nil {
		ch.Executes = c.Executes(ch.Path)
	}
	control := c.Control(ch.Path)
	switch {
	case c.Secret(ch.Path) && there && ch.now.Type != fs.ModeDir:
		ch.Never = "it may hold secrets of yours"
	case strings.Contains("/"+ch.Path+"/", "/.git/"):
		ch.Never = "git's own files"
	case ch.Held != "":
	case control != "":
		ch.Held = control + " takes commands from it"
	case c.Secret(ch.Path):
		ch.Held = "its name is one of files with secrets"
	}
	ch.Conflict = c.conflict(ch, there)
	c.list = append(c.list, ch)
}

// conflict says what happened on the host since the session began.
func (c *collector) conflict(ch Change, there bool) string {
	base, was := c.Base.Entries[ch.Path]
	known := was || c.Base.Complete && c.Base.Filter.Covers(ch.Path) && !c.left(ch.Path)
	switch {
	case there && ch.now.Type == fs.ModeDir && (!known || was && base.Type == fs.ModeDir):
		return ""
	case there && known && !was:
		return "it was made here meanwhile"
	case there && was && base.Untouched(ch.now), there && !known && ch.now.Changed < c.Began.UnixNano():
		return ""
	case there:
		return "it was changed here meanwhile"
	case was:
		return "it was removed here meanwhile"
	}
	return ""
}

// left: the start did not look into that directory.
func (c *collector) left(p string) bool {
	return slices.ContainsFunc(c.Base.Filter.Left, func(dir string) bool { return capture.Within(p, dir) })
}
