// Package agekey reads the keys that files are encrypted to with age: native
// ones, post-quantum hybrids, tagged recipients of hardware tokens, ssh keys
// and those of plugins.
//
// It does not look for keys and reads no file: it is given text. Its
// invariants: no error holds a private key or any part of one; and a plugin
// (a program age-plugin-NAME in PATH) runs only when a key that names it is
// used, never while keys are read.
package agekey

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"filippo.io/age/plugin"
	"filippo.io/age/tag"
	"golang.org/x/crypto/ssh"
)

const (
	maxText = 1 << 20 // of a file of identities or recipients
	maxKeys = 1024
	maxLine = 8 << 10 // as sshd reads them; an RSA key of 16384 bits fits
)

// Asker talks with a person on behalf of a plugin or of a key under a
// passphrase. Its nil value refuses to ask.
type Asker struct {
	Secret  func(prompt string) ([]byte, error)
	Confirm func(prompt string) (bool, error)
	Notef   func(format string, args ...any)
}

var errNobody = errors.New("there is nobody to ask")

// Recipient reads one recipient: age1…, age1pq1…, age1tag1…, age1NAME1… of a
// plugin, or an ssh public key.
func Recipient(s string, ask *Asker) (age.Recipient, error) {
	s = strings.TrimSpace(s)
	var r age.Recipient
	var err error
	switch {
	case len(s) > maxLine:
		return nil, errors.New("it is too long for a recipient")
	case strings.HasPrefix(s, "age1tag1"), strings.HasPrefix(s, "age1tagpq1"):
		r, err = tag.ParseRecipient(s)
	case strings.HasPrefix(s, "age1pq1"):
		r, err = age.ParseHybridRecipient(s)
	case strings.HasPrefix(s, "age1") && strings.Count(s, "1") > 1:
		r, err = plugin.NewRecipient(s, ask.forPlugin())
	case strings.HasPrefix(s, "age1"):
		r, err = age.ParseX25519Recipient(s)
	case strings.HasPrefix(s, "ssh-"):
		r, err = agessh.ParseRecipient(s)
	case strings.HasPrefix(strings.ToUpper(s), "AGE-"):
		return nil, errors.New("that is a private key, where the public one belongs")
	default:
		return nil, errors.New("it is no recipient: one begins with age1 or ssh-")
	}
	if err != nil {
		return nil, fmt.Errorf("%.16s… is no recipient that age reads", s)
	}
	return r, nil
}

// Recipients reads a file of them, one per line; empty lines and lines that
// begin with # do not count.
func Recipients(text []byte, ask *Asker) ([]age.Recipient, error) {
	lines, err := lines(text)
	if err != nil {
		return nil, err
	}
	var out []age.Recipient
	for _, l := range lines {
		r, err := Recipient(l.text, ask)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", l.number, err)
		}
		out = append(out, r)
	}
	return out, nil
}

// Identities reads private keys: a file of age's, one per line, such a file
// under a passphrase, or an ssh private key, which may have a passphrase too.
// name stands in the question for it.
func Identities(text []byte, name string, ask *Asker) ([]age.Identity, error) {
	if len(text) > maxText {
		return nil, errors.New("it is too long for a file of keys")
	}
	trimmed := bytes.TrimSpace(text)
	switch {
	case bytes.HasPrefix(trimmed, []byte("age-encryption.org/")), bytes.HasPrefix(trimmed, []byte(armor.Header)):
		return locked(trimmed, name, ask)
	case bytes.HasPrefix(trimmed, []byte("-----BEGIN")):
		id, err := sshKey(trimmed, name, ask)
		if err != nil {
			return nil, err
		}
		return []age.Identity{id}, nil
	}
	lines, err := lines(text)
	if err != nil {
		return nil, err
	}
	var out []age.Identity
	for _, l := range lines {
		id, err := identity(l.text, ask)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", l.number, err)
		}
		out = append(out, id)
	}
	return out, nil
}

// identity reads one line. age's own errors may quote it.
func identity(s string, ask *Asker) (age.Identity, error) {
	var id age.Identity
	var err error
	switch {
	case strings.HasPrefix(s, "AGE-PLUGIN-"):
		id, err = plugin.NewIdentity(s, ask.forPlugin())
	case strings.HasPrefix(s, "AGE-SECRET-KEY-1"):
		id, err = age.ParseX25519Identity(s)
	case strings.HasPrefix(s, "AGE-SECRET-KEY-PQ-1"):
		id, err = age.ParseHybridIdentity(s)
	default:
		return nil, errors.New("it is no identity of age")
	}
	if err != nil {
		return nil, errors.New("it is a damaged identity of age")
	}
	return id, nil
}

// RecipientOf gives the recipient that belongs to an identity, where that can
// be known without asking: not for a plugin's.
func RecipientOf(id age.Identity) (age.Recipient, bool) {
	switch id := id.(type) {
	case *age.X25519Identity:
		return id.Recipient(), true
	case *age.HybridIdentity:
		return id.Recipient(), true
	case *plugin.Identity:
		return id.Recipient(), true
	case *agessh.Ed25519Identity:
		return id.Recipient(), true
	case *agessh.RSAIdentity:
		return id.Recipient(), true
	case *agessh.EncryptedSSHIdentity:
		return id.Recipient(), true
	}
	return nil, false
}

func sshKey(pem []byte, name string, ask *Asker) (age.Identity, error) {
	id, err := agessh.ParseIdentity(pem)
	var missing *ssh.PassphraseMissingError
	switch {
	case err == nil:
		return id, nil
	case !errors.As(err, &missing):
		return nil, errors.New("it is no ssh private key that age can use (ed25519 and rsa are)")
	case missing.PublicKey == nil:
		return nil, errors.New("it is an old-style ssh key under a passphrase; convert it with: ssh-keygen -p -f FILE")
	}
	return agessh.NewEncryptedSSHIdentity(missing.PublicKey, pem, func() ([]byte, error) {
		return ask.secret("Passphrase of " + name + ": ")
	})
}

func (a *Asker) secret(prompt string) ([]byte, error) {
	if a == nil || a.Secret == nil {
		return nil, errNobody
	}
	return a.Secret(prompt)
}

// forPlugin lets a plugin talk through a. What a plugin says is somebody
// else's text: it is shown with its name before it.
func (a *Asker) forPlugin() *plugin.ClientUI {
	notef := func(format string, args ...any) {
		if a != nil && a.Notef != nil {
			a.Notef(format, args...)
		}
	}
	return &plugin.ClientUI{
		DisplayMessage: func(name, message string) error {
			notef("age-plugin-%s: %s", name, message)
			return nil
		},
		RequestValue: func(name, prompt string, _ bool) (string, error) {
			b, err := a.secret("age-plugin-" + name + ": " + prompt + ": ")
			return string(b), err
		},
		Confirm: func(name, prompt, _, _ string) (bool, error) {
			if a == nil || a.Confirm == nil {
				return false, errNobody
			}
			return a.Confirm("age-plugin-" + name + ": " + prompt)
		},
		WaitTimer: func(name string) { notef("waiting for age-plugin-%s: is a touch or a PIN wanted?", name) },
	}
}

type line struct {
	number int
	text   string
}

func lines(text []byte) ([]line, error) {
	if len(text) > maxText {
		return nil, errors.New("it is too long for a file of keys")
	}
	var out []line
	n := 0
	for l := range strings.Lines(string(text)) {
		n++
		l = strings.TrimSpace(l)
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		if out = append(out, line{n, l}); len(out) > maxKeys {
			return nil, fmt.Errorf("more than %d keys", maxKeys)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("there is no key in it")
	}
	return out, nil
}
