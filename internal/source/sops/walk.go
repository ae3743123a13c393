package sops

import (
	"crypto/sha512"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"strings"

	"github.com/bailey-project/bailey/internal/source/sops/tree"
)

// walker goes through a tree in order and puts what leaf returns in the place
// of each value and comment.
type walker struct {
	choose *chooser
	above  [][]string // comments that stand above, per level
	leaf   func(v any, secret bool, path string) (any, error)
}

func (w *walker) branch(b tree.Branch, path []string) error {
	if len(w.above) >= tree.MaxDepth {
		return tree.ErrDeep
	}
	w.above = append(w.above, nil)
	defer func() { w.above = w.above[:len(w.above)-1] }()
	for i, it := range b {
		if c, isComment := it.Key.(tree.Comment); isComment {
			w.note(c)
			v, err := w.value(c, path)
			if err != nil {
				return err
			}
			switch v := v.(type) {
			case tree.Comment:
				b[i].Key = v
			case string:
				b[i].Key = tree.Comment{Text: v, Inline: c.Inline}
			}
			continue
		}
		name, ok := it.Key.(string)
		if !ok {
			return fmt.Errorf("%s: a name that is not text", strings.Join(path, "."))
		}
		v, err := w.value(it.Value, append(path[:len(path):len(path)], name))
		if err != nil {
			return err
		}
		b[i].Value = v
		w.forget()
	}
	return nil
}

func (w *walker) list(l []any, path []string) error {
	if len(w.above) >= tree.MaxDepth {
		return tree.ErrDeep
	}
	w.above = append(w.above, nil)
	defer func() { w.above = w.above[:len(w.above)-1] }()
	for i, v := range l {
		c, isComment := v.(tree.Comment)
		if isComment {
			w.note(c)
		}
		v, err := w.value(v, path)
		if err != nil {
			return err
		}
		l[i] = v
		if !isComment {
			w.forget()
		}
	}
	return nil
}

func (w *walker) note(c tree.Comment) {
	last := len(w.above) - 1
	w.above[last] = append(w.above[last], c.Text)
}

func (w *walker) forget() { w.above[len(w.above)-1] = nil }

func (w *walker) value(v any, path []string) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case tree.Branch:
		return v, w.branch(v, path)
	case []any:
		return v, w.list(v, path)
	}
	_, isComment := v.(tree.Comment)
	out, err := w.leaf(v, w.choose.secret(path, w.above, isComment), strings.Join(path, ":")+":")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(path, "."), err)
	}
	return out, nil
}

// mac is the sum over all values, or over those that are encrypted.
type mac struct {
	hash.Hash
	onlySecret bool
}

func newMAC(onlySecret bool) mac {
	m := mac{sha512.New(), onlySecret}
	if onlySecret {
		// A fixed start, SHA-256 of "sops", so that one kind of MAC is never
		// taken for the other.
		m.Write([]byte("\x8a\x3f\xd2\xad\x54\xce\x66\x52\x7b\x10\x34\xf3\xd1\x47\xbe\x0b" +
			"\x0b\x97\x5b\x3b\xf4\x4f\x72\xc6\xfd\xad\xec\x81\x76\xf2\x7d\x69"))
	}
	return m
}

func (m mac) add(v any, secret bool) error {
	if _, isComment := v.(tree.Comment); isComment || m.onlySecret && !secret {
		return nil
	}
	b, err := tree.Plain(v)
	if err == nil {
		m.Write(b)
	}
	return err
}

func (m mac) sum() string { return fmt.Sprintf("%X", m.Sum(nil)) }

// seal encrypts docs in place and returns the MAC.
func seal(docs []tree.Branch, h *header, b *box) (string, error) {
	m := newMAC(h.macOnlySecret)
	w := &walker{choose: h.choose, leaf: func(v any, secret bool, path string) (any, error) {
		if err := m.add(v, secret); err != nil || !secret {
			return v, err
		}
		sealed, err := b.seal(v, path)
		if _, isComment := v.(tree.Comment); isComment && h.choose.comment != nil && !h.choose.chosen && h.choose.comment(sealed) {
			return nil, errShown
		}
		return sealed, err
	}}
	for _, d := range docs {
		if err := w.branch(d, nil); err != nil {
			return "", err
		}
	}
	return m.sum(), nil
}

var errMAC = errors.New("its MAC does not fit its content: a value was changed, removed, added or moved by something other than sops")

// open decrypts docs in place and checks the MAC.
func open(docs []tree.Branch, h *header, b *box) error {
	m := newMAC(h.macOnlySecret)
	w := &walker{choose: h.choose, leaf: func(v any, secret bool, path string) (any, error) {
		if secret {
			var err error
			if v, err = opened(b, v, path); err != nil {
				return nil, err
			}
		}
		return v, m.add(v, secret)
	}}
	for _, d := range docs {
		if err := w.branch(d, nil); err != nil {
			return err
		}
	}
	want, err := b.open(h.mac, h.modified)
	if err != nil {
		return errMAC
	}
	if s, ok := want.(string); !ok || subtle.ConstantTimeCompare([]byte(s), []byte(m.sum())) == 0 {
		return errMAC
	}
	return nil
}

func opened(b *box, v any, path string) (any, error) {
	switch v := v.(type) {
	case tree.Comment:
		plain, err := b.open(v.Text, path)
		if err != nil {
			return v, nil // written before comments were encrypted
		}
		if s, isText := plain.(string); isText {
			return tree.Comment{Text: s, Inline: v.Inline}, nil
		}
		return plain, nil
	case string:
		return b.open(v, path)
	}
	return nil, errors.New("it is to be encrypted and is not")
}
