package api

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"

	"github.com/bailey-project/bailey/internal/secret"
)

// Key is what opens a vault: one of these.
type Key struct {
	Passphrase   *Plain `json:"passphrase,omitempty"`
	RecoveryCode *Plain `json:"recoveryCode,omitempty"`

	Kind    string `json:"kind,omitempty"`    // of the seal that the others open
	FileKey *Plain `json:"fileKey,omitempty"` // of a keyed seal, in hex
	Shares  *Plain `json:"shares,omitempty"`  // the secret that shares combine to
}

// NewSeal is the body of POST /seals: another way to open the vault. Proof
// opens it now: who may use the vault for a while may not keep it for good.
type NewSeal struct {
	Proof Key    `json:"proof"`
	Kind  string `json:"kind"` // also the name of its file

	Passphrase *Plain `json:"passphrase,omitempty"` // kind passphrase
	Secret     *Plain `json:"secret,omitempty"`     // kind shares
	Recipient  string `json:"recipient,omitempty"`  // of age, for any other
	How        string `json:"how,omitempty"`        // where its key rests
	Data       []byte `json:"data,omitempty"`       // what finds it there
}

// KeyOfFile is the key for the seal kind that fileKey unwraps.
func KeyOfFile(kind string, fileKey secret.Value) Key {
	p := PlainString(hex.EncodeToString(fileKey.Reveal()))
	return Key{Kind: kind, FileKey: &p}
}

// UnlockWith opens the vault. Denied when the key is wrong.
func (c *Client) UnlockWith(ctx context.Context, k Key) error {
	return c.repeatable().call(ctx, http.MethodPost, Base+"/unlock", k, nil)
}

// Seal adds a way to open the vault, or replaces the one of that kind. For
// kind recovery it returns the new code, which exists nowhere else.
func (c *Client) Seal(ctx context.Context, s NewSeal) (secret.Value, error) {
	var out Recovery
	err := c.call(ctx, http.MethodPost, Base+"/seals", s, &out)
	return out.Code.Value(), err
}

// Unseal removes a way to open the vault.
func (c *Client) Unseal(ctx context.Context, proof Key, kind string) error {
	return c.call(ctx, http.MethodPost, Base+"/seals/remove", NewSeal{Proof: proof, Kind: kind}, nil)
}

// Rotated answers POST /rotate.
type Rotated struct {
	Code    Plain    `json:"recoveryCode"` // new; the old one opens the vault no more
	Dropped []string `json:"dropped,omitempty"`
}

// Rotate gives the vault new keys. passphrase seals it where proof is not one.
func (c *Client) Rotate(ctx context.Context, proof Key, passphrase *secret.Value) (Rotated, error) {
	body := NewSeal{Proof: proof}
	if passphrase != nil {
		p := NewPlain(*passphrase)
		body.Passphrase = &p
	}
	var out Rotated
	err := c.call(ctx, http.MethodPost, Base+"/rotate", body, &out)
	return out, err
}

// maxArchive bounds a backup in memory.
const maxArchive = 1 << 30

// Backup returns an archive of the whole vault, see vault.Backup.
func (c *Client) Backup(ctx context.Context) ([]byte, error) {
	resp, err := c.repeatable().send(ctx, http.MethodPost, Base+"/backup", struct{}{})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxArchive+1))
	switch {
	case resp.StatusCode != http.StatusOK:
		return nil, errorFrom(resp.StatusCode, b)
	case err != nil:
		return nil, Errorf(Unavailable, "the backup broke off; the daemon's log says why")
	case len(b) > maxArchive:
		return nil, Errorf(Invalid, "the vault has more than %d MiB", maxArchive>>20)
	}
	return b, nil
}
