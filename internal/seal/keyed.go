package seal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"filippo.io/age"

	"github.com/bailey-project/bailey/internal/secret"
)

// How says where the key rests that opens a keyed seal.
type How string

// The ways.
const (
	HowKey     How = "key"     // with its owner: an identity of age, an ssh key, a plugin's
	HowKeyring How = "keyring" // in the operating system's keyring
	HowTPM     How = "tpm"     // under the TPM of this machine
)

// Note stands in the header of a keyed seal, readable and under its MAC: what
// finds the key again, and nothing secret.
type Note struct {
	How  How
	Data []byte // the name in the keyring; what the TPM wrapped
	To   string // the recipient, to seal another root key for it
}

const (
	noteStanza = "bailey-note"
	forStanza  = "bailey-for"
	maxKeyed   = 64 << 10
	// FileKeySize is the length of what FileKey returns.
	FileKeySize = 16
)

// keyed seals for a recipient of age. Whoever has the key unwraps the file key
// in his own process, with FileKey, where a plugin can ask and a passphrase is
// typed; only that goes to whoever opens.
type keyed struct {
	kind    string
	to      age.Recipient
	note    Note
	fileKey secret.Value
}

// ForKey seals for a recipient. Its Open is an error: see WithFileKey.
func ForKey(kind string, to age.Recipient, n Note) Sealer { return keyed{kind: kind, to: to, note: n} }

// WithFileKey opens what FileKey was taken from. Its Seal is an error.
func WithFileKey(kind string, fileKey secret.Value) Sealer {
	return keyed{kind: kind, fileKey: fileKey}
}

func (k keyed) Kind() string { return k.kind }

func (k keyed) Seal(root []byte) ([]byte, error) {
	if len(root) != RootSize {
		return nil, fmt.Errorf("root key has %d bytes, want %d", len(root), RootSize)
	}
	if k.to == nil {
		return nil, errors.New("no recipient to seal for")
	}
	var out bytes.Buffer
	w, err := age.Encrypt(&out, noted{k.to, k.note})
	if err != nil {
		return nil, err
	}
	if _, err = w.Write(root); err == nil {
		err = w.Close()
	}
	if out.Len() > maxKeyed {
		return nil, errors.New("the sealed root key is too long")
	}
	return out.Bytes(), err
}

func (k keyed) Open(sealed []byte) ([]byte, error) {
	if len(sealed) > maxKeyed || k.fileKey.Len() != FileKeySize {
		return nil, ErrDamaged
	}
	r, err := age.Decrypt(bytes.NewReader(sealed), age.NewInjectedFileKeyIdentity(bytes.Clone(k.fileKey.Reveal())))
	if err != nil {
		return nil, ErrWrong // another file's key, or a damaged header: the vault knows the hash
	}
	root, err := io.ReadAll(io.LimitReader(r, RootSize+1))
	if err != nil || len(root) != RootSize {
		return nil, ErrDamaged
	}
	return root, nil
}

// FileKey unwraps the file key of a keyed seal.
func FileKey(sealed []byte, ids ...age.Identity) (secret.Value, error) {
	if len(sealed) > maxKeyed {
		return secret.Value{}, ErrDamaged
	}
	header, err := age.ExtractHeader(bytes.NewReader(sealed))
	if err != nil {
		return secret.Value{}, ErrDamaged
	}
	key, err := age.DecryptHeader(header, ids...)
	switch {
	case errors.Is(err, age.ErrIncorrectIdentity):
		return secret.Value{}, ErrWrong
	case err != nil:
		return secret.Value{}, err
	}
	return secret.NewValue(key), nil
}

// ReadNote reads the note of a keyed seal; false for a file without one. It is
// authenticated only by opening the file.
func ReadNote(sealed []byte) (Note, bool) {
	if len(sealed) > maxKeyed {
		return Note{}, false
	}
	header, err := age.ExtractHeader(bytes.NewReader(sealed))
	if err != nil {
		return Note{}, false
	}
	var n noteReader
	_, _ = age.DecryptHeader(header, &n)
	return n.note, n.note.How != ""
}

// noteReader is no identity: it looks at the stanzas and declines.
type noteReader struct{ note Note }

func (n *noteReader) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	for _, s := range stanzas {
		switch {
		case s.Type == noteStanza && len(s.Args) == 1:
			n.note.How, n.note.Data = How(s.Args[0]), s.Body
		case s.Type == forStanza:
			n.note.To = string(s.Body)
		}
	}
	return nil, age.ErrIncorrectIdentity
}

// noted is a recipient with a note beside it. age wants recipients of one file
// to agree on labels (a post-quantum one keeps no company that is less), and a
// note takes nothing away: it wraps nothing.
type noted struct {
	to   age.Recipient
	note Note
}

func (n noted) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	s, _, err := n.WrapWithLabels(fileKey)
	return s, err
}

func (n noted) WrapWithLabels(fileKey []byte) (s []*age.Stanza, labels []string, err error) {
	if l, ok := n.to.(age.RecipientWithLabels); ok {
		s, labels, err = l.WrapWithLabels(fileKey)
	} else {
		s, err = n.to.Wrap(fileKey)
	}
	return append(slices.Clone(s), &age.Stanza{Type: noteStanza, Args: []string{string(n.note.How)}, Body: n.note.Data},
		&age.Stanza{Type: forStanza, Body: []byte(n.note.To)}), labels, err
}

// NewKey makes a key for a place that keeps one: the identity as text, to be
// kept there, and its recipient. It is a post-quantum hybrid: the file may be
// copied today and attacked in thirty years.
func NewKey() (identity secret.Value, to age.Recipient, err error) {
	id, err := age.GenerateHybridIdentity()
	if err != nil {
		return secret.Value{}, nil, err
	}
	return secret.NewValue([]byte(id.String())), id.Recipient(), nil
}

// keptKey reads what NewKey made.
func keptKey(text []byte) (age.Identity, error) {
	id, err := age.ParseHybridIdentity(string(text))
	if err != nil {
		return nil, errors.New("what was kept there is no key of a vault")
	}
	return id, nil
}
