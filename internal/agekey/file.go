package agekey

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// MaxWork bounds scrypt on opening a file under a passphrase: 2^20 KiB.
const MaxWork = 20

// Errors of Decrypt, found with errors.Is.
var (
	ErrNoMatch = errors.New("none of the keys opens it")
	ErrDamaged = errors.New("it is damaged, or not an age file")
)

// Armored says whether b begins as an age file in ASCII armor.
func Armored(b []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(b, " \t\r\n"), []byte(armor.Header))
}

// Is says whether b begins as an age file, armored or not.
func Is(b []byte) bool {
	return bytes.HasPrefix(b, []byte("age-encryption.org/")) || Armored(b)
}

// Encrypt writes plain as an age file, in ASCII armor if asked for.
func Encrypt(plain []byte, armored bool, to ...age.Recipient) ([]byte, error) {
	if len(to) == 0 {
		return nil, errors.New("no recipient")
	}
	var out bytes.Buffer
	var dst io.Writer = &out
	var sheath io.WriteCloser
	if armored {
		sheath = armor.NewWriter(&out)
		dst = sheath
	}
	w, err := age.Encrypt(dst, to...)
	if err != nil {
		return nil, err
	}
	if _, err = w.Write(plain); err == nil {
		err = w.Close()
	}
	if err == nil && sheath != nil {
		err = sheath.Close()
	}
	return out.Bytes(), err
}

// Decrypt opens an age file, armored or not, of which the whole plaintext has
// at most limit bytes. Nothing is returned of a file that is not whole.
func Decrypt(file []byte, limit int, with ...age.Identity) ([]byte, error) {
	var src io.Reader = bytes.NewReader(file)
	if Armored(file) {
		src = armor.NewReader(src)
	}
	r, err := age.Decrypt(src, with...)
	if err != nil {
		return nil, why(err)
	}
	plain, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	switch {
	case err != nil:
		return nil, ErrDamaged
	case len(plain) > limit:
		return nil, fmt.Errorf("it has more than %d bytes", limit)
	}
	return plain, nil
}

// why turns age's error into one of ours. What a plugin said comes along.
func why(err error) error {
	var none *age.NoIdentityMatchError
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity) && !errors.As(err, &none):
		return ErrNoMatch
	case errors.As(err, &none):
		return ErrNoMatch
	case errors.Is(err, errNobody):
		return errNobody
	case strings.Contains(err.Error(), "plugin"):
		return err
	case strings.Contains(err.Error(), "passphrase"):
		return fmt.Errorf("%w: %w", ErrNoMatch, errors.New("the passphrase of the key is wrong"))
	}
	return ErrDamaged
}

// Passphrase is the identity of files under a passphrase, with bounded work.
func Passphrase(p []byte) (age.Identity, error) {
	id, err := age.NewScryptIdentity(string(p))
	if err != nil {
		return nil, errors.New("the passphrase is empty")
	}
	id.SetMaxWorkFactor(MaxWork)
	return id, nil
}

// locked reads a file of identities that is itself encrypted.
func locked(file []byte, name string, ask *Asker) ([]age.Identity, error) {
	p, err := ask.secret("Passphrase of " + name + ": ")
	if err != nil {
		return nil, err
	}
	id, err := Passphrase(p)
	if err != nil {
		return nil, err
	}
	plain, err := Decrypt(file, maxText, id)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	if Is(plain) {
		return nil, errors.New("it is encrypted twice")
	}
	return Identities(plain, name, ask)
}
