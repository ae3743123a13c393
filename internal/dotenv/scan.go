package dotenv

import (
	"bytes"
	"strings"
	"unicode"
)

// scanner walks over the original bytes, so that the spans it reports are
// true whatever the line ends are.
type scanner struct {
	b    []byte
	pos  int
	line int
	none [256]bool // quotes of which the rest of the file has no closing one
}

func isEnd(c byte) bool   { return c == '\n' || c == '\r' }
func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\v' || c == '\f' }

// isSpace is what JavaScript's trim takes away.
func isSpace(r rune) bool { return r == '\ufeff' || unicode.IsSpace(r) && r != '\u0085' }

func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '.' || c == '-'
}

func (s *scanner) blanks() {
	for s.pos < len(s.b) && isBlank(s.b[s.pos]) {
		s.pos++
	}
}

// nextLine goes to the start of the next line.
func (s *scanner) nextLine() {
	for s.pos < len(s.b) && !isEnd(s.b[s.pos]) {
		s.pos++
	}
	if s.pos < len(s.b) {
		if s.b[s.pos] == '\r' && s.pos+1 < len(s.b) && s.b[s.pos+1] == '\n' {
			s.pos++
		}
		s.pos++
		s.line++
	}
}

// assignment reads the one that starts on this line, if there is one, and
// leaves pos on the line that it ends on.
func (s *scanner) assignment() (Entry, bool) {
	s.blanks()
	name := s.name()
	if name == "export" && s.pos < len(s.b) && isBlank(s.b[s.pos]) {
		keep := s.pos
		s.blanks()
		if next := s.name(); next != "" {
			name = next
		} else {
			s.pos = keep
		}
	}
	if name == "" || !s.separator() {
		return Entry{}, false
	}
	e := Entry{Name: name, Line: s.line}
	s.value(&e)
	return e, true
}

func (s *scanner) name() string {
	start := s.pos
	for s.pos < len(s.b) && isName(s.b[s.pos]) {
		s.pos++
	}
	return string(s.b[start:s.pos])
}

// separator is "=" with blanks before it, or ":" with a blank after it.
func (s *scanner) separator() bool {
	if s.pos+1 < len(s.b) && s.b[s.pos] == ':' && isBlank(s.b[s.pos+1]) {
		s.pos += 2
		return true
	}
	s.blanks()
	if s.pos < len(s.b) && s.b[s.pos] == '=' {
		s.pos++
		return true
	}
	return false
}

func (s *scanner) value(e *Entry) {
	after := s.pos
	s.blanks()
	if s.pos < len(s.b) && strings.IndexByte("'\"`", s.b[s.pos]) >= 0 {
		if end := s.closing(s.pos); end > 0 {
			e.quote, e.Start, e.End = s.b[s.pos], s.pos, end
			s.line += lines(s.b[s.pos:end])
			s.pos = end
			return
		}
		e.Doubt = "its quote is not closed"
		if bytes.IndexByte(s.restOfLine()[1:], s.b[s.pos]) >= 0 {
			e.Doubt = "something follows its closing quote, so that the quotes are taken as part of it"
		}
	}
	s.bare(e, after)
}

func (s *scanner) restOfLine() []byte {
	end := s.pos
	for end < len(s.b) && !isEnd(s.b[end]) {
		end++
	}
	return s.b[s.pos:end]
}

// bare reads to the end of the line or to "#", blanks trimmed.
func (s *scanner) bare(e *Entry, after int) {
	end := s.pos
	for end < len(s.b) && !isEnd(s.b[end]) && s.b[end] != '#' {
		end++
	}
	raw := s.b[s.pos:end]
	left := len(raw) - len(bytes.TrimLeftFunc(raw, isSpace))
	raw = bytes.TrimFunc(raw, isSpace)
	if len(raw) > 0 && end < len(s.b) && s.b[end] == '#' && !isBlank(s.b[end-1]) {
		e.Doubt = "it ends at a '#' that some readers take as part of it"
	}
	e.Start, e.End = s.pos+left, s.pos+left+len(raw)
	if len(raw) == 0 {
		e.Start, e.End = after, after
	}
	s.pos = end
}

// closing returns the position after the quote that closes the one at start,
// or 0 when there is none, or when something other than a comment follows it.
func (s *scanner) closing(start int) int {
	q := s.b[start]
	for i := start + 1; i < len(s.b) && !s.none[q]; i++ {
		switch {
		case s.b[i] == '\\' && i+1 < len(s.b) && (s.b[i+1] == q || q == '"' && s.b[i+1] == '\\'):
			i++
		case s.b[i] == q:
			if s.onlyComment(i + 1) {
				return i + 1
			}
			return s.closingOnLine(start)
		}
	}
	s.none[q] = true // else a file of opening quotes takes quadratic time
	return s.closingOnLine(start)
}

// closingOnLine takes the quote at the very end of the line as the closing
// one, for values such as "C:\dir\".
func (s *scanner) closingOnLine(start int) int {
	end := start
	for end < len(s.b) && !isEnd(s.b[end]) {
		end++
	}
	end = start + len(bytes.TrimRightFunc(s.b[start:end], isSpace))
	in := s.b[start+1 : max(end-1, start+1)]
	if end-start < 2 || s.b[end-1] != s.b[start] || !bytes.HasSuffix(in, []byte(`\`)) {
		return 0
	}
	if bytes.IndexByte(bytes.ReplaceAll(in, []byte{'\\', s.b[start]}, nil), s.b[start]) >= 0 {
		return 0
	}
	return end
}

func (s *scanner) onlyComment(i int) bool {
	for i < len(s.b) && isBlank(s.b[i]) {
		i++
	}
	return i == len(s.b) || isEnd(s.b[i]) || s.b[i] == '#'
}
