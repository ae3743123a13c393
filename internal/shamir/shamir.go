// Package shamir splits a secret into shares, any threshold of which give it
// back and fewer of which say nothing about it but its length.
//
// It is Shamir's scheme over GF(256) with the polynomial of AES, byte by byte,
// and its shares have the layout that HashiCorp Vault and sops use: the values,
// then one byte for the point. It is not verifiable: Combine of a false share
// gives a false secret, so what is combined has to be checked by whoever uses
// it. Its invariant: arithmetic takes the same steps for any secret byte.
package shamir

import (
	"crypto/rand"
	"errors"
	"fmt"
)

// MaxShares is the most shares that there are points for.
const MaxShares = 255

// Split makes shares of secret, threshold of which are needed to combine them.
// Both are from 2 to MaxShares; secret must not be empty.
func Split(secret []byte, shares, threshold int) ([][]byte, error) {
	switch {
	case len(secret) == 0:
		return nil, errors.New("nothing to split")
	case threshold < 2 || shares < threshold || shares > MaxShares:
		return nil, fmt.Errorf("%d of %d shares: from 2 to %d are possible, and not more are needed than there are", threshold, shares, MaxShares)
	}
	out := make([][]byte, shares)
	for i := range out {
		out[i] = make([]byte, len(secret)+1)
		out[i][len(secret)] = byte(i + 1)
	}
	polynomial := make([]byte, threshold) // coefficients, the constant first
	defer clear(polynomial)
	for at, b := range secret {
		if _, err := rand.Read(polynomial[1:]); err != nil {
			return nil, err
		}
		polynomial[0] = b
		for _, share := range out {
			share[at] = evaluate(polynomial, share[len(secret)])
		}
	}
	return out, nil
}

// Combine gives the secret back that at least the threshold of shares were
// made of. With fewer, or a false one, it gives something else.
func Combine(shares [][]byte) ([]byte, error) {
	if len(shares) < 2 {
		return nil, errors.New("at least two shares are needed")
	}
	size := len(shares[0])
	points := make([]byte, len(shares))
	seen := map[byte]bool{}
	for i, s := range shares {
		if len(s) != size || size < 2 {
			return nil, errors.New("the shares are not of one secret: their lengths differ")
		}
		points[i] = s[size-1]
		if points[i] == 0 || seen[points[i]] {
			return nil, fmt.Errorf("share %d is there twice", points[i])
		}
		seen[points[i]] = true
	}
	weights := weightsAtZero(points)
	secret := make([]byte, size-1)
	for at := range secret {
		for i, s := range shares {
			secret[at] ^= multiply(s[at], weights[i])
		}
	}
	return secret, nil
}

// evaluate is Horner's rule.
func evaluate(polynomial []byte, x byte) (y byte) {
	for i := len(polynomial) - 1; i >= 0; i-- {
		y = multiply(y, x) ^ polynomial[i]
	}
	return y
}

// weightsAtZero are Lagrange's basis polynomials at 0.
func weightsAtZero(points []byte) []byte {
	weights := make([]byte, len(points))
	for i, p := range points {
		w := byte(1)
		for j, q := range points {
			if i != j {
				w = multiply(w, multiply(q, inverse(p^q)))
			}
		}
		weights[i] = w
	}
	return weights
}

// multiply is without tables and branches on its arguments: both would show in
// time what they are.
func multiply(a, b byte) (p byte) {
	for range 8 {
		p ^= a & -(b & 1)
		a = a<<1 ^ 0x1b&-(a>>7)
		b >>= 1
	}
	return p
}

// inverse is a^254: the multiplicative group has 255 elements.
func inverse(a byte) byte {
	out := byte(1)
	for range 254 {
		out = multiply(out, a)
	}
	return out
}
