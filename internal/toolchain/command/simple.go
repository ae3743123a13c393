// Package command reads commands: which program a wrapper such as env or npx
// would start, and which simple commands a line of shell text is made of.
//
// It is no shell: it runs nothing, opens nothing and expands next to nothing.
// Its invariant: the work is bounded by the length of the text, whatever the
// text says.
package command

import "strings"

// maxCommands bounds what is taken from one command line.
const maxCommands = 200

// splitter cuts a shell command line into simple commands. It follows the
// grammar of POSIX.1-2024, 2.10 as far as finding the first words of commands
// needs: it expands nothing but plain assignments before it.
type splitter struct {
	in     string
	at     int
	word   strings.Builder
	begun  bool // a word has begun, maybe an empty one
	quoted bool // a part of it was quoted: no reserved word
	cmd    []string
	out    [][]string
	vars   map[string]string
	params []string
	drop   bool // the next word is the target of a redirection
	here   []string
	cases  int // of case … esac
	label  bool
	nested []string // texts of $( ) and ` ` in quotes
}

const (
	maxNested = 8       // $( ) within one another
	maxValue  = 4 << 10 // bytes of a variable: A=$A$A grows fast
	maxWords  = 1 << 10 // of a command, where "$@" adds many
)

// Simple gives the commands of text, without reserved words, redirections and
// leading assignments; params are $0, $1 and so on.
func Simple(text string, params []string) [][]string { return simple(text, params, 0) }

func simple(text string, params []string, depth int) [][]string {
	s := &splitter{in: text, vars: map[string]string{}, params: params}
	for s.at < len(s.in) && len(s.out) < maxCommands {
		s.step()
	}
	s.end()
	for _, t := range s.nested {
		if len(s.out) < maxCommands && depth < maxNested {
			s.out = append(s.out, simple(t, params, depth+1)...)
		}
	}
	return s.out
}

func (s *splitter) peek(prefix string) bool { return strings.HasPrefix(s.in[s.at:], prefix) }

// step reads one character or operator.
func (s *splitter) step() {
	c := s.in[s.at]
	s.at++
	switch c {
	case ' ', '\t', '\r':
		s.endWord()
	case '\n':
		s.end()
		s.skipHere()
	case '\\':
		if s.at < len(s.in) && s.in[s.at] != '\n' {
			s.put(s.in[s.at])
			s.quoted = true
		}
		s.at++
	case '\'':
		s.single()
	case '"':
		s.double()
	case '`', ';', '&', '|':
		s.operator(c)
	case '(', ')':
		s.paren(c)
	case '<', '>':
		s.redirect(c)
	case '#':
		if s.begun {
			s.put(c)
			return
		}
		s.line()
	case '$':
		s.dollar()
	default:
		s.put(c)
	}
}

func (s *splitter) put(c byte) {
	s.word.WriteByte(c)
	s.begun = true
}

// line reads to the end of the line and gives it.
func (s *splitter) line() string {
	rest := s.in[s.at:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		rest = rest[:i]
	}
	s.at += len(rest)
	return rest
}

// until reads to the next stop and past it.
func (s *splitter) until(stop byte) string {
	rest := s.in[s.at:]
	i := strings.IndexByte(rest, stop)
	if i < 0 {
		s.at = len(s.in)
		return rest
	}
	s.at += i + 1
	return rest[:i]
}

func (s *splitter) single() {
	s.word.WriteString(s.until('\''))
	s.begun, s.quoted = true, true
}

func (s *splitter) double() {
	s.begun, s.quoted = true, true
	for s.at < len(s.in) {
		c := s.in[s.at]
		s.at++
		switch {
		case c == '"':
			return
		case c == '\\' && s.at < len(s.in):
			s.word.WriteByte(s.in[s.at])
			s.at++
		case c == '`':
			s.nested = append(s.nested, s.until('`'))
		case c == '$' && s.peek("("):
			s.nested = append(s.nested, s.balanced())
		case c == '$':
			s.dollar()
		default:
			s.word.WriteByte(c)
		}
	}
}

// balanced reads ( … ) without its parentheses.
func (s *splitter) balanced() string {
	start, depth := s.at, 0
	for ; s.at < len(s.in); s.at++ {
		switch s.in[s.at] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				s.at++
				return s.in[start+1 : s.at-1]
			}
		}
	}
	return s.in[min(start+1, len(s.in)):]
}

// dollar expands $NAME and ${NAME} where the value is known.
func (s *splitter) dollar() {
	switch {
	case s.peek("(("):
		s.balanced()
		s.begun = true
		return
	case s.peek("("):
		s.nested = append(s.nested, s.balanced())
		s.begun = true
		return
	case s.peek("'"), s.peek(`"`):
		return
	}
	var name string
	if s.peek("{") {
		s.at++
		name = s.until('}')
	} else {
		n := 0
		for n < len(s.in)-s.at && nameByte(s.in[s.at+n], n) {
			n++
		}
		if n == 0 && s.at < len(s.in) && strings.IndexByte("@*0123456789", s.in[s.at]) >= 0 {
			n = 1
		}
		name = s.in[s.at : s.at+n]
		s.at += n
	}
	s.begun = true
	s.word.WriteString(s.value(name))
}

