package relay

import (
	"bytes"
	"sort"
)

// modes remembers which private modes a program switched on, so that they can
// be switched off when it dies without doing so.
type modes struct {
	set      map[string]bool
	keyboard int // kitty keyboard protocol: pushes minus pops
}

// defaults are on in a fresh terminal: the reset switches them on again.
var defaults = map[string]bool{"7": true, "25": true}

// maxModes bounds what a hostile program can make us remember.
const maxModes = 64

func (m *modes) note(seq []byte) {
	last := seq[len(seq)-1]
	switch {
	case last == 'u' && bytes.HasPrefix(seq, []byte("\x1b[>")):
		m.keyboard = min(m.keyboard+1, 99)
	case last == 'u' && bytes.HasPrefix(seq, []byte("\x1b[<")):
		m.keyboard = max(m.keyboard-1, 0)
	case (last == 'h' || last == 'l') && bytes.HasPrefix(seq, []byte("\x1b[?")):
		for p := range bytes.SplitSeq(seq[3:len(seq)-1], []byte(";")) {
			m.put(string(p), last == 'h')
		}
	}
}

func (m *modes) put(mode string, on bool) {
	if on == defaults[mode] {
		delete(m.set, mode)
	} else if len(m.set) < maxModes {
		m.set[mode] = on
	}
}

// alternate says that the program draws on the alternate screen.
func (m *modes) alternate() bool { return m.set["1049"] || m.set["1047"] || m.set["47"] }

// reset is what puts the terminal back as it was.
func (m *modes) reset() []byte {
	var names []string
	for name := range m.set {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []byte
	for range m.keyboard {
		out = append(out, "\x1b[<u"...)
	}
	for _, name := range names {
		final := byte('l')
		if defaults[name] {
			final = 'h'
		}
		out = append(append(append(out, "\x1b[?"...), name...), final)
	}
	if len(out) > 0 {
		out = append(out, "\x1b[0m"...)
	}
	return out
}
