package source

import (
	"bytes"
	"errors"
	"strings"

	"github.com/bailey-project/bailey/internal/agekey"
	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/dotenv"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/source/sops"
)

// dotenvCodec is a file in the clear. Comments and order survive a change.
type dotenvCodec struct{}

func (dotenvCodec) decode(b []byte) ([]exchange.Item, error) {
	return exchange.Decode(exchange.Dotenv, b)
}

func (c dotenvCodec) encode(old []byte, all []exchange.Item) ([]byte, error) {
	for _, it := range all {
		if bytes.IndexByte(it.Value.Reveal(), 0) >= 0 {
			return nil, errors.New(string(it.Name) + " has a NUL byte, which dotenv does not hold")
		}
	}
	f, err := dotenv.Parse(old)
	if err != nil {
		return nil, err
	}
	changed := f.Replace(func(name string, value []byte) (string, bool) {
		for _, it := range all {
			if string(it.Name) == name {
				return string(it.Value.Reveal()), !bytes.Equal(value, it.Value.Reveal())
			}
		}
		return "", false
	})
	for _, it := range all {
		if _, ok := f.Get(string(it.Name)); !ok {
			if len(changed) > 0 && !bytes.HasSuffix(changed, []byte("\n")) {
				changed = append(changed, '\n')
			}
			changed = append(changed, dotenv.Format([]dotenv.Entry{{Name: string(it.Name), Value: it.Value.Reveal()}})...)
		}
	}
	// A value that refers to a changed one would change with it: then the
	// file is written anew.
	if now, err := c.decode(changed); err != nil || !Same(merge(nil, now), all) {
		return exchange.Encode(exchange.Dotenv, all)
	}
	return changed, nil
}

// ageCodec is a file that age encrypts whole; what is in it goes by its name.
type ageCodec struct {
	w    World
	name string
}

func (c ageCodec) inner() exchange.Format {
	return exchange.FormatOf(strings.TrimSuffix(c.name, ".age"))
}

func (c ageCodec) decode(b []byte) ([]exchange.Item, error) {
	ids, err := c.w.Identities()
	if err != nil {
		return nil, err
	}
	plain, err := agekey.Decrypt(b, maxBytes, ids...)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return exchange.Decode(c.inner(), plain)
}

// encode does not know for whom the old file was: age does not say. What none
// of the keys here would open again is refused.
func (c ageCodec) encode(old []byte, all []exchange.Item) ([]byte, error) {
	if len(c.w.Recipients) == 0 {
		return nil, api.Errorf(api.Invalid, "age:%s: name whom to encrypt for with --recipient", c.name)
	}
	plain, err := exchange.Encode(c.inner(), all)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	b, err := agekey.Encrypt(plain, old == nil || agekey.Armored(old), c.w.Recipients...)
	if err != nil {
		return nil, err
	}
	if _, err := c.decode(b); err != nil {
		return nil, err
	}
	return b, nil
}

// sopsCodec is a file of sops; it can be changed, not made.
type sopsCodec struct {
	w    World
	name string
}

func (c sopsCodec) decode(b []byte) ([]exchange.Item, error) {
	ids, err := c.w.Identities()
	if err != nil {
		return nil, err
	}
	f := sops.FormatOf(c.name)
	plain, err := sops.Decrypt(f, b, ids...)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	pairs, err := sops.Pairs(f, plain)
	if err != nil {
		return nil, err
	}
	items := make([]exchange.Item, len(pairs))
	for i, p := range pairs {
		items[i] = exchange.Item{Name: secret.Name(p.Name), Value: p.Value}
	}
	return items, nil
}

func (c sopsCodec) encode(old []byte, all []exchange.Item) ([]byte, error) {
	if old == nil || c.w.Keep == nil {
		return nil, api.Errorf(api.Missing, "sops:%s: there is no such file", c.name).
			WithHint("make it with: bailey secret export --format sops --recipient KEY --output %s", c.name)
	}
	f := sops.FormatOf(c.name)
	ids, err := c.w.Identities()
	if err != nil {
		return nil, err
	}
	groups, err := sops.Recipients(f, old)
	if err != nil {
		return nil, err
	}
	pairs := make([]sops.Pair, len(all))
	for i, it := range all {
		pairs[i] = sops.Pair{Name: string(it.Name), Value: it.Value}
	}
	plain, err := sops.Plain(f, pairs)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	b, err := sops.Update(f, old, plain, c.w.Keep(c.name, groups), ids...)
	if err != nil {
		return nil, err
	}
	// The file's own rules may leave names readable, and a repository's are
	// whoever's: nothing secret is written under such.
	if names, err := sops.InTheClear(f, b); err != nil || len(names) > 0 {
		return nil, errors.Join(err, api.Errorf(api.Denied, "the rules of sops:%s leave readable: %s", c.name, strings.Join(names, ", ")))
	}
	return b, nil
}
