package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/bailey-project/bailey/internal/secret"
)

// A recovery code is 28 random digits of 5 bits in 7 groups of 4, each followed
// by a check digit: any one wrong digit, any two neighbours exchanged and any
// two groups exchanged show, and where. Digits are those of Crockford's base
// 32, which has no I, L, O or U.
const (
	digits    = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	perGroup  = 4
	codeSize  = Groups * perGroup
	groupSize = perGroup + 1
)

// Groups is the number of groups of a code.
const Groups = 7

// ErrCode is found with errors.Is in the errors of ParseCode.
var ErrCode = errors.New("not a recovery code")

// Code is a recovery code of 140 random bits. Like a secret.Value it cannot be
// printed by accident.
type Code struct{ v secret.Value } // codeSize values below 32

// NewCode makes a fresh code.
func NewCode() (Code, error) {
	b := make([]byte, codeSize)
	if _, err := rand.Read(b); err != nil {
		return Code{}, err
	}
	for i := range b {
		b[i] &= 31
	}
	return Code{secret.NewValue(b)}, nil
}

// ParseCode accepts a code as a person types it: any case, with or without
// dashes and spaces, O for 0, I and L for 1. It checks the check digits, so
// that a typing error is told apart from a wrong code; the error names the group.
func ParseCode(s string) (Code, error) {
	var typed []byte
	for _, r := range strings.ToUpper(s) {
		if r == '-' || r == ' ' || r == '\t' || r == '\r' || r == '\n' {
			continue
		}
		d := strings.IndexRune(digits, alias(r))
		if d < 0 {
			return Code{}, fmt.Errorf("%w: group %d has a character that no code has", ErrCode, len(typed)/groupSize+1)
		}
		typed = append(typed, byte(d))
	}
	if len(typed) != Groups*groupSize {
		return Code{}, fmt.Errorf("%w: it has %d characters, a code has %d", ErrCode, len(typed), Groups*groupSize)
	}
	code := make([]byte, 0, codeSize)
	for g := range Groups {
		group := typed[g*groupSize:][:groupSize]
		if check(g, group[:perGroup]) != group[perGroup] {
			return Code{}, fmt.Errorf("%w: group %d of %d is mistyped or in the wrong place", ErrCode, g+1, Groups)
		}
		code = append(code, group[:perGroup]...)
	}
	return Code{secret.NewValue(code)}, nil
}

func alias(r rune) rune {
	switch r {
	case 'O':
		return '0'
	case 'I', 'L':
		return '1'
	}
	return r
}

// Reveal returns the code in groups of characters joined by dashes, to be
// shown once.
func (c Code) Reveal() string {
	groups := make([]string, Groups)
	for i := range groups {
		groups[i] = c.Group(i + 1)
	}
	return strings.Join(groups, "-")
}

// Group returns the i-th group (from 1) of the code, to check that a person
// wrote it down; "" when there is no such group.
func (c Code) Group(i int) string {
	b := c.v.Reveal()
	if i < 1 || i > Groups || len(b) != codeSize {
		return ""
	}
	group := b[(i-1)*perGroup:][:perGroup]
	var out strings.Builder
	for _, d := range group {
		out.WriteByte(digits[d])
	}
	out.WriteByte(digits[check(i-1, group)])
	return out.String()
}

// String never shows the code.
func (Code) String() string { return "[recovery code]" }

// canonical is what goes through scrypt: the digits without check digits.
func (c Code) canonical() secret.Value {
	b := c.v.Reveal()
	out := make([]byte, len(b))
	for i, d := range b {
		out[i] = digits[d]
	}
	return secret.NewValue(out)
}

// check is a Reed-Solomon digit over GF(32): the sum of digit i times α^(i+1),
// and of the group's number times α^5.
func check(group int, data []byte) byte {
	sum, power := byte(0), byte(2)
	for _, d := range data {
		sum ^= mul(d, power)
		power = mul(power, 2)
	}
	return sum ^ mul(byte(group), power)
}

// mul multiplies in GF(2^5) modulo x^5 + x^2 + 1.
func mul(a, b byte) (p byte) {
	for ; b > 0; b >>= 1 {
		if b&1 == 1 {
			p ^= a
		}
		if a <<= 1; a&32 != 0 {
			a ^= 0b100101
		}
	}
	return p
}
