package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/bailey-project/bailey/internal/safefs"
)

// The form on disk is text: a line that says what it is, a line "left" or
// "hidden" for each name of the filter, then one line for each entry, with its
// names quoted as Go quotes them. A last line says that the file is whole.
const (
	head    = "bailey tree 1"
	last    = "end"
	maxLine = 64 << 10
)

var errDamaged = errors.New("description of the tree is damaged")

// Save writes the tree into a file, which has its name once it is whole.
func (t *Tree) Save(name string) error {
	f, err := os.OpenFile(name+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(t.Encode(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}

// Load reads what Save wrote.
func Load(name string) (*Tree, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Decode(f)
}

// Encode writes the tree.
func (t *Tree) Encode(w io.Writer) error {
	out := bufio.NewWriterSize(w, 64<<10)
	fmt.Fprintf(out, "%s %t\n", head, t.Complete)
	for _, n := range t.Filter.Left {
		fmt.Fprintf(out, "left %q\n", n)
	}
	for _, n := range t.Filter.Hidden {
		fmt.Fprintf(out, "hidden %q\n", n)
	}
	var line []byte
	for _, e := range t.Entries {
		line = e.append(line[:0])
		_, _ = out.Write(line)
	}
	fmt.Fprintln(out, last)
	return out.Flush()
}

// append writes the numbers of an entry in the order of numbers, and the names.
func (e Entry) append(b []byte) []byte {
	b = append(b, kindOf(e.Type), ' ')
	for _, n := range e.numbers() {
		b = strconv.AppendInt(b, n, 36)
		b = append(b, ' ')
	}
	for _, s := range []string{e.Path, e.Link, e.Object} {
		b = append(strconv.AppendQuote(b, s), ' ')
	}
	b[len(b)-1] = '\n'
	return b
}

func (e Entry) numbers() [8]int64 {
	return [8]int64{int64(e.Perm), int64(e.UID), int64(e.GID), e.Size, e.Modified, e.Changed, int64(e.Ino), int64(e.Links)}
}

func kindOf(t fs.FileMode) byte {
	switch t {
	case fs.ModeDir:
		return 'd'
	case fs.ModeSymlink:
		return 'l'
	}
	return 'f'
}

// Decode reads what Encode wrote.
func Decode(r io.Reader) (*Tree, error) {
	t := New()
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, maxLine), maxLine)
	if !in.Scan() || !strings.HasPrefix(in.Text(), head+" ") {
		return nil, errDamaged
	}
	t.Complete = in.Text() == head+" true"
	whole := false
	for in.Scan() {
		if whole = in.Text() == last; whole {
			break
		}
		if err := t.line(in.Text()); err != nil {
			return nil, err
		}
	}
	if err := in.Err(); err != nil {
		return nil, err
	}
	if !whole {
		return nil, errDamaged
	}
	return t, nil
}

func (t *Tree) line(s string) error {
	kind, rest, _ := strings.Cut(s, " ")
	if kind == "left" || kind == "hidden" {
		name, err := strconv.Unquote(rest)
		if kind == "left" {
			t.Filter.Left = append(t.Filter.Left, name)
		} else {
			t.Filter.Hidden = append(t.Filter.Hidden, name)
		}
		return err
	}
	e, err := parse(kind, rest)
	t.Entries[e.Path] = e
	return err
}

func parse(kind, rest string) (e Entry, err error) {
	switch kind {
	case "f":
	case "d":
		e.Type = fs.ModeDir
	case "l":
		e.Type = fs.ModeSymlink
	default:
		return e, errDamaged
	}
	var n [8]int64
	for i := range n {
		var word string
		word, rest, _ = strings.Cut(rest, " ")
		if n[i], err = strconv.ParseInt(word, 36, 64); err != nil {
			return e, errDamaged
		}
	}
	e.Stat = safefs.Stat{Type: e.Type, Perm: uint32(n[0]), UID: uint32(n[1]), GID: uint32(n[2]), Size: n[3],
		Modified: n[4], Changed: n[5], Ino: uint64(n[6]), Links: uint64(n[7])}
	for _, s := range []*string{&e.Path, &e.Link, &e.Object} {
		quoted, err := strconv.QuotedPrefix(rest)
		if err != nil {
			return e, errDamaged
		}
		if *s, err = strconv.Unquote(quoted); err != nil {
			return e, errDamaged
		}
		rest = strings.TrimPrefix(rest[len(quoted):], " ")
	}
	return e, nil
}
