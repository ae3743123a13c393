package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/shamir"
)

// KindShares is the kind of a root key under a secret that was split: any
// threshold of the shares opens it, and fewer say nothing.
const KindShares = "shares"

// A share is 35 bytes: one at random that all of a set have, the threshold, 32
// of values and the point. It is written as a recovery code is, in 14 groups.
const (
	shareSecret = 32
	shareSize   = 2 + shareSecret + 1
	shareGroups = shareSize * 8 / 5 / perGroup
)

// MaxShares is the most shares that one vault has: they go to people.
const MaxShares = 32

// ErrShare is found with errors.Is in the errors of CombineShares.
var ErrShare = errors.New("not a share of this kind")

// Shared seals under a secret that NewShares or CombineShares gave.
func Shared(secretText secret.Value) Sealer {
	return sealer{kind: KindShares, text: secretText, factor: codeFactor}
}

// NewShares makes a secret and its shares, each as text to be handed to one person.
func NewShares(shares, threshold int) (text secret.Value, out []secret.Value, err error) {
	if shares > MaxShares {
		return text, nil, fmt.Errorf("%d shares: at most %d", shares, MaxShares)
	}
	key := make([]byte, shareSecret)
	set := make([]byte, 1)
	if _, err := rand.Read(key); err != nil {
		return text, nil, err
	}
	if _, err := rand.Read(set); err != nil {
		return text, nil, err
	}
	parts, err := shamir.Split(key, shares, threshold)
	if err != nil {
		return text, nil, err
	}
	for _, p := range parts {
		out = append(out, secret.NewValue(spell(append([]byte{set[0], byte(threshold)}, p...))))
	}
	return secret.NewValue(digitsOf(key)), out, nil
}

// ParseShare checks the digits of a share as a person types it, and says how
// many of its set are needed.
func ParseShare(typed string) (share secret.Value, threshold int, err error) {
	var got []byte
	for _, r := range strings.ToUpper(typed) {
		if strings.ContainsRune("- \t\r\n", r) {
			continue
		}
		d := strings.IndexRune(digits, alias(r))
		if d < 0 {
			return share, 0, fmt.Errorf("%w: group %d has a character that no share has", ErrShare, len(got)/groupSize+1)
		}
		got = append(got, byte(d))
	}
	if len(got) != shareGroups*groupSize {
		return share, 0, fmt.Errorf("%w: it has %d characters, a share has %d", ErrShare, len(got), shareGroups*groupSize)
	}
	var data []byte
	for g := range shareGroups {
		group := got[g*groupSize:][:groupSize]
		if check(g, group[:perGroup]) != group[perGroup] {
			return share, 0, fmt.Errorf("%w: group %d of %d is mistyped or in the wrong place", ErrShare, g+1, shareGroups)
		}
		data = append(data, group[:perGroup]...)
	}
	b := bytesOf(data)
	return secret.NewValue(b), int(b[1]), nil
}

// CombineShares gives the secret that parsed shares of one set stand for. With
// a false one among them it gives another, which opens nothing.
func CombineShares(shares []secret.Value) (secret.Value, error) {
	var parts [][]byte
	for _, s := range shares {
		b := s.Reveal()
		switch first := shares[0].Reveal(); {
		case len(b) != shareSize:
			return secret.Value{}, ErrShare
		case b[0] != first[0] || b[1] != first[1]:
			return secret.Value{}, fmt.Errorf("%w: they are of different sets", ErrShare)
		}
		parts = append(parts, b[2:])
	}
	if len(parts) == 0 || len(parts) < int(shares[0].Reveal()[1]) {
		return secret.Value{}, fmt.Errorf("%w: more of them are needed", ErrShare)
	}
	key, err := shamir.Combine(parts)
	if err != nil {
		return secret.Value{}, fmt.Errorf("%w: %w", ErrShare, err)
	}
	return secret.NewValue(digitsOf(key)), nil
}

// spell writes 5 bits per digit, 4 digits and a check digit per group.
func spell(b []byte) []byte {
	d := fives(b)
	var out []byte
	for g := 0; g*perGroup < len(d); g++ {
		if g > 0 {
			out = append(out, '-')
		}
		group := d[g*perGroup:][:perGroup]
		for _, v := range group {
			out = append(out, digits[v])
		}
		out = append(out, digits[check(g, group)])
	}
	return out
}

func digitsOf(b []byte) []byte {
	d := fives(b)
	for i, v := range d {
		d[i] = digits[v]
	}
	return d
}

// fives cuts bytes into 5 bits each, the last filled up with zeros.
func fives(b []byte) (out []byte) {
	var acc, bits uint
	for _, c := range b {
		acc, bits = acc<<8|uint(c), bits+8
		for bits >= 5 {
			bits -= 5
			out = append(out, byte(acc>>bits&31))
		}
	}
	if bits > 0 {
		out = append(out, byte(acc<<(5-bits)&31))
	}
	return out
}

func bytesOf(d []byte) (out []byte) {
	var acc, bits uint
	for _, v := range d {
		acc, bits = acc<<5|uint(v), bits+5
		if bits >= 8 {
			bits -= 8
			out = append(out, byte(acc>>bits))
		}
	}
	return out
}
