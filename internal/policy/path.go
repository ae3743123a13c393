package policy

import (
	"errors"
	"strings"
)

// MaxPath is the longest path that is judged, in bytes as sent.
const MaxPath = 32 << 10

// Errors of CanonicalPath. They never quote the path, which may hold a secret.
var (
	errPathForm    = errors.New("path does not begin with '/'")
	errPathLong    = errors.New("path is too long")
	errPathEscape  = errors.New("path has a broken percent escape")
	errPathControl = errors.New("path holds a control byte")
	errPathChar    = errors.New("path holds '\\', '#' or '?'")
	errPathDots    = errors.New("path holds a '.' or '..' segment")
)

// CanonicalPath brings the path of a request, without its query, into the one
// form that is judged and forwarded. Unreserved characters are unescaped,
// other escapes are upper-case, bytes that do not belong in a URL are escaped
// (RFC 3986, section 6.2.2).
//
// Dot segments are not resolved but refused, also where they hide behind
// escapes (once or many times over), behind an escaped slash or backslash, or
// before a path parameter ("..;x"), because servers disagree about each of
// them. An escaped slash itself stays: package registries need /@scope%2Fname.
// It never counts as a segment border in a decision. CanonicalPath of its own
// result is that result.
func CanonicalPath(raw string) (string, error) {
	if raw == "" {
		return "/", nil
	}
	if raw[0] != '/' {
		return "", errPathForm
	}
	if len(raw) > MaxPath {
		return "", errPathLong
	}
	if plain(raw) {
		return raw, nil
	}
	path, err := rewrite(raw)
	if err != nil {
		return "", err
	}
	return path, checkHidden(path)
}

// plain is the fast way for paths that are canonical as they stand and hold no
// dot at a segment's start: nearly all of them.
func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c == '.' && s[i-1] == '/' || c != '/' && !unreserved(c) {
			return false
		}
	}
	return true
}

// rewrite normalises the escapes and refuses the bytes that never pass.
func rewrite(raw string) (string, error) {
	var b strings.Builder
	b.Grow(len(raw))
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '%':
			d, ok := unhex2(raw[i+1:])
			if !ok {
				return "", errPathEscape
			}
			i += 2
			if unreserved(d) {
				b.WriteByte(d)
			} else {
				escape(&b, d)
			}
		case c < 0x20 || c == 0x7f:
			return "", errPathControl
		case c == '\\' || c == '#' || c == '?':
			return "", errPathChar
		case unreserved(c) || c == '/' || strings.IndexByte("!$&'()*+,;=:@", c) >= 0:
			b.WriteByte(c)
		default:
			escape(&b, c)
		}
	}
	return b.String(), nil
}

// checkHidden decodes the path over and over until nothing is left to decode,
// and looks at each reading for control bytes and dot segments. Each round
// shortens the text, and a text of n bytes can be wrapped at most n/2 times:
// rounds are capped all the same.
func checkHidden(path string) error {
	for range 8 {
		if err := checkSegments(path); err != nil {
			return err
		}
		decoded := decodeOnce(path)
		if decoded == path {
			return nil
		}
		path = decoded
	}
	return errPathEscape
}

func checkSegments(path string) error {
	for i := range len(path) {
		c := path[i]
		if c < 0x20 || c == 0x7f || c == 0xc0 || c == 0xc1 { // C0 and C1 only begin overlong UTF-8: %C0%AE was a dot once
			return errPathControl
		}
	}
	for seg := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		name, _, _ := strings.Cut(seg, ";")
		if name == "." || name == ".." {
			return errPathDots
		}
	}
	return nil
}

// decodeOnce decodes every sound escape and keeps the rest.
func decodeOnce(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' {
			if d, ok := unhex2(s[i+1:]); ok {
				b = append(b, d)
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

func escape(b *strings.Builder, c byte) {
	const digits = "0123456789ABCDEF"
	b.WriteByte('%')
	b.WriteByte(digits[c>>4])
	b.WriteByte(digits[c&15])
}

func unhex2(s string) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	hi, ok1 := unhex(s[0])
	lo, ok2 := unhex(s[1])
	return hi<<4 | lo, ok1 && ok2
}

func unhex(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
