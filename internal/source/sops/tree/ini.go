package tree

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// The ini that sops reads and writes: sections, "name = value" with names
// padded to one width, values in backticks or """ where they need it, and the
// comment above a name after the name's item. What stands before the first
// section is in one called DEFAULT.

// DefaultSection is what an ini file begins with.
const DefaultSection = "DEFAULT"

// iniReader goes through the lines of a file.
type iniReader struct {
	rest    string
	line    int
	comment strings.Builder // what was read since the last name or section
}

func loadINI(b []byte) ([]Branch, error) {
	if bytes.HasPrefix(b, []byte{0xff, 0xfe}) || bytes.HasPrefix(b, []byte{0xfe, 0xff}) {
		return nil, errors.New("it is UTF-16")
	}
	r := &iniReader{rest: strings.TrimPrefix(string(b), "\ufeff")}
	doc := Branch{{DefaultSection, Branch{}}}
	section := &iniSection{at: map[string]int{}}
	keep := func() { doc[len(doc)-1].Value = section.items() }
	for r.rest != "" {
		line := strings.TrimLeftFunc(r.next(), unicode.IsSpace)
		switch {
		case line == "":
		case line[0] == '#', line[0] == ';':
			r.comment.WriteString(line)
		case line[0] == '[':
			end := strings.LastIndexByte(line, ']')
			if end < 2 {
				return nil, fmt.Errorf("line %d: a section looks like [name]", r.line)
			}
			r.note(line[end+1:])
			keep()
			doc = append(doc, Item{Key: line[1:end]})
			section = &iniSection{comment: r.takeComment(), at: map[string]int{}}
		default:
			if err := r.assignment(line, section); err != nil {
				return nil, fmt.Errorf("line %d: %w", r.line, err)
			}
		}
	}
	keep()
	return []Branch{doc}, nil
}

// iniSection collects names; of several the last value counts, in the first's place.
type iniSection struct {
	comment string
	names   []iniName
	at      map[string]int
}

type iniName struct{ name, value, comment string }

func (s *iniSection) put(n iniName) {
	if i, ok := s.at[n.name]; ok {
		s.names[i] = n
		return
	}
	s.at[n.name] = len(s.names)
	s.names = append(s.names, n)
}

func (s *iniSection) items() Branch {
	out := Branch{}
	if s.comment != "" {
		out = append(out, Item{Key: Comment{Text: bare(s.comment)}})
	}
	for _, n := range s.names {
		out = append(out, Item{n.name, n.value})
		if n.comment != "" {
			out = append(out, Item{Key: Comment{Text: bare(n.comment)}})
		}
	}
	return out
}

// bare takes the mark before a comment away.
func bare(c string) string {
	if strings.HasPrefix(c, ";") {
		return strings.TrimLeft(c, "; ")
	}
	if strings.HasPrefix(c, "#") {
		return strings.TrimLeft(c, "# ")
	}
	return c
}

// next returns a line with its end.
func (r *iniReader) next() string {
	r.line++
	end := strings.IndexByte(r.rest, '\n') + 1
	if end == 0 {
		end = len(r.rest)
	}
	line := r.rest[:end]
	r.rest = r.rest[end:]
	return line
}

func (r *iniReader) note(s string) {
	if i := strings.IndexAny(s, "#;"); i >= 0 {
		r.comment.WriteString(s[i:])
	}
}

func (r *iniReader) takeComment() string {
	c := strings.TrimSpace(r.comment.String())
	r.comment.Reset()
	return c
}

func (r *iniReader) assignment(line string, to *iniSection) error {
	name, rest, err := iniKey(line)
	if err != nil {
		return err
	}
	value, err := r.value(rest)
	if err != nil {
		return err
	}
	to.put(iniName{name, value, r.takeComment()})
	return nil
}

var errName = errors.New("name = value is expected")

// iniKey reads the name, which may be in quotes, up to '=' or ':'.
func iniKey(line string) (name, rest string, err error) {
	quote := ""
	switch {
	case strings.HasPrefix(line, `"""`) && len(line) > 6:
		quote = `"""`
	case line[0] == '"' || line[0] == '`':
		quote = line[:1]
	}
	if quote != "" {
		inner, after, closed := strings.Cut(line[len(quote):], quote)
		i := strings.IndexAny(after, "=:")
		if !closed || i < 0 {
			return "", "", errName
		}
		name, rest = inner, after[i+1:]
	} else {
		i := strings.IndexAny(line, "=:")
		if i < 1 {
			return "", "", errName
		}
		name, rest = line[:i], line[i+1:]
	}
	if name = strings.TrimSpace(name); name == "" || name == "-" {
		return "", "", errName
	}
	return name, rest, nil
}

func (r *iniReader) value(in string) (string, error) {
	line := strings.TrimLeftFunc(in, unicode.IsSpace)
	quote := ""
	switch {
	case line == "":
		return "", nil
	case len(line) > 3 && strings.HasPrefix(line, `"""`):
		quote = `"""`
	case line[0] == '`':
		quote = "`"
	}
	if quote != "" {
		inner := line[len(quote):]
		if end := strings.LastIndex(inner, quote); end >= 0 {
			return inner[:end], nil
		}
		return r.lines(inner, quote)
	}
	line = strings.TrimSpace(line)
	if strings.HasSuffix(line, `\`) {
		return r.continued(line[:len(line)-1]), nil
	}
	if i := strings.IndexAny(line, "#;"); i >= 0 {
		r.comment.WriteString(line[i:])
		line = strings.TrimSpace(line[:i])
	}
	if n := len(line); n >= 2 && (line[0] == '\'' || line[0] == '"') && strings.IndexByte(line[1:], line[0]) == n-2 {
		line = line[1 : n-1]
	}
	return line, nil
}

// lines reads on to the line with the closing quote.
func (r *iniReader) lines(value, quote string) (string, error) {
	var out strings.Builder
	out.WriteString(value)
	for r.rest != "" {
		next := r.next()
		end := strings.LastIndex(next, quote)
		if end < 0 || strings.HasSuffix(strings.TrimSpace(next[end+len(quote):]), `\`) {
			out.WriteString(next)
			continue
		}
		out.WriteString(next[:end])
		r.note(strings.TrimSpace(next[end:]))
		return out.String(), nil
	}
	return "", errors.New("a quote is not closed")
}

// continued joins lines that end in a backslash.
func (r *iniReader) continued(value string) string {
	var out strings.Builder
	out.WriteString(value)
	for r.rest != "" {
		next := strings.TrimSpace(r.next())
		more, on := strings.CutSuffix(next, `\`)
		out.WriteString(more)
		if !on {
			break
		}
	}
	return out.String()
}
