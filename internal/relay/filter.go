// Package relay stands between the user's terminal and the pty of a sandbox.
// It copies both ways, follows the window's size, and lets through only those
// control sequences that draw: what a program inside prints can't write the
// clipboard, read files through the terminal or make it type.
//
// It knows nothing of sandboxes. Its invariant: a control string that is not
// on the list does not reach the terminal, however it is spelt (7-bit, C1,
// UTF-8 encoded C1, split over writes).
package relay

import (
	"bytes"
	"io"
	"slices"
)

// maxSequence bounds a control sequence or string that is let through, bytes;
// longer ones are dropped whole. Window titles and hyperlinks stay far below.
const maxSequence = 8192

// oscAllowed are the operating system commands that only show something
// (xterm ctlseqs, "Operating System Commands"): titles, the palette, links,
// notifications, prompt marks. 52 writes and reads the clipboard, 1337 and
// 5522 move files: they are not here.
var oscAllowed = []string{"0", "1", "2", "4", "7", "8", "9", "10", "11", "12", "104", "110", "111", "112", "133", "777"}

type state uint8

const (
	ground state = iota
	escape
	csi
	str     // inside OSC, DCS, APC, PM or SOS
	strEsc  // ESC seen inside a string: its end, or an abort
	utf8Seq // inside a multi-byte character
)

// Filter is an io.Writer that passes text and allowed sequences to w.
type Filter struct {
	w     io.Writer
	state state
	kind  byte // of the string: ']' 'P' '_' '^' 'X'
	seq   []byte
	over  bool // seq is longer than maxSequence
	rest  int  // bytes that the current character still needs
	out   bytes.Buffer
	modes modes
}

// NewFilter returns a Filter that writes to w.
func NewFilter(w io.Writer) *Filter { return &Filter{w: w, modes: modes{set: map[string]bool{}}} }

// Write filters p. A sequence may be split over any number of writes.
func (f *Filter) Write(p []byte) (int, error) {
	f.out.Reset()
	for _, b := range p {
		f.step(b)
	}
	if _, err := f.w.Write(f.out.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (f *Filter) step(b byte) {
	switch f.state {
	case ground:
		f.text(b)
	case utf8Seq:
		f.character(b)
	case escape:
		f.afterEscape(b)
	case csi:
		f.inCSI(b)
	case str:
		f.inString(b)
	case strEsc:
		f.endOrAbort(b)
	}
}

// text handles a byte outside every sequence.
func (f *Filter) text(b byte) {
	switch {
	case b == 0x1b:
		f.begin(escape, b)
	case b == 0x05: // ENQ makes the terminal type its answerback
	case b < 0x80:
		f.out.WriteByte(b)
	case b >= 0xc2 && b < 0xe0:
		f.begin(utf8Seq, b)
		f.rest = 1
	case b >= 0xe0 && b < 0xf0:
		f.begin(utf8Seq, b)
		f.rest = 2
	case b >= 0xf0 && b < 0xf5:
		f.begin(utf8Seq, b)
		f.rest = 3
	}
	// A lone byte from 0x80 on is a C1 control to some terminals and valid
	// text to none.
}

// character completes a UTF-8 character; C1 controls in it are dropped.
func (f *Filter) character(b byte) {
	if b&0xc0 != 0x80 {
		f.state = ground
		f.step(b)
		return
	}
	f.seq = append(f.seq, b)
	if f.rest--; f.rest > 0 {
		return
	}
	f.state = ground
	if f.seq[0] == 0xc2 && f.seq[1] < 0xa0 {
		return
	}
	f.out.Write(f.seq)
}

func (f *Filter) begin(s state, b byte) {
	f.state, f.over = s, false
	f.seq = append(f.seq[:0], b)
}

func (f *Filter) afterEscape(b byte) {
	switch {
	case b == '[':
		f.seq = append(f.seq, b)
		f.state = csi
	case bytes.IndexByte([]byte("]P_^X"), b) >= 0:
		f.seq, f.kind, f.state = f.seq[:0], b, str
	case b == 0x1b:
		f.begin(escape, b)
	case b >= 0x20 && b < 0x30 && len(f.seq) < 4: // intermediate, as in ESC ( B
		f.seq = append(f.seq, b)
	case b == '\\': // the end of a string that was cut short
		f.state = ground
	case b >= 0x30 && b < 0x7f:
		f.out.Write(append(f.seq, b))
		f.state = ground
	default:
		f.state = ground
	}
}

func (f *Filter) inCSI(b byte) {
	switch {
	case b == 0x1b:
		f.begin(escape, b)
	case b == 0x18 || b == 0x1a: // CAN and SUB abort
		f.state = ground
	case b < 0x20:
		f.out.WriteByte(b) // terminals act on these in the middle of a sequence
	case b >= 0x80:
		f.state = ground
	default:
		f.seq = append(f.seq, b)
		if b >= 0x40 {
			f.state = ground
			if csiAllowed(f.seq) {
				f.modes.note(f.seq)
				f.out.Write(f.seq)
			}
		} else if len(f.seq) > maxSequence {
			f.state = ground
		}
	}
}

// csiAllowed refuses the reports that put the window's title, or other text a
// program chose, back into the input (xterm ctlseqs, XTWINOPS 20 and 21).
func csiAllowed(seq []byte) bool {
	return !bytes.HasSuffix(seq, []byte("20t")) && !bytes.HasSuffix(seq, []byte("21t"))
}

func (f *Filter) inString(b byte) {
	switch {
	case b == 0x1b:
		f.state = strEsc
	case b == 0x07 && f.kind == ']':
		f.flush([]byte{0x07})
	case b == 0x18 || b == 0x1a:
		f.state = ground
	case len(f.seq) >= maxSequence:
		f.over = true
	default:
		f.seq = append(f.seq, b)
	}
}

func (f *Filter) endOrAbort(b byte) {
	if b == '\\' {
		f.flush([]byte("\x1b\\"))
		return
	}
	f.begin(escape, 0x1b)
	f.step(b)
}

// flush passes a finished string on when it is on the list.
func (f *Filter) flush(end []byte) {
	f.state = ground
	if f.over || !f.stringAllowed() {
		return
	}
	f.out.Write([]byte{0x1b, f.kind})
	f.out.Write(f.seq)
	f.out.Write(end)
}

func (f *Filter) stringAllowed() bool {
	for _, b := range f.seq {
		if b < 0x20 || b == 0x7f || b == 0x9c {
			return false
		}
	}
	switch f.kind {
	case ']':
		number, _, _ := bytes.Cut(f.seq, []byte(";"))
		return slices.Contains(oscAllowed, string(number))
	case 'P': // queries of capabilities and settings
		return bytes.HasPrefix(f.seq, []byte("+q")) || bytes.HasPrefix(f.seq, []byte("$q"))
	}
	return false
}
