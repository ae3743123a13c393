package scrub

// Bounds of what is searched for. Shorter and simpler texts stand in ordinary
// content, so that swapping them would corrupt it and let an echo confirm
// guesses ("password" stands hundreds of times in any set of documents); longer
// ones would cost every connection a buffer of their size.
const (
	minLength  = 16
	maxLength  = 64 << 10
	strongBits = 64
	weakBits   = 24
)

// Worth reports whether a secret can be searched for in ordinary content: 16
// bytes or more that are not one run or sequence, or fewer with an estimated
// entropy of 64 bits.
func Worth(secret []byte) bool {
	if len(secret) < MinPattern || len(secret) > maxLength {
		return false
	}
	bits := estimate(secret)
	return bits >= strongBits || len(secret) >= minLength && bits >= weakBits
}

// Bits a byte is taken to be worth.
const (
	bitsLetter  = 4.7
	bitsWord    = 2 // a letter in a run of four or more lower-case ones: probably a word
	bitsDigit   = 3.3
	bitsOther   = 5
	bitsChange  = 1.5 // to go from one class to another
	bitsFollows = 0.3 // the same byte again, or the next one
	wordLength  = 4
)

// estimate guesses the entropy of a text in bits. It is meant to err low: a
// random text of mixed characters comes out near its true figure, words and
// sequences far below their length.
func estimate(b []byte) float64 {
	bits, run := 0.0, 0
	for i, c := range b {
		cl := classOf(c)
		if cl == lowerCase {
			run++
		} else {
			run = 0
		}
		switch {
		case i > 0 && (c == b[i-1] || c == b[i-1]+1):
			bits += bitsFollows
		case run == wordLength: // the three before it were counted as single letters
			bits -= (wordLength - 1) * (bitsLetter - bitsWord)
			bits += bitsWord
		case run > wordLength:
			bits += bitsWord
		default:
			bits += cl.bits()
		}
		if i > 0 && cl != classOf(b[i-1]) {
			bits += bitsChange
		}
	}
	return bits
}

type class uint8

const (
	lowerCase class = iota
	upperCase
	digit
	other
)

func classOf(c byte) class {
	switch {
	case c >= 'a' && c <= 'z':
		return lowerCase
	case c >= 'A' && c <= 'Z':
		return upperCase
	case c >= '0' && c <= '9':
		return digit
	}
	return other
}

func (c class) bits() float64 {
	switch c {
	case digit:
		return bitsDigit
	case other:
		return bitsOther
	}
	return bitsLetter
}
