// Package sops reads and writes files as sops encrypts them: names in the
// clear, values sealed, so that a file in version control shows what changed.
// YAML, JSON, dotenv, ini and binary; key groups with Shamir shares; the rules
// of .sops.yaml. Data keys are wrapped by age.
//
// It speaks to no key service: what is wrapped by KMS, PGP or Vault alone
// cannot be opened here, but survives a change of the content. Files are what
// the real sops writes, which interop tries in both directions. Its
// invariants: Decrypt returns nothing of a file whose MAC does not fit, there
// is no way to ask for it; whatever bytes it is given, it does bounded work;
// and no error holds a value.
package sops

import (
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/bailey-project/bailey/internal/source/sops/tree"
)

// Format is how a file is written.
type Format = tree.Format

// The formats. Binary is any content as one value of a JSON file.
const (
	YAML   = tree.YAML
	JSON   = tree.JSON
	Dotenv = tree.Dotenv
	INI    = tree.INI
	Binary = tree.Binary
)

// MaxFile is the most bytes of a file, encrypted or not.
const MaxFile = tree.MaxFile

// FormatOf goes by a file's name as sops does; what it does not know is Binary.
func FormatOf(path string) Format { return tree.FormatOf(path) }

// Plan is how a file is to be encrypted.
type Plan struct {
	Groups        [][]string // recipients of age, per key group
	Threshold     int        // how many groups open it; 0: all
	Selector      Selector
	MACOnlySecret bool // values in the clear are not under the MAC

	// Made is told of the data key that was made, if not nil.
	Made func(KeyMark)
}

// KeyMark is the SHA-256 of a data key: it tells one that was made here from
// one that came with a file.
type KeyMark [sha256.Size]byte

// Keeper decides over the data keys of files that are changed. Anybody can
// make a file for somebody's public key, and then knows its data key: new
// content under that would be read by whoever put the file there.
type Keeper struct {
	// Known says whether a data key was made by the one who asks.
	Known func(KeyMark) bool
	// Parse reads a recipient, for a new data key in the place of one that is
	// not known. It may refuse.
	Parse func(string) (age.Recipient, error)
	// Made is told of a new one, if not nil.
	Made func(KeyMark)
}

// Encrypt encrypts a whole file. parse reads a recipient.
func Encrypt(f Format, plain []byte, p Plan, parse func(string) (age.Recipient, error)) ([]byte, error) {
	docs, err := tree.Load(f, plain)
	if err != nil {
		return nil, err
	}
	if err := reserved(f, docs); err != nil {
		return nil, err
	}
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	defer clear(key)
	meta, err := wrap(key, p, parse)
	if err != nil {
		return nil, err
	}
	if p.Selector == (Selector{}) && f != Binary {
		p.Selector.UnencryptedSuffix = defaultSuffix
	}
	for _, field := range p.Selector.fields() {
		if *field.to != "" {
			meta = meta.Set(field.name, *field.to)
		}
	}
	if p.MACOnlySecret {
		meta = meta.Set("mac_only_encrypted", true)
	}
	choose, err := p.Selector.ready()
	if err != nil {
		return nil, err
	}
	b, err := newBox(key)
	if err != nil {
		return nil, err
	}
	if p.Made != nil {
		p.Made(b.mark)
	}
	return finish(f, docs, &header{meta: meta, choose: choose, macOnlySecret: p.MACOnlySecret}, b)
}

// Decrypt returns the content in the file's own format.
func Decrypt(f Format, file []byte, ids ...age.Identity) ([]byte, error) {
	docs, _, _, err := decrypt(f, file, ids)
	if err != nil {
		return nil, err
	}
	return tree.Emit(f, docs)
}

// Update puts new content in the place of a file's, for the same keys and by
// the same rules. Under a data key that is known, what did not change keeps
// its ciphertext; any other is replaced. A file whose content did not change
// stays as it is.
func Update(f Format, file, plain []byte, k Keeper, ids ...age.Identity) ([]byte, error) {
	old, h, b, err := decrypt(f, file, ids)
	if err != nil {
		return nil, err
	}
	docs, err := tree.Load(f, plain)
	if err != nil {
		return nil, err
	}
	if err := reserved(f, docs); err != nil {
		return nil, err
	}
	before, err := tree.Emit(f, old)
	if err != nil {
		return nil, err
	}
	after, err := tree.Emit(f, docs)
	if err != nil {
		return nil, err
	}
	if string(before) == string(after) {
		return file, nil
	}
	if !k.Known(b.mark) {
		if b, err = h.rewrap(k); err != nil {
			return nil, err
		}
	}
	return finish(f, docs, h, b)
}

// Recipients lists whom a file is encrypted for, per key group; "" stands for
// a key other than age's. Nothing of it is authenticated.
func Recipients(f Format, file []byte) ([][]string, error) {
	docs, err := tree.Load(encrypted(f), file)
	if err != nil {
		return nil, err
	}
	h, err := takeHeader(f, docs)
	if err != nil {
		return nil, err
	}
	var out [][]string
	for _, g := range h.groups {
		var group []string
		for _, e := range g {
			group = append(group, e.recipient)
		}
		out = append(out, group)
	}
	return out, nil
}

// InTheClear lists what stands readable in a file, by the names on the way to it.
func InTheClear(f Format, file []byte) (names []string, err error) {
	docs, err := tree.Load(encrypted(f), file)
	if err != nil {
		return nil, err
	}
	h, err := takeHeader(f, docs)
	if err != nil {
		return nil, err
	}
	w := &walker{choose: h.choose, leaf: func(v any, secret bool, path string) (any, error) {
		if _, isComment := v.(tree.Comment); !secret && !isComment && v != "" {
			names = append(names, strings.TrimSuffix(path, ":"))
		}
		return v, nil
	}}
	for _, d := range docs {
		if err := w.branch(d, nil); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// Encrypted says whether file is one that sops wrote.
func Encrypted(f Format, file []byte) bool {
	_, err := Recipients(f, file)
	return err == nil
}

func decrypt(f Format, file []byte, ids []age.Identity) ([]tree.Branch, *header, *box, error) {
	docs, err := tree.Load(encrypted(f), file)
	if err != nil {
		return nil, nil, nil, err
	}
	h, err := takeHeader(f, docs)
	if err != nil {
		return nil, nil, nil, err
	}
	key, err := h.dataKey(ids)
	if err != nil {
		return nil, nil, nil, err
	}
	defer clear(key)
	b, err := newBox(key)
	if err != nil {
		return nil, nil, nil, err
	}
	return docs, h, b, open(docs, h, b)
}

func finish(f Format, docs []tree.Branch, h *header, b *box) ([]byte, error) {
	h.modified = time.Now().UTC().Format(time.RFC3339)
	sum, err := seal(docs, h, b)
	if err != nil {
		return nil, err
	}
	mac, err := b.seal(sum, h.modified)
	if err != nil {
		return nil, err
	}
	h.stamp(mac)
	docs, err = putHeader(f, docs, h.meta)
	if err != nil {
		return nil, err
	}
	return tree.Emit(encrypted(f), docs)
}

// encrypted is the format that a file of format f has once it is encrypted.
func encrypted(f Format) Format {
	if f == Binary {
		return JSON
	}
	return f
}
