package scrub

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Form is a way in which a text may be written inside another.
type Form uint8

// The forms. A Form tells how to write something else in the same place.
const (
	Plain Form = iota
	JSON
	Query   // percent-escaped, as in a query or a form
	Path    // percent-escaped, as in a path segment
	HTML    // with character references
	Percent // every byte percent-escaped
	Hex
	Base64 // the part of a base64 text that depends on nothing else
)

// Written is one way to write a text, beside the same way to write its
// stand-in.
type Written struct {
	Form  Form
	Text  []byte
	Stand []byte
}

// Forms lists the ways in which secret may stand in a text, each once, the
// plain one first, with stand written the same way. Base64 forms have a stand
// of their own length, so that what follows in the same base64 text keeps its
// alignment.
func Forms(secret, stand []byte) []Written {
	var list []Written
	for _, e := range escapes {
		list = append(list, Written{e.form, e.write(secret), e.write(stand)})
	}
	list = append(list, base64Forms(secret, stand)...)
	seen, kept := map[string]bool{}, list[:0]
	for _, w := range list {
		if len(w.Text) >= MinPattern && !seen[string(w.Text)] {
			seen[string(w.Text)] = true
			kept = append(kept, w)
		}
	}
	return kept
}

// Write writes text in the given form, as a client would by itself. Base64 has
// no form that stands alone: it comes back plain.
func Write(form Form, text []byte) []byte {
	for _, e := range escapes {
		if e.form == form {
			return e.write(text)
		}
	}
	return text
}

type escape struct {
	form  Form
	write func([]byte) []byte
}

// escapes are the writers; the first of each form is the one Write uses. They
// follow what common encoders do: Go, JavaScript, Python, PHP.
var escapes = []escape{
	{Plain, func(b []byte) []byte { return b }},
	{JSON, func(b []byte) []byte { return jsonEscape(b, "", false) }},
	{JSON, func(b []byte) []byte { return jsonEscape(b, "<>&", false) }},
	{JSON, func(b []byte) []byte { return jsonEscape(b, "", true) }},
	{JSON, func(b []byte) []byte { return jsonEscape(b, "/", true) }},
	{JSON, func(b []byte) []byte { return jsonEscape(b, "/", false) }},
	{Query, func(b []byte) []byte { return []byte(url.QueryEscape(string(b))) }},
	{Query, func(b []byte) []byte { return percent(b, "-_.!~*'()", upper) }}, // encodeURIComponent
	{Query, func(b []byte) []byte { return percent(b, "-_.~", upper) }},
	{Query, func(b []byte) []byte { return percent(b, "-_.~/", upper) }}, // Python's quote
	{Query, func(b []byte) []byte { return percent(b, "-_.~", lower) }},
	{Query, func(b []byte) []byte { return []byte(strings.ReplaceAll(string(percent(b, "-_.~ ", lower)), " ", "+")) }},
	{Path, func(b []byte) []byte { return []byte(url.PathEscape(string(b))) }},
	{Path, func(b []byte) []byte { return percent(b, "-_.~!$&'()*+,;=:@", upper) }},
	{HTML, func(b []byte) []byte { return []byte(html.EscapeString(string(b))) }},
	{HTML, func(b []byte) []byte { return htmlHex(b) }},
	{Percent, func(b []byte) []byte { return percent(b, none, upper) }},
	{Percent, func(b []byte) []byte { return percent(b, none, lower) }},
	{Hex, func(b []byte) []byte { return []byte(hex.EncodeToString(b)) }},
	{Hex, func(b []byte) []byte { return []byte(strings.ToUpper(hex.EncodeToString(b))) }},
}

// htmlHex is html.EscapeString with the references that Python and Java write.
func htmlHex(b []byte) []byte {
	s := html.EscapeString(string(b))
	s = strings.ReplaceAll(s, "&#39;", "&#x27;")
	return []byte(strings.ReplaceAll(s, "&#34;", "&quot;"))
}

const (
	upper = "0123456789ABCDEF"
	lower = "0123456789abcdef"
	none  = "\x00" // as the list of safe characters: not even letters are
)

// percent escapes all but letters, digits and the safe characters.
func percent(b []byte, safe, digits string) []byte {
	out := make([]byte, 0, len(b)+8)
	for _, c := range b {
		alnum := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if safe != none && (alnum || strings.IndexByte(safe, c) >= 0) {
			out = append(out, c)
		} else {
			out = append(out, '%', digits[c>>4], digits[c&15])
		}
	}
	return out
}

// jsonEscape writes the inside of a JSON string (RFC 8259, section 7): also
// escapes the characters in extra, '/' as "\/" and others as \u00xx, and with
// ascii everything beyond ASCII.
func jsonEscape(b []byte, extra string, ascii bool) []byte {
	out := make([]byte, 0, len(b)+8)
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		switch short := strings.IndexByte("\"\\\b\f\n\r\t", b[0]); {
		case short >= 0:
			out = append(out, '\\', "\"\\bfnrt"[short])
		case b[0] == '/' && strings.Contains(extra, "/"):
			out = append(out, '\\', '/')
		case b[0] < 0x20 || strings.IndexByte(extra, b[0]) >= 0:
			out = unicodeEscape(out, rune(b[0]))
		case size > 1 && ascii:
			out = unicodeEscape(out, r)
		default:
			out = append(out, b[:size]...)
		}
		b = b[size:]
	}
	return out
}

func unicodeEscape(out []byte, r rune) []byte {
	if hi, lo := utf16.EncodeRune(r); r > 0xffff {
		return unicodeEscape(unicodeEscape(out, hi), lo)
	}
	return append(out, '\\', 'u', lower[r>>12&15], lower[r>>8&15], lower[r>>4&15], lower[r&15])
}

// base64Forms lists the interior of every base64 text in which secret may
// stand: three alignments, two alphabets. The characters at either end that
// also carry bits of a neighbour are left out.
func base64Forms(secret, stand []byte) []Written {
	stand = Fit(stand, len(secret))
	var list []Written
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			list = append(list, Written{Base64, interior(enc, secret, before), interior(enc, stand, before)})
		}
	}
	return list
}

func interior(enc *base64.Encoding, text []byte, before int) []byte {
	padded := append(make([]byte, before), text...)
	out := make([]byte, enc.EncodedLen(len(padded)))
	enc.Encode(out, padded)
	from := (before*8 + 5) / 6
	to := len(padded) * 8 / 6
	return out[from:max(from, to)]
}

// Fit cuts or repeats stand to n bytes; an empty stand becomes asterisks.
func Fit(stand []byte, n int) []byte {
	if len(stand) == 0 {
		stand = []byte("*")
	}
	if len(stand) >= n {
		return stand[:n]
	}
	return bytes.Repeat(stand, n/len(stand)+1)[:n]
}
