// Package tree gives the records of a ledger their meaning: projects,
// environments, folders, secrets with versions, and the originals of imported
// files.
//
// It opens no file, holds no key but those that records hold, and records
// nothing: the vault calls it within a View or a Change and writes down who
// asked. Its invariant: a Writer that returns an error has to be dropped with
// its Change, and then nothing has happened.
package tree

import (
	"path"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
)

// Limits of what is accepted.
const (
	MaxValue    = 1 << 20  // bytes of one value
	MaxOriginal = 16 << 20 // bytes of one original
	maxText     = 64 << 10 // bytes of a comment, of all metadata
	maxSlug     = 64
	maxFolder   = 255 // bytes of a folder's name
	maxDepth    = 32  // folders above one another
)

// Reader reads a tree.
type Reader struct {
	*ledger.View
	At    Place // where the last question led, in the vault's own words, for the audit record
	Count int   // how many secrets the answer has, for the same, where that is worth a word

	still bool  // nothing changes while this one reads
	last  visit // of environment, when still
}

// visit is where a question led.
type visit struct {
	project, slug string
	env           environment
	at            Place
}

// NewReader makes a Reader for one look, in which nothing changes.
func NewReader(v *ledger.View) *Reader { return &Reader{View: v, still: true} }

// Writer reads and changes a tree.
type Writer struct {
	Reader
	change *ledger.Change
	actor  string
}

// NewWriter makes a Writer for one change by actor.
func NewWriter(c *ledger.Change, actor string) *Writer {
	return &Writer{Reader: Reader{View: &c.View}, change: c, actor: actor}
}

// ValidSlug says whether s is ^[a-z0-9-]+$, short enough, and not to be taken
// for an id.
func ValidSlug(s string) bool {
	_, isID := ledger.ParseID(ID(s))
	return !isID && s != "" && len(s) <= maxSlug && onlyOf(s, "abcdefghijklmnopqrstuvwxyz0123456789-")
}

func onlyOf(s, chars string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(chars, r) }) < 0
}

func validFolder(s string) bool {
	return s != "" && len(s) <= maxFolder &&
		onlyOf(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
}

// cleanPath returns the one spelling of a folder's path.
func cleanPath(p string) (string, error) {
	if p = strings.TrimSuffix(p, "/"); p == "" {
		return "/", nil
	}
	parts := strings.Split(p, "/")
	if parts[0] != "" {
		return "", fault.New(fault.ErrInvalid, "path %q does not begin with a slash", p)
	}
	if len(parts) > maxDepth+1 {
		return "", fault.New(fault.ErrInvalid, "path %q is deeper than %d folders", p, maxDepth)
	}
	for _, part := range parts[1:] {
		if !validFolder(part) {
			return "", fault.New(fault.ErrInvalid, "path %q: the name of a folder has letters, digits, '_' and '-'", p)
		}
	}
	return p, nil
}

// within says whether p is dir or below it.
func within(dir, p string) bool {
	return p == dir || dir == "/" || strings.HasPrefix(p, dir+"/")
}

func join(dir, name string) string { return path.Join(dir, name) }

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
