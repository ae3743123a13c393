package scrub

import "io"

// pieceSize is how much a Reader asks its source for at once.
const pieceSize = 32 << 10

// Swap is asked for what stands in the place of a match. It must not keep the
// result; an error ends the text at the match.
type Swap func(pattern int) ([]byte, error)

// Reader reads a text with every match swapped. It is not safe for concurrent
// use. It does not close its source.
type Reader struct {
	set  *Set
	swap Swap
	src  io.Reader

	buf   []byte // what was read
	held  []byte // its end, when a match may have begun there
	given int    // how much of held was given out already
	out   []byte // the current piece, when something was swapped in it
	rest  []byte // of the current piece, for Read
	err   error  // of the source or of swap; comes after the last piece

	early int // how much of a possible match is given out
}

// Early is how many bytes of a possible match a Reader gives out when it is
// told to let nothing wait. Most texts end in a byte with which some pattern
// begins, so holding every such byte would stall conversations; four bytes in a
// row agree by chance next to never.
const Early = 3

// NewReader reads src through set, which must not be nil.
func NewReader(src io.Reader, set *Set, swap Swap) *Reader {
	return &Reader{set: set, swap: swap, src: src}
}

// Reset makes r as good as new for another source, keeping its buffers.
func (r *Reader) Reset(src io.Reader, set *Set, swap Swap) {
	*r = Reader{set: set, swap: swap, src: src, buf: r.buf, out: r.out[:0]}
}

// LiveStream makes r fit for conversations, in which one side waits for the
// other: up to Early bytes at the end of a piece that may begin a match are
// given out all the same. When the match comes about, its stand-in lacks that
// many bytes at its beginning.
func (r *Reader) LiveStream() { r.early = Early }

// Next returns the next piece, which is good until the next call. It is never
// empty without an error. Bytes that cannot belong to a match are returned as
// soon as the source gives them.
func (r *Reader) Next() ([]byte, error) {
	if need := pieceSize + r.set.longest; len(r.buf) < need {
		r.buf = make([]byte, need)
	}
	for r.err == nil {
		kept := copy(r.buf, r.held)
		n, err := r.src.Read(r.buf[kept:])
		r.err = err
		if piece := r.process(r.buf[:kept+n]); len(piece) > 0 {
			return piece, nil
		}
	}
	return nil, r.err
}

// Read implements io.Reader on top of Next.
func (r *Reader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		piece, err := r.Next()
		if err != nil {
			return 0, err
		}
		r.rest = piece
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// process returns text with its matches swapped, without the end that must be
// kept. When the source broke off, that end is never released: it may be the
// beginning of a match.
func (r *Reader) process(text []byte) []byte {
	final := r.err == io.EOF
	given := r.given // text[:given] is out already
	pattern, at := r.set.find(text, 0, final)
	if pattern < 0 {
		end := r.keep(text, at, given)
		return text[min(given, end):end]
	}
	r.out = r.out[:0]
	for from := 0; pattern >= 0; pattern, at = r.set.find(text, from, final) {
		r.out = append(r.out, text[min(max(from, given), at):at]...)
		stand, err := r.swap(pattern)
		if err != nil {
			r.err = err
			return r.out
		}
		r.out = append(r.out, stand[min(max(given-at, 0), len(stand)):]...)
		from = at + len(r.set.patterns[pattern])
		given = max(given, from)
	}
	end := r.keep(text, at, given)
	r.out = append(r.out, text[min(given, end):end]...)
	return r.out
}

// keep holds text back from at on and returns up to where it is given out now.
func (r *Reader) keep(text []byte, at, given int) (end int) {
	end = max(at, given)
	if r.early > 0 && len(text)-at <= r.early && (r.err == nil || r.err == io.EOF) {
		end = len(text)
	}
	r.held, r.given = text[at:], end-at
	return end
}

// Replace swaps the matches in a text that is complete. Without a match it
// returns text itself.
func (s *Set) Replace(text []byte, swap Swap) ([]byte, error) {
	if s == nil || len(text) < s.window {
		return text, nil
	}
	pattern, at := s.find(text, 0, true)
	if pattern < 0 {
		return text, nil
	}
	out, from := make([]byte, 0, len(text)+64), 0
	for pattern >= 0 {
		out = append(out, text[from:at]...)
		stand, err := swap(pattern)
		if err != nil {
			return nil, err
		}
		out = append(out, stand...)
		from = at + len(s.patterns[pattern])
		pattern, at = s.find(text, from, true)
	}
	return append(out, text[from:]...), nil
}
