package identity

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
)

// Ways a token can come about.
const (
	byUniversal = "universal-auth"
	byToken     = "token-auth"
)

// Why somebody is not let in; found with errors.Is. What is behind ErrUnknown
// is not told.
var (
	ErrUnknown   = errors.New("no such credentials")
	ErrExpired   = errors.New("token expired")
	ErrMalformed = errors.New("token malformed")
	ErrSpent     = errors.New("token past its maximum time")
)

// claims are what an access token says. It is a JWT (RFC 7519) because clients
// of the dialect look into it.
type claims struct {
	Identity     vault.ID `json:"identityId"`
	ClientSecret vault.ID `json:"clientSecretId,omitempty"`
	ID           vault.ID `json:"identityAccessTokenId"`
	Type         string   `json:"authTokenType"`
	Issued       int64    `json:"iat"` // seconds since 1970
	Expires      int64    `json:"exp"`
	Born         int64    `json:"born"` // of the first token of this id
	TTL          int      `json:"ttl"`  // by which a renewal extends it
	Last         int64    `json:"last"` // no renewal goes beyond
	Method       string   `json:"method"`
}

const tokenType = "identityAccessToken"

// header is the only one that is written or accepted: no other algorithm.
const header = `{"alg":"HS256","typ":"JWT"}`

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func mac(key secret.Value, text string) []byte {
	h := hmac.New(sha256.New, key.Reveal())
	h.Write([]byte(text))
	return h.Sum(nil)
}

func sign(key secret.Value, c claims) (secret.Value, error) {
	b, err := json.Marshal(c)
	if err != nil {
		return secret.Value{}, err
	}
	text := encode([]byte(header)) + "." + encode(b)
	return secret.NewValue([]byte(text + "." + encode(mac(key, text)))), nil
}

// verify reads a token that this vault signed.
func verify(key secret.Value, token string, now time.Time) (c claims, err error) {
	text, sum, _ := cutLast(token, ".")
	head, body, ok := strings.Cut(text, ".")
	if !ok || head != encode([]byte(header)) {
		return c, ErrMalformed
	}
	got, err := base64.RawURLEncoding.Strict().DecodeString(sum)
	if err != nil || !hmac.Equal(got, mac(key, text)) {
		return c, ErrMalformed
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return c, ErrMalformed
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if d.Decode(&c) != nil || c.Type != tokenType {
		return c, ErrMalformed
	}
	if now.Unix() >= c.Expires {
		return c, ErrExpired
	}
	return c, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
