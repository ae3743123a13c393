package trigger

import (
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Git is a repository below the root: its settings name commands, so what of
// them does is judged by content, see package gitconfig.
const Git = ".git"

// Of finds the control that a name is, in whatever directory and whatever
// spelling a file system would take for it.
func Of(name string) (Control, bool) {
	if !plausible(name) {
		return Control{}, false
	}
	c, ok := byName()[Fold(name)]
	return c, ok
}

var byName = sync.OnceValue(func() map[string]Control {
	m := make(map[string]Control, len(Controls))
	for _, c := range Controls {
		m[c.Name] = c
	}
	return m
})

// plausible spares nearly every name the look-up: all controls begin with a
// dot or one of these letters.
func plausible(name string) bool {
	return name != "" && (name[0] == '.' || name[0] >= utf8.RuneSelf || strings.IndexByte("bclmoBCLMO", name[0]) >= 0)
}

// full are the letters whose full case folding is longer than they are and
// plain ASCII (Unicode, CaseFolding.txt, status F).
var full = map[rune]string{'ß': "ss", 'ẞ': "ss", 'ﬀ': "ff", 'ﬁ': "fi", 'ﬂ': "fl", 'ﬃ': "ffi", 'ﬄ': "ffl", 'ﬅ': "st", 'ﬆ': "st"}

// Fold is the name as the most forgiving file system compares it: ext4 and
// f2fs leave out what Unicode calls ignorable and fold case fully, so that
// ".g<U+200C>it" and ".vſcode" open what ".git" and ".vscode" do. What would
// become no ASCII letter need not be exact: no control has one.
func Fold(name string) string {
	plain := true
	for i := 0; plain && i < len(name); i++ {
		plain = name[i] < utf8.RuneSelf && (name[i] < 'A' || name[i] > 'Z')
	}
	if plain {
		return name
	}
	var b strings.Builder
	for _, r := range name {
		switch {
		case r < utf8.RuneSelf:
			b.WriteRune(unicode.ToLower(r))
		case ignorable(r):
		case full[r] != "":
			b.WriteString(full[r])
		default:
			b.WriteRune(simple(r))
		}
	}
	return b.String()
}

func ignorable(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector, unicode.Cf)
}

// simple is the least letter that differs from r by case only: for ſ and the
// Kelvin sign that is an ASCII one.
func simple(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	return unicode.ToLower(least)
}
