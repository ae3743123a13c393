package sops

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Selector says which values of a file are encrypted. At most one field is
// set; with none it is UnencryptedSuffix "_unencrypted".
type Selector struct {
	UnencryptedSuffix, EncryptedSuffix             string // of any name on the way to the value
	UnencryptedRegex, EncryptedRegex               string // of any name on the way to the value
	UnencryptedCommentRegex, EncryptedCommentRegex string // of a comment above it, or above what it is in
}

const defaultSuffix = "_unencrypted"

// fields in the order of their names in a file.
func (s *Selector) fields() []struct {
	name string
	to   *string
} {
	return []struct {
		name string
		to   *string
	}{
		{"encrypted_comment_regex", &s.EncryptedCommentRegex}, {"encrypted_regex", &s.EncryptedRegex},
		{"encrypted_suffix", &s.EncryptedSuffix}, {"unencrypted_comment_regex", &s.UnencryptedCommentRegex},
		{"unencrypted_regex", &s.UnencryptedRegex}, {"unencrypted_suffix", &s.UnencryptedSuffix},
	}
}

// chooser is a Selector made ready.
type chooser struct {
	name, comment func(string) bool // nil: does not count
	chosen        bool              // what a match means
}

func (s Selector) ready() (*chooser, error) {
	var set []string
	for _, f := range s.fields() {
		if *f.to != "" {
			set = append(set, f.name)
		}
	}
	if len(set) > 1 {
		return nil, fmt.Errorf("%s cannot be used together", strings.Join(set, " and "))
	}
	if len(set) == 0 {
		s.UnencryptedSuffix = defaultSuffix
	}
	c := &chooser{chosen: s.EncryptedSuffix+s.EncryptedRegex+s.EncryptedCommentRegex != ""}
	if suffix := s.UnencryptedSuffix + s.EncryptedSuffix; suffix != "" {
		c.name = func(n string) bool { return strings.HasSuffix(n, suffix) }
		return c, nil
	}
	re, err := regexp.Compile(s.UnencryptedRegex + s.EncryptedRegex + s.UnencryptedCommentRegex + s.EncryptedCommentRegex)
	if err != nil {
		return nil, fmt.Errorf("%s is no regular expression", set[0])
	}
	if s.UnencryptedCommentRegex+s.EncryptedCommentRegex != "" {
		c.comment = re.MatchString
	} else {
		c.name = re.MatchString
	}
	return c, nil
}

var errShown = errors.New("a comment that is encrypted matches unencrypted_comment_regex by chance; encrypt once more")

// secret says whether the value is encrypted that stands at path with those
// comments above it, per level. A comment does not choose itself for
// encryption, only what follows it.
func (c *chooser) secret(path []string, above [][]string, isComment bool) bool {
	if c.name != nil {
		for _, p := range path {
			if c.name(p) {
				return c.chosen
			}
		}
		return !c.chosen
	}
	for i, level := range above {
		for j, text := range level {
			itself := isComment && i == len(above)-1 && j == len(level)-1
			if !(itself && c.chosen) && c.comment(text) {
				return c.chosen
			}
		}
	}
	return !c.chosen
}
