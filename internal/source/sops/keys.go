package sops

import (
	"crypto/rand"
	"errors"
	"fmt"

	"filippo.io/age"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/shamir"
	"github.com/bailey-project/bailey/internal/source/sops/tree"
)

// maxWrapped bounds a wrapped data key; a post-quantum one has 2.2 KiB.
const maxWrapped = 64 << 10

// Errors of Decrypt, found with errors.Is.
var (
	// ErrNoKey: none of the identities opens the data key.
	ErrNoKey = errors.New("none of the keys opens it")
	// ErrForeign: only keys of services that this package does not speak to
	// (KMS, PGP, Vault) could.
	ErrForeign = errors.New("it is encrypted for keys other than age's")
)

// dataKey unwraps the key of the file's values.
func (h *header) dataKey(ids []age.Identity) ([]byte, error) {
	var shares [][]byte
	var why error
	for _, g := range h.groups {
		share, err := openGroup(g, ids)
		if err != nil {
			why = errors.Join(why, err)
			continue
		}
		shares = append(shares, share)
	}
	if len(h.groups) == 1 {
		if len(shares) == 0 {
			return nil, why
		}
		return shares[0], nil
	}
	need := h.threshold
	if need == 0 {
		need = len(h.groups)
	}
	if len(shares) < need {
		return nil, fmt.Errorf("%w: keys of %d of its %d groups are needed, %d are there", ErrNoKey, need, len(h.groups), len(shares))
	}
	return shamir.Combine(shares)
}

func openGroup(g []entry, ids []age.Identity) ([]byte, error) {
	foreign := true
	for _, e := range g {
		if e.wrapped == "" {
			continue
		}
		foreign = false
		if len(e.wrapped) > maxWrapped {
			return nil, errors.New("a wrapped key in it is far too long")
		}
		plain, err := agekey.Decrypt([]byte(e.wrapped), keySize+1, ids...)
		switch {
		case err == nil:
			return plain, nil
		case !errors.Is(err, agekey.ErrNoMatch):
			return nil, fmt.Errorf("the key wrapped for %.20s…: %w", e.recipient, err)
		}
	}
	if foreign {
		return nil, ErrForeign
	}
	return nil, ErrNoKey
}

// wrap wraps key for the groups of a plan and returns the metadata that says so.
func wrap(key []byte, p Plan, parse func(string) (age.Recipient, error)) (tree.Branch, error) {
	shares := [][]byte{key}
	threshold := p.Threshold
	switch {
	case len(p.Groups) == 0:
		return nil, errors.New("no recipient to encrypt for")
	case len(p.Groups) > 1:
		if threshold == 0 {
			threshold = len(p.Groups)
		}
		var err error
		if shares, err = shamir.Split(key, len(p.Groups), threshold); err != nil {
			return nil, err
		}
	}
	var groups []any
	for i, recipients := range p.Groups {
		wrapped, err := wrapShare(shares[i], recipients, parse)
		if err != nil {
			return nil, err
		}
		groups = append(groups, wrapped)
	}
	if len(groups) == 1 {
		return tree.Branch{{Key: "age", Value: groups[0]}}, nil
	}
	for i := range groups {
		groups[i] = tree.Branch{{Key: "age", Value: groups[i]}, {Key: "hc_vault", Value: []any{}}}
	}
	return tree.Branch{{Key: "key_groups", Value: groups}, {Key: "shamir_threshold", Value: threshold}}, nil
}

func wrapShare(share []byte, recipients []string, parse func(string) (age.Recipient, error)) ([]any, error) {
	if len(recipients) == 0 {
		return nil, errors.New("a key group without a recipient")
	}
	var out []any
	for _, s := range recipients {
		r, err := parse(s)
		if err != nil {
			return nil, err
		}
		enc, err := agekey.Encrypt(share, true, r)
		if err != nil {
			return nil, fmt.Errorf("%.20s…: %w", s, err)
		}
		out = append(out, tree.Branch{{Key: "enc", Value: string(enc)}, {Key: "recipient", Value: s}})
	}
	return out, nil
}

// rewrap makes a new data key for the recipients of h.
func (h *header) rewrap(k Keeper) (*box, error) {
	p := Plan{Threshold: h.threshold}
	for _, g := range h.groups {
		var recipients []string
		for _, e := range g {
			if e.recipient == "" {
				return nil, fmt.Errorf("its data key has to be replaced, and %w", ErrForeign)
			}
			recipients = append(recipients, e.recipient)
		}
		p.Groups = append(p.Groups, recipients)
	}
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	defer clear(key)
	wrapped, err := wrap(key, p, k.Parse)
	if err != nil {
		return nil, err
	}
	for _, it := range wrapped {
		h.meta = h.meta.Set(it.Key.(string), it.Value)
	}
	b, err := newBox(key)
	if err == nil && k.Made != nil {
		k.Made(b.mark)
	}
	return b, err
}
