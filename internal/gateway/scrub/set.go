// Package scrub finds any of many byte strings in a text that comes in pieces,
// and swaps them.
//
// It knows nothing of HTTP and keeps no text longer than it must. Its
// invariant: what comes out does not depend on how the text was cut into
// pieces. At each place, from left to right, the longest pattern wins, and a
// byte is released only when it is known not to belong to a match; so memory
// is bounded by the longest pattern, and a text without any of the patterns'
// beginnings at its end is released whole and at once.
package scrub

import "bytes"

// block is how many bytes index the shift table. Three keep the table small
// enough for the cache and rare enough in ordinary text.
const block = 3

// MinPattern is the shortest pattern a Set accepts.
const MinPattern = 2 * block

// Set is a compiled list of patterns (Wu and Manber, "A fast algorithm for
// multi-pattern searching", 1994). It is immutable and safe for concurrent use.
// A nil Set matches nothing.
type Set struct {
	patterns [][]byte
	window   int // length of the shortest pattern
	longest  int
	shift    []uint8          // by hash of a block: how far the window may move
	ends     map[uint16][]int // by hash of the window's last block: patterns
	begins   map[uint16][]int // by a pattern's first two bytes: patterns
	first    [256]bool        // bytes that begin a pattern
}

// Compile builds the tables. It returns nil for an empty list, and panics when a
// pattern is shorter than MinPattern: callers decide what is worth searching.
func Compile(patterns [][]byte) *Set {
	if len(patterns) == 0 {
		return nil
	}
	s := &Set{patterns: patterns, window: 255, ends: map[uint16][]int{}, begins: map[uint16][]int{}}
	for _, p := range patterns {
		if len(p) < MinPattern {
			panic("scrub: pattern too short")
		}
		s.window = min(s.window, len(p))
		s.longest = max(s.longest, len(p))
	}
	s.shift = bytes.Repeat([]byte{uint8(s.window - block + 1)}, 1<<16)
	for i, p := range patterns {
		s.add(i, p)
	}
	return s
}

func (s *Set) add(i int, p []byte) {
	for j := 0; j+block <= s.window; j++ {
		h := hash(p[j:])
		s.shift[h] = min(s.shift[h], uint8(s.window-block-j))
	}
	last := hash(p[s.window-block:])
	s.ends[last] = append(s.ends[last], i)
	two := uint16(p[0])<<8 | uint16(p[1])
	s.begins[two] = append(s.begins[two], i)
	s.first[p[0]] = true
}

func hash(b []byte) uint16 {
	_ = b[2]
	x := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16
	return uint16(x * 0x9E3779B1 >> 16)
}

// Find reports the leftmost match in a text that is complete: the pattern's
// index and where it begins, or -1.
func (s *Set) Find(text []byte) (pattern, start int) {
	if s == nil || len(text) < s.window {
		return -1, 0
	}
	pattern, start = s.find(text, 0, true)
	return pattern, start
}

// find looks for the leftmost match that begins at from or later. Without one
// it returns -1 and the place from which bytes must be kept because a pattern
// may have begun there, which is len(text) when there is no such place or when
// final says that nothing follows.
func (s *Set) find(text []byte, from int, final bool) (pattern, start int) {
	shift, end := s.shift, len(text)-block
	for i := from + s.window - block; i <= end; {
		h := hash(text[i : i+block])
		if n := shift[h]; n > 0 {
			i += int(n)
			continue
		}
		at := i - s.window + block
		switch p, partial := s.longestAt(s.ends[h], text[at:]); {
		case partial && !final:
			return -1, at
		case p >= 0:
			return p, at
		}
		i++
	}
	if final {
		return -1, len(text)
	}
	return -1, s.tail(text, max(from, len(text)-s.window+1))
}

// longestAt tries candidates where text begins. partial says that a pattern
// longer than the text agrees with all of it.
func (s *Set) longestAt(candidates []int, text []byte) (best int, partial bool) {
	best = -1
	for _, c := range candidates {
		p := s.patterns[c]
		if len(p) > len(text) {
			partial = partial || bytes.HasPrefix(p, text)
			continue
		}
		if (best < 0 || len(p) > len(s.patterns[best])) && bytes.HasPrefix(text, p) {
			best = c
		}
	}
	return best, partial
}

// tail finds the first place in text, at from or later, at which a pattern may
// have begun. The rest from there is shorter than every pattern.
func (s *Set) tail(text []byte, from int) int {
	for at := from; at < len(text); at++ {
		if !s.first[text[at]] {
			continue
		}
		if at == len(text)-1 {
			return at
		}
		if _, partial := s.longestAt(s.begins[uint16(text[at])<<8|uint16(text[at+1])], text[at:]); partial {
			return at
		}
	}
	return len(text)
}

// Pattern returns the text of a pattern. The caller must not change it.
func (s *Set) Pattern(i int) []byte { return s.patterns[i] }
