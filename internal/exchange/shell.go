package exchange

import (
	"bytes"
	"fmt"
	"strings"
)

// encodeShell writes lines that any POSIX shell reads back exactly. A name
// with '-' or '.' is no shell variable.
func encodeShell(items []Item) ([]byte, error) {
	var out bytes.Buffer
	for _, it := range items {
		if !variable(string(it.Name)) {
			return nil, fmt.Errorf("%s is no name of a shell variable", it.Name)
		}
		if bytes.IndexByte(it.Value.Reveal(), 0) >= 0 {
			return nil, fmt.Errorf("%s has a NUL byte, which no shell can hold", it.Name)
		}
		value := strings.ReplaceAll(string(it.Value.Reveal()), "'", `'\''`)
		fmt.Fprintf(&out, "export %s='%s'\n", it.Name, value)
	}
	return out.Bytes(), nil
}

func variable(name string) bool {
	return name != "" && !strings.ContainsAny(name, "-.") && (name[0] < '0' || name[0] > '9')
}

// decodeShell reads assignments of literal words: quotes and backslashes as
// POSIX has them. Whatever a shell would expand or run is an error, since
// nothing is run here.
func decodeShell(b []byte) ([]Item, error) {
	s := shell{src: string(b), line: 1}
	var items []Item
	for s.skipBlank(); s.pos < len(s.src); s.skipBlank() {
		line := s.line
		name, ok := s.name()
		if name == "export" && !ok {
			continue
		}
		if !ok {
			return nil, fmt.Errorf("line %d: only lines such as export NAME='value' are read", line)
		}
		value, err := s.word()
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", line, name, err)
		}
		items = append(items, item(name, value))
	}
	return items, nil
}

type shell struct {
	src       string
	pos, line int
}

// skipBlank passes over white space, ';' and comments.
func (s *shell) skipBlank() {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == '\n':
			s.line++
		case c == '#':
			end := strings.IndexByte(s.src[s.pos:], '\n')
			if end < 0 {
				end = len(s.src) - s.pos
			}
			s.pos += end
			continue
		case c != ' ' && c != '\t' && c != ';' && c != '\r':
			return
		}
		s.pos++
	}
}

// name reads NAME=; false for a word without '='.
func (s *shell) name() (string, bool) {
	start := s.pos
	for s.pos < len(s.src) && (isName(s.src[s.pos])) {
		s.pos++
	}
	name := s.src[start:s.pos]
	if name != "" && s.pos < len(s.src) && s.src[s.pos] == '=' {
		s.pos++
		return name, true
	}
	if s.pos == start {
		s.pos++
	}
	return name, false
}

func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// word reads one shell word up to white space or ';'.
func (s *shell) word() (string, error) {
	var out strings.Builder
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch c {
		case ' ', '\t', '\n', '\r', ';':
			return out.String(), nil
		case '\'':
			if err := s.single(&out); err != nil {
				return "", err
			}
		case '"':
			if err := s.double(&out); err != nil {
				return "", err
			}
		case '\\':
			if s.pos+1 < len(s.src) && s.src[s.pos+1] != '\n' {
				out.WriteByte(s.src[s.pos+1])
			}
			s.pos += 2
		case '$', '`', '(', ')', '<', '>', '&', '|', '~', '*', '?', '[':
			return "", fmt.Errorf("a shell would expand %q here", c)
		default:
			out.WriteByte(c)
			s.pos++
		}
	}
	return out.String(), nil
}

func (s *shell) single(out *strings.Builder) error {
	end := strings.IndexByte(s.src[s.pos+1:], '\'')
	if end < 0 {
		return fmt.Errorf("a quote is not closed")
	}
	text := s.src[s.pos+1 : s.pos+1+end]
	out.WriteString(text)
	s.line += strings.Count(text, "\n")
	s.pos += end + 2
	return nil
}

func (s *shell) double(out *strings.Builder) error {
	for s.pos++; s.pos < len(s.src); s.pos++ {
		switch c := s.src[s.pos]; c {
		case '"':
			s.pos++
			return nil
		case '$', '`':
			return fmt.Errorf("a shell would expand %q here", c)
		case '\\':
			s.pos++
			if s.pos == len(s.src) {
				return fmt.Errorf("a quote is not closed")
			}
			if e := s.src[s.pos]; !strings.ContainsRune("$`\"\\\n", rune(e)) {
				out.WriteByte('\\')
			}
			if s.src[s.pos] != '\n' {
				out.WriteByte(s.src[s.pos])
			}
		default:
			if c == '\n' {
				s.line++
			}
			out.WriteByte(c)
		}
	}
	return fmt.Errorf("a quote is not closed")
}
