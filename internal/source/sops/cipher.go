package sops

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/source/sops/tree"
)

const (
	keySize   = 32
	nonceSize = 32 // not GCM's usual 12; sops chose it
	tagSize   = 16
	maxNonce  = 64
)

var errSealed = errors.New("it is not an encrypted value, or not of this place in this file")

// box seals the values of one file under its data key. Nonces of values that
// it opened are used again for the same value in the same place, so that a
// file in version control changes only where its content does.
type box struct {
	block cipher.Block
	mark  KeyMark
	known map[place][]byte // nonces
}

// place is a value where it stands. One nonce for it is one for one plaintext.
type place struct{ kind, text, path string }

func newBox(key []byte) (*box, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("the data key has %d bytes, want %d", len(key), keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return &box{block: block, mark: sha256.Sum256(key), known: map[place][]byte{}}, nil
}

func (b *box) seal(v any, path string) (string, error) {
	plain, err := tree.Plain(v)
	if err != nil {
		return "", err
	}
	kind := tree.Kind(v)
	if len(plain) == 0 && (kind == "str" || kind == "comment") {
		return "", nil // an empty value stays empty
	}
	nonce := b.known[place{kind, string(plain), path}]
	if nonce == nil {
		nonce = make([]byte, nonceSize)
		if _, err := rand.Read(nonce); err != nil {
			return "", err
		}
	}
	gcm, err := cipher.NewGCMWithNonceSize(b.block, len(nonce))
	if err != nil {
		return "", err
	}
	out := gcm.Seal(nil, nonce, plain, []byte(path))
	data, tag := out[:len(out)-tagSize], out[len(out)-tagSize:]
	b64 := base64.StdEncoding.EncodeToString
	return "ENC[AES256_GCM,data:" + b64(data) + ",iv:" + b64(nonce) + ",tag:" + b64(tag) + ",type:" + kind + "]", nil
}

func (b *box) open(sealed, path string) (any, error) {
	if sealed == "" {
		return "", nil
	}
	data, nonce, tag, kind, ok := split(sealed)
	if !ok || len(nonce) == 0 || len(nonce) > maxNonce || len(tag) != tagSize {
		return nil, errSealed
	}
	gcm, err := cipher.NewGCMWithNonceSize(b.block, len(nonce))
	if err != nil {
		return nil, err
	}
	plain, err := gcm.Open(nil, nonce, append(data, tag...), []byte(path))
	if err != nil {
		return nil, errSealed
	}
	b.known[place{kind, string(plain), path}] = nonce
	return typed(kind, string(plain))
}

// split takes ENC[AES256_GCM,data:…,iv:…,tag:…,type:…] apart.
func split(s string) (data, nonce, tag []byte, kind string, ok bool) {
	rest, ok1 := strings.CutPrefix(s, "ENC[AES256_GCM,data:")
	rest, ok2 := strings.CutSuffix(rest, "]")
	d, rest, ok3 := strings.Cut(rest, ",iv:")
	n, rest, ok4 := strings.Cut(rest, ",tag:")
	t, kind, ok5 := strings.Cut(rest, ",type:")
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return nil, nil, nil, "", false
	}
	var errs [3]error
	data, errs[0] = base64.StdEncoding.DecodeString(d)
	nonce, errs[1] = base64.StdEncoding.DecodeString(n)
	tag, errs[2] = base64.StdEncoding.DecodeString(t)
	return data, nonce, tag, kind, errors.Join(errs[:]...) == nil
}

// typed reads what plainBytes wrote. Errors name no value.
func typed(kind, s string) (v any, err error) {
	switch kind {
	case "str", "bytes":
		return s, nil
	case "comment":
		return tree.Comment{Text: s}, nil
	case "int":
		v, err = strconv.Atoi(s)
	case "float":
		v, err = strconv.ParseFloat(s, 64)
	case "bool":
		v, err = strconv.ParseBool(s)
	case "time":
		var at time.Time
		err = at.UnmarshalText([]byte(s))
		v = at
	default:
		return nil, fmt.Errorf("type %q is not known", kind)
	}
	if err != nil {
		return nil, fmt.Errorf("it is no value of type %s", kind)
	}
	return v, nil
}
