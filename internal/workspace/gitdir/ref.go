package gitdir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
)

// Bounds for what is read of a repository, many times what is usual.
const (
	maxRefs   = 200_000
	maxPacked = 64 << 20
	maxLoose  = 50_000
)

// Refs are the references of a repository.
type Refs struct {
	Direct   map[string]string // name → object name
	Symbolic map[string]string // name → name
	Peeled   map[string]string // tags of packed-refs → what they finally mean
}

// Head is what HEAD means: a branch (which may not exist yet) or an object.
type Head struct {
	Branch string // "refs/heads/main", "" when detached
	Object string // when detached
}

// ValidRef is git's check-ref-format, and at most 1 KiB of printable UTF-8
// without spaces: names become arguments, paths and lines on a terminal.
func ValidRef(name string) bool {
	if !strings.HasPrefix(name, "refs/") || len(name) > 1024 || strings.HasSuffix(name, "/") || strings.HasSuffix(name, ".") {
		return false
	}
	if strings.Contains(name, "..") || strings.Contains(name, "@{") || strings.Contains(name, "//") || !printable(name) {
		return false
	}
	if strings.ContainsAny(name, " ~^:?*[\\\x7f") {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] == '.' || part[0] == '-' || strings.HasSuffix(part, ".lock") {
			return false
		}
	}
	return true
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == '\ufffd' || r >= 0x7f && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x2028 && r <= 0x202e ||
			r >= 0x2066 && r <= 0x2069 || r == '\ufeff' {
			return false
		}
	}
	return true
}

// ValidObject accepts the full lower-case name of an object that is not zero.
func ValidObject(s string, hex int) bool {
	if len(s) != hex || strings.Trim(s, "0") == "" {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// ReadHead reads HEAD.
func ReadHead(r *safefs.Root, hex int) (Head, error) {
	b, err := r.ReadFile("HEAD", 4<<10)
	if err != nil {
		return Head{}, err
	}
	return parseHead(string(b), hex)
}

func parseHead(s string, hex int) (Head, error) {
	s = strings.TrimRight(s, "\n\r\t ")
	if ref, ok := strings.CutPrefix(s, "ref:"); ok {
		ref = strings.TrimLeft(ref, " \t")
		if !ValidRef(ref) || !strings.HasPrefix(ref, "refs/heads/") {
			return Head{}, errors.New("HEAD means something that is no branch")
		}
		return Head{Branch: ref}, nil
	}
	if !ValidObject(s, hex) {
		return Head{}, errors.New("HEAD is damaged")
	}
	return Head{Object: s}, nil
}

// ReadRefs reads loose and packed references. bad counts the names and values
// that are not well-formed; they are left out.
func ReadRefs(ctx context.Context, r *safefs.Root, hex int) (refs Refs, bad int, err error) {
	refs = Refs{map[string]string{}, map[string]string{}, map[string]string{}}
	loose := Refs{map[string]string{}, map[string]string{}, nil}
	// Loose first: git writes packed-refs before it removes a loose one.
	bad, err = readLoose(ctx, r, hex, loose)
	if err != nil {
		return refs, bad, err
	}
	b, err := r.ReadFile("packed-refs", maxPacked)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return refs, bad, err
	}
	n, err := parsePacked(b, hex, refs)
	for name, v := range loose.Direct {
		refs.Direct[name] = v
		delete(refs.Peeled, name)
	}
	for name, v := range loose.Symbolic {
		delete(refs.Direct, name)
		refs.Symbolic[name] = v
	}
	return refs, bad + n, err
}

func readLoose(ctx context.Context, r *safefs.Root, hex int, refs Refs) (bad int, err error) {
	seen := 0
	complete, err := r.Walk(ctx, "refs", safefs.Limits{Entries: 4 * maxLoose, Depth: 48}, func(path string, e safefs.Entry) error {
		if e.IsDir() || strings.HasSuffix(path, ".lock") {
			return nil
		}
		if seen++; seen > maxLoose {
			return fmt.Errorf("more than %d references outside packed-refs", maxLoose)
		}
		if !loose(r, path, hex, refs) {
			bad++
		}
		return nil
	})
	if err == nil && !complete {
		err = errors.New("references could not be read whole")
	}
	return bad, err
}

func loose(r *safefs.Root, path string, hex int, refs Refs) bool {
	if !ValidRef(path) {
		return false
	}
	b, err := r.ReadFile(path, 2<<10)
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	s := strings.TrimRight(string(b), "\n\r\t ")
	if target, ok := strings.CutPrefix(s, "ref:"); ok {
		target = strings.TrimLeft(target, " \t")
		refs.Symbolic[path] = target
		return ValidRef(target)
	}
	refs.Direct[path] = s
	if !ValidObject(s, hex) {
		delete(refs.Direct, path)
		return false
	}
	return true
}

// parsePacked reads packed-refs: "OBJECT NAME" lines, "^OBJECT" below a tag.
func parsePacked(b []byte, hex int, refs Refs) (bad int, err error) {
	last := ""
	for len(b) > 0 {
		line := b
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			line, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		switch {
		case len(line) == 0, line[0] == '#':
		case line[0] == '^':
			if v := string(line[1:]); last != "" && ValidObject(v, hex) {
				refs.Peeled[last] = v
			}
		case len(line) > hex+1 && line[hex] == ' ' && ValidObject(string(line[:hex]), hex) && ValidRef(string(line[hex+1:])):
			last = string(line[hex+1:])
			refs.Direct[last] = string(line[:hex])
			if len(refs.Direct) > maxRefs {
				return bad, fmt.Errorf("more than %d references", maxRefs)
			}
		default:
			last = ""
			bad++
		}
	}
	return bad, nil
}

// formatPacked writes references as one packed-refs file.
func formatPacked(refs Refs) []byte {
	names := make([]string, 0, len(refs.Direct))
	whole := true // every tag is peeled, which git then need not do again
	for name := range refs.Direct {
		names = append(names, name)
		if strings.HasPrefix(name, "refs/tags/") && refs.Peeled[name] == "" {
			whole = false
		}
	}
	slices.Sort(names)
	out := make([]byte, 0, 64*len(names)+64)
	out = append(out, "# pack-refs with:"...)
	if whole {
		out = append(out, " peeled"...)
	}
	out = append(out, " sorted \n"...)
	for _, name := range names {
		out = fmt.Appendf(out, "%s %s\n", refs.Direct[name], name)
		if p := refs.Peeled[name]; p != "" {
			out = fmt.Appendf(out, "^%s\n", p)
		}
	}
	return out
}
