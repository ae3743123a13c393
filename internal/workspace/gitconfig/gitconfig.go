// Package gitconfig reads git's configuration files with code of its own and
// decides which settings may pass between a host and a sandbox.
//
// It is not git: it never runs it, because a configuration names commands that
// git runs (core.fsmonitor, filters, hooks, credential helpers). Its invariant:
// what comes out of Inside holds no credential and nothing of the host's that
// is run, and what comes out of Merge cannot make the host run or send anything.
package gitconfig

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// Setting is one line: Section.Sub.Key = Value. Section and Key are lower
// case; Sub is as written, "" when there is none.
type Setting struct {
	Section, Sub, Key, Value string
}

// Name is the dotted name that git config takes.
func (s Setting) Name() string {
	if s.Sub == "" {
		return s.Section + "." + s.Key
	}
	return s.Section + "." + s.Sub + "." + s.Key
}

// Kind is the name without the middle: "remote..url" for remote.origin.url,
// "core.bare" for core.bare.
func (s Setting) Kind() string {
	if s.Sub == "" {
		return s.Section + "." + s.Key
	}
	return s.Section + ".." + s.Key
}

var errSyntax = errors.New("not a git configuration")

// Parse reads a file as git-config(1) describes it, without following include.
func Parse(b []byte) ([]Setting, error) {
	if bytes.IndexByte(b, 0) >= 0 {
		return nil, errSyntax
	}
	p := parser{b: bytes.TrimPrefix(b, []byte("\ufeff")), line: 1}
	for {
		p.space()
		c, ok := p.peek()
		if !ok {
			return p.out, nil
		}
		var err error
		switch {
		case c == '[':
			err = p.section()
		case c == '#' || c == ';':
			p.comment()
		case isLetter(c):
			err = p.setting()
		default:
			err = errSyntax
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", p.line, err)
		}
	}
}

type parser struct {
	b        []byte
	pos      int
	line     int
	sec, sub string
	out      []Setting
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isKey(c byte) bool    { return isLetter(c) || c >= '0' && c <= '9' || c == '-' }

// peek and next show CRLF as LF, as git does.
func (p *parser) peek() (byte, bool) {
	if p.pos >= len(p.b) {
		return 0, false
	}
	if p.b[p.pos] == '\r' && p.pos+1 < len(p.b) && p.b[p.pos+1] == '\n' {
		return '\n', true
	}
	return p.b[p.pos], true
}

func (p *parser) next() (byte, bool) {
	c, ok := p.peek()
	if ok {
		if p.b[p.pos] != c {
			p.pos++
		}
		p.pos++
		if c == '\n' {
			p.line++
		}
	}
	return c, ok
}

func (p *parser) space() {
	for {
		c, ok := p.peek()
		if !ok || c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return
		}
		p.next()
	}
}

func (p *parser) comment() {
	for {
		if c, ok := p.peek(); !ok || c == '\n' {
			return
		}
		p.next()
	}
}

func (p *parser) while(ok func(byte) bool) string {
	start := p.pos
	for p.pos < len(p.b) && ok(p.b[p.pos]) {
		p.pos++
	}
	return string(p.b[start:p.pos])
}

// section reads [name], [name "sub"] and the old [name.sub].
func (p *parser) section() error {
	p.next()
	name := p.while(func(c byte) bool { return isKey(c) || c == '.' })
	p.sec, p.sub = strings.ToLower(name), ""
	if i := strings.IndexByte(p.sec, '.'); i >= 0 {
		p.sec, p.sub = p.sec[:i], p.sec[i+1:]
	}
	blanks := p.while(func(c byte) bool { return c == ' ' || c == '\t' })
	c, _ := p.next()
	if c == '"' && blanks != "" && p.sub == "" {
		sub, err := p.quotedSub()
		if err != nil {
			return err
		}
		p.sub = sub
		c, _ = p.next()
	}
	if c != ']' || p.sec == "" {
		return errSyntax
	}
	return nil
}

func (p *parser) quotedSub() (string, error) {
	var sub []byte
	for {
		c, ok := p.next()
		if ok && c == '\\' {
			c, ok = p.next()
			if ok && c != '\n' {
				sub = append(sub, c)
				continue
			}
		}
		switch {
		case !ok || c == '\n':
			return "", errSyntax
		case c == '"':
			return string(sub), nil
		}
		sub = append(sub, c)
	}
}

func (p *parser) setting() error {
	if p.sec == "" {
		return errSyntax
	}
	s := Setting{Section: p.sec, Sub: p.sub, Key: strings.ToLower(p.while(isKey))}
	p.while(func(c byte) bool { return c == ' ' || c == '\t' })
	c, ok := p.peek()
	if !ok || c == '\n' || c == '#' || c == ';' { // "key" alone means true
		s.Value = "true"
		p.out = append(p.out, s)
		return nil
	}
	if c != '=' {
		return errSyntax
	}
	p.next()
	v, err := p.value()
	s.Value = v
	p.out = append(p.out, s)
	return err
}

// value reads to the end of the line: quotes, escapes, comments, continuation.
func (p *parser) value() (string, error) {
	var v []byte
	keep := 0 // blanks after this length are trailing
	quoted := false
	for {
		c, ok := p.next()
		switch {
		case !ok || c == '\n':
			if quoted {
				return "", errSyntax
			}
			return string(v[:keep]), nil
		case c == '"':
			quoted = !quoted
			keep = len(v)
			continue
		case !quoted && (c == '#' || c == ';'):
			p.comment()
			continue
		case !quoted && (c == ' ' || c == '\t'):
			if len(v) > 0 {
				v = append(v, c)
			}
			continue
		case c == '\\':
			e, err := p.escape()
			if err != nil {
				return "", err
			}
			v = append(v, e...)
		default:
			v = append(v, c)
		}
		keep = len(v)
	}
}

func (p *parser) escape() (string, error) {
	c, ok := p.next()
	switch {
	case !ok:
		return "", errSyntax
	case c == '\n':
		return "", nil
	case c == 'n':
		return "\n", nil
	case c == 't':
		return "\t", nil
	case c == 'b':
		return "\b", nil
	case c == '"' || c == '\\':
		return string(c), nil
	}
	return "", errSyntax
}

// Format writes settings as a file that git and Parse read back.
func Format(settings []Setting) []byte {
	var out []byte
	var sec, sub string
	for i, s := range settings {
		if i == 0 || s.Section != sec || s.Sub != sub {
			sec, sub = s.Section, s.Sub
			out = append(out, '[')
			out = append(out, sec...)
			if sub != "" {
				out = append(out, ' ')
				out = appendQuoted(out, sub, `\\`, "")
			}
			out = append(out, "]\n"...)
		}
		out = append(out, '\t')
		out = append(out, s.Key...)
		out = append(out, " = "...)
		out = appendQuoted(out, s.Value, `\\`, `\n`)
		out = append(out, '\n')
	}
	return out
}

func appendQuoted(out []byte, s, backslash, newline string) []byte {
	out = append(out, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"':
			out = append(out, `\"`...)
		case '\\':
			out = append(out, backslash...)
		case '\n':
			out = append(out, newline...)
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