func (s *splitter) value(name string) string {
	if v, ok := s.vars[name]; ok && s.word.Len() < maxValue {
		return v
	}
	if len(name) == 1 && name[0] >= '0' && name[0] <= '9' && int(name[0]-'0') < len(s.params) {
		return s.params[name[0]-'0']
	}
	return "$" + name
}

func (s *splitter) operator(c byte) {
	if c == '&' && s.peek(">") {
		s.endWord()
		return
	}
	s.end()
	if c == ';' && s.peek(";") && s.cases > 0 {
		s.label = true
	}
}

// paren begins or ends a subshell; a ) that nothing opened ends the label of
// a case, and a ( behind a word belongs to a function or an array.
func (s *splitter) paren(c byte) {
	if c == '(' && (s.begun || len(s.cmd) > 0) {
		if strings.HasSuffix(s.word.String(), "=") {
			s.at--
			s.balanced()
			return
		}
		s.forget()
		s.until(')')
		return
	}
	if c == ')' && s.label {
		s.forget()
		s.label = false
		return
	}
	s.end()
}

// forget drops the command so far.
func (s *splitter) forget() {
	s.word.Reset()
	s.begun, s.quoted, s.cmd = false, false, nil
}

func (s *splitter) redirect(c byte) {
	if w := s.word.String(); w != "" && strings.Trim(w, "0123456789") == "" {
		s.word.Reset()
		s.begun = false
	}
	s.endWord()
	if s.peek("(") { // <( … ): a command of its own
		s.nested = append(s.nested, s.balanced())
		return
	}
	if c == '<' && s.peek("<<") {
		s.at += 2
	} else if c == '<' && s.peek("<") {
		s.at++
		s.heredoc()
		return
	}
	for s.at < len(s.in) && strings.IndexByte(">&|", s.in[s.at]) >= 0 {
		s.at++
	}
	s.drop = true
}

// heredoc notes the word that ends a here-document.
func (s *splitter) heredoc() {
	if s.peek("-") {
		s.at++
	}
	for s.peek(" ") {
		s.at++
	}
	start := s.at
	for s.at < len(s.in) && strings.IndexByte(" \t\n;|&<>)", s.in[s.at]) < 0 {
		s.at++
	}
	s.here = append(s.here, strings.Trim(s.in[start:s.at], `'"\`))
}

// skipHere passes over the here-documents that begin after this line.
func (s *splitter) skipHere() {
	for _, stop := range s.here {
		for s.at < len(s.in) {
			l := s.line()
			s.at++
			if strings.TrimLeft(l, "\t") == stop {
				break
			}
		}
	}
	s.here = nil
}

// reserved are words that a command can follow.
const reserved = "! { } if then elif else fi while until do done time"

func (s *splitter) endWord() {
	if !s.begun {
		return
	}
	w, quoted := s.word.String(), s.quoted
	s.word.Reset()
	s.begun, s.quoted = false, false
	switch {
	case s.drop:
		s.drop = false
	case w == "$@" || w == "$*":
		if len(s.cmd)+len(s.params) < maxWords {
			s.cmd = append(s.cmd, s.params[min(1, len(s.params)):]...)
		}
	case len(s.cmd) > 0:
		s.cmd = append(s.cmd, w)
		if w == "in" && s.cmd[0] == "case" && len(s.cmd) == 3 {
			s.cmd, s.label = nil, true
		}
	case s.label && w == "esac", !quoted && w == "esac":
		s.cases, s.label = max(0, s.cases-1), false
	case !quoted && has(reserved, w):
	case !quoted && w == "case":
		s.cases++
		s.cmd = []string{w}
	default:
		s.first(w)
	}
}

// first takes the first word of a command, or an assignment before it.
func (s *splitter) first(w string) {
	if name, v, ok := strings.Cut(w, "="); ok && isName(name) {
		if len(v) <= maxValue {
			s.vars[name] = v
		}
		return
	}
	if f := strings.Fields(w); strings.Contains(w, " ") && len(f) > 0 && s.isValue(w) {
		s.cmd = append(s.cmd, f...) // CMD="claude -p"; $CMD
		return
	}
	s.cmd = append(s.cmd, w)
}

func (s *splitter) isValue(w string) bool {
	for _, v := range s.vars {
		if v == w {
			return true
		}
	}
	return false
}

func (s *splitter) end() {
	s.endWord()
	s.drop = false
	if len(s.cmd) > 0 && !s.label {
		s.out = append(s.out, s.cmd)
	}
	s.cmd = nil
}
