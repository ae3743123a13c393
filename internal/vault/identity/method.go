package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/top"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// Limits of what a way to log in may promise.
const (
	DefaultTTL = 2_592_000   // seconds: 30 days
	MaxTTL     = 315_360_000 // seconds: 10 years
)

// Method is a way to log in: universal auth or token auth.
type Method struct {
	ID              vault.ID
	Identity        vault.ID
	ClientID        vault.ID       // of universal auth
	TTL, MaxTTL     int            // of access tokens, seconds
	Uses            int            // of an access token; 0 = any number
	TokenIPs        []netip.Prefix // from where access tokens are good
	ClientSecretIPs []netip.Prefix // from where one may log in with universal auth
	CreatedAt       time.Time
	UpdatedAt       time.Time
}

type methodRecord struct {
	ID              vault.ID       `json:"id"`
	Identity        vault.ID       `json:"identity"`
	ClientID        vault.ID       `json:"clientId,omitempty"`
	TTL             int            `json:"ttl"`
	MaxTTL          int            `json:"maxTtl"`
	Uses            int            `json:"uses,omitempty"`
	TokenIPs        []netip.Prefix `json:"tokenIps"`
	ClientSecretIPs []netip.Prefix `json:"clientSecretIps,omitempty"`
	Created         int64          `json:"created"`
	Updated         int64          `json:"updated"`
}

func (r methodRecord) public() Method {
	return Method{r.ID, r.Identity, r.ClientID, r.TTL, r.MaxTTL, r.Uses, r.TokenIPs, r.ClientSecretIPs, at(r.Created), at(r.Updated)}
}

// anywhere is what a method trusts that is not told.
func anywhere() []netip.Prefix {
	return []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}
}

// MethodChange sets what is not nil.
type MethodChange struct {
	TTL, MaxTTL, Uses         *int
	TokenIPs, ClientSecretIPs []netip.Prefix
}

func (r *methodRecord) apply(ch MethodChange) error {
	set := func(to *int, from *int) {
		if from != nil {
			*to = *from
		}
	}
	set(&r.TTL, ch.TTL)
	set(&r.MaxTTL, ch.MaxTTL)
	set(&r.Uses, ch.Uses)
	if ch.TokenIPs != nil {
		r.TokenIPs = ch.TokenIPs
	}
	if ch.ClientSecretIPs != nil {
		r.ClientSecretIPs = ch.ClientSecretIPs
	}
	switch {
	case r.TTL < 1 || r.TTL > MaxTTL || r.MaxTTL < 1 || r.MaxTTL > MaxTTL || r.Uses < 0:
		return fault.New(fault.ErrInvalid, "access token TTL and max TTL are 1 to %d seconds, the number of uses is not negative", MaxTTL)
	case r.TTL > r.MaxTTL:
		return fault.New(fault.ErrInvalid, "Access token TTL cannot be greater than max TTL")
	}
	return nil
}

// which tells the two methods apart.
func which(kind ledger.Kind) (noun, what string) {
	if kind == ledger.UniversalKey {
		return "universal-auth", "The identity does not have universal auth; identity"
	}
	return "token-auth", "The identity does not have token auth; identity"
}

func attach(ctx context.Context, v *vault.Vault, c vault.Caller, kind ledger.Kind, id string, ch MethodChange) (Method, error) {
	noun, _ := which(kind)
	return vault.Write(ctx, v, c, vault.Question{Action: noun + ".attach", Name: id}, func(w *tree.Writer) (out Method, err error) {
		_, uuid, err := top.Get[identityRecord](&w.Reader, ledger.Identity, id, "Identity")
		if err != nil {
			return out, err
		}
		if _, there := w.Top().Row(kind, uuid); there {
			return out, fault.New(fault.ErrExists, "%s is already configured for the identity", noun)
		}
		own, err := ledger.NewUUID()
		if err != nil {
			return out, err
		}
		rec := methodRecord{ID: ledger.IDOf(own), Identity: ledger.IDOf(uuid), TTL: DefaultTTL, MaxTTL: DefaultTTL, TokenIPs: anywhere(),
			Created: w.Ledger().Now, Updated: w.Ledger().Now}
		if kind == ledger.UniversalKey {
			client, err := ledger.NewUUID()
			if err != nil {
				return out, err
			}
			rec.ClientID, rec.ClientSecretIPs = ledger.IDOf(client), anywhere()
		}
		if err := rec.apply(ch); err != nil {
			return out, err
		}
		return rec.public(), rec.put(w, kind, uuid)
	})
}

func (r methodRecord) put(w *tree.Writer, kind ledger.Kind, id ledger.UUID) error {
	if kind == ledger.UniversalKey {
		return top.Put(w, kind, id, r, string(r.ClientID))
	}
	return top.Put(w, kind, id, r)
}

func method(ctx context.Context, v *vault.Vault, c vault.Caller, kind ledger.Kind, id string) (Method, error) {
	noun, what := which(kind)
	return vault.Read(ctx, v, c, vault.Question{Action: noun + ".get", Name: id}, func(w *tree.Reader) (Method, error) {
		rec, _, err := top.Get[methodRecord](w, kind, id, what)
		return rec.public(), err
	})
}

func update(ctx context.Context, v *vault.Vault, c vault.Caller, kind ledger.Kind, id string, ch MethodChange) (Method, error) {
	noun, what := which(kind)
	return vault.Write(ctx, v, c, vault.Question{Action: noun + ".update", Name: id}, func(w *tree.Writer) (Method, error) {
		rec, uuid, err := top.Get[methodRecord](&w.Reader, kind, id, what)
		if err != nil {
			return Method{}, err
		}
		if err := rec.apply(ch); err != nil {
			return Method{}, err
		}
		rec.Updated = w.Ledger().Now
		return rec.public(), rec.put(w, kind, uuid)
	})
}

func detach(ctx context.Context, v *vault.Vault, c vault.Caller, kind ledger.Kind, id string) (Method, error) {
	noun, what := which(kind)
	return vault.Write(ctx, v, c, vault.Question{Action: noun + ".detach", Name: id}, func(w *tree.Writer) (Method, error) {
		rec, uuid, err := top.Get[methodRecord](&w.Reader, kind, id, what)
		if err != nil {
			return Method{}, err
		}
		if kind == ledger.UniversalKey {
			return rec.public(), dropUniversal(w, uuid)
		}
		return rec.public(), dropTokenAuth(w, uuid)
	})
}

// AttachUniversal lets an identity log in with a client id and client secrets.
func AttachUniversal(ctx context.Context, v *vault.Vault, c vault.Caller, id string, ch MethodChange) (Method, error) {
	return attach(ctx, v, c, ledger.UniversalKey, id, ch)
}

// Universal returns an identity's universal auth.
func Universal(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (Method, error) {
	return method(ctx, v, c, ledger.UniversalKey, id)
}

// UpdateUniversal changes it; tokens that were given out keep their times.
func UpdateUniversal(ctx context.Context, v *vault.Vault, c vault.Caller, id string, ch MethodChange) (Method, error) {
	return update(ctx, v, c, ledger.UniversalKey, id, ch)
}

// DetachUniversal ends it, with all client secrets and tokens.
func DetachUniversal(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (Method, error) {
	return detach(ctx, v, c, ledger.UniversalKey, id)
}

// AttachToken lets an identity have tokens without a login.
func AttachToken(ctx context.Context, v *vault.Vault, c vault.Caller, id string, ch MethodChange) (Method, error) {
	return attach(ctx, v, c, ledger.TokenAuth, id, ch)
}

// TokenAuth returns an identity's token auth.
func TokenAuth(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (Method, error) {
	return method(ctx, v, c, ledger.TokenAuth, id)
}

// UpdateToken changes it.
func UpdateToken(ctx context.Context, v *vault.Vault, c vault.Caller, id string, ch MethodChange) (Method, error) {
	return update(ctx, v, c, ledger.TokenAuth, id, ch)
}

// DetachToken ends it, with all its tokens.
func DetachToken(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (Method, error) {
	return detach(ctx, v, c, ledger.TokenAuth, id)
}

func dropUniversal(w *tree.Writer, id ledger.UUID) error {
	err := top.Each(&w.Reader, ledger.ClientSecret, func(row ledger.UUID, s clientSecretRecord) error {
		if s.Identity != ledger.IDOf(id) {
			return nil
		}
		return top.Remove(w, ledger.ClientSecret, row)
	})
	return cmp.Or(err, dropTokens(w, id, byUniversal), top.Remove(w, ledger.UniversalKey, id))
}

func dropTokenAuth(w *tree.Writer, id ledger.UUID) error {
	return cmp.Or(dropTokens(w, id, byToken), top.Remove(w, ledger.TokenAuth, id))
}

// ClientSecret is what one logs in with. The secret itself is shown once.
type ClientSecret struct {
	ID          vault.ID
	Method      vault.ID // of the universal auth
	Description string
	Prefix      string // its first four characters
	TTL         int    // seconds; 0 = for ever
	Limit, Uses int    // logins; 0 = any number
	Revoked     bool
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

type clientSecretRecord struct {
	Identity    vault.ID `json:"identity"`
	Description string   `json:"description,omitempty"`
	Prefix      string   `json:"prefix"`
	Digest      string   `json:"digest"` // by which it is found
	TTL         int      `json:"ttl,omitempty"`
	Limit       int      `json:"limit,omitempty"`
	Uses        int      `json:"uses,omitempty"`
	Revoked     bool     `json:"revoked,omitempty"`
	Created     int64    `json:"created"`
	Updated     int64    `json:"updated"`
}

func (r clientSecretRecord) public(method vault.ID, id ledger.UUID) ClientSecret {
	return ClientSecret{ledger.IDOf(id), method, r.Description, r.Prefix, r.TTL, r.Limit, r.Uses, r.Revoked, at(r.Created), at(r.Updated)}
}

// put writes it; a revoked one is found by its id only.
func (r clientSecretRecord) put(w *tree.Writer, id ledger.UUID) error {
	if r.Revoked {
		return top.Put(w, ledger.ClientSecret, id, r)
	}
	return top.Put(w, ledger.ClientSecret, id, r, string(r.Identity), r.Digest)
}

// expired says whether it does not let anybody in at that time.
func (r clientSecretRecord) expired(now time.Time) bool {
	return r.Revoked || r.TTL > 0 && now.After(at(r.Created).Add(time.Duration(r.TTL)*time.Second)) || r.Limit > 0 && r.Uses >= r.Limit
}

// newSecret makes n random bytes in hex.
func newSecret(n int) (string, error) {
	b := make([]byte, n)
	_, err := rand.Read(b)
	return hex.EncodeToString(b), err
}

// digest stands for a secret of 256 random bits, which need no stretching. It
// is kept, so that the record can be found again under another key.
func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// CreateClientSecret makes one; the secret is in this answer only.
func CreateClientSecret(ctx context.Context, v *vault.Vault, c vault.Caller, id string, want ClientSecret) (out ClientSecret, key secret.Value, err error) {
	q := vault.Question{Action: "client-secret.create", Name: id}
	out, err = vault.Write(ctx, v, c, q, func(w *tree.Writer) (out ClientSecret, err error) {
		_, what := which(ledger.UniversalKey)
		m, uuid, err := top.Get[methodRecord](&w.Reader, ledger.UniversalKey, id, what)
		if err != nil {
			return out, err
		}
		if want.TTL < 0 || want.TTL > MaxTTL || want.Limit < 0 || len(want.Description) > top.MaxName {
			return out, fault.New(fault.ErrInvalid, "a client secret's TTL is 0 to %d seconds, its limit not negative, its description at most %d bytes", MaxTTL, top.MaxName)
		}
		text, err := newSecret(32)
		if err != nil {
			return out, err
		}
		own, err := ledger.NewUUID()
		if err != nil {
			return out, err
		}
		key = secret.NewValue([]byte(text))
		rec := clientSecretRecord{Identity: ledger.IDOf(uuid), Description: want.Description, Prefix: text[:4], Digest: digest(text), TTL: want.TTL, Limit: want.Limit,
			Created: w.Ledger().Now, Updated: w.Ledger().Now}
		return rec.public(m.ID, own), rec.put(w, own)
	})
	return out, key, err
}

// ClientSecrets lists those of an identity, oldest first.
func ClientSecrets(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (out []ClientSecret, err error) {
	q := vault.Question{Action: "client-secret.list", Name: id}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) ([]ClientSecret, error) {
		_, what := which(ledger.UniversalKey)
		m, _, err := top.Get[methodRecord](w, ledger.UniversalKey, id, what)
		if err != nil {
			return nil, err
		}
		err = top.Each(w, ledger.ClientSecret, func(row ledger.UUID, rec clientSecretRecord) error {
			if rec.Identity == m.Identity && !rec.Revoked {
				out = append(out, rec.public(m.ID, row))
			}
			return nil
		})
		slices.SortFunc(out, func(a, b ClientSecret) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID)) })
		return out, err
	})
}

// RevokeClientSecret ends it, and the tokens that it gave.
func RevokeClientSecret(ctx context.Context, v *vault.Vault, c vault.Caller, id, which string) (ClientSecret, error) {
	q := vault.Question{Action: "client-secret.revoke", Name: which}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (ClientSecret, error) {
		m, rec, uuid, err := clientSecret(&w.Reader, id, which)
		if err != nil {
			return ClientSecret{}, err
		}
		rec.Revoked, rec.Updated = true, w.Ledger().Now
		return rec.public(m.ID, uuid), rec.put(w, uuid)
	})
}

// GetClientSecret returns one, without the secret.
func GetClientSecret(ctx context.Context, v *vault.Vault, c vault.Caller, id, which string) (ClientSecret, error) {
	q := vault.Question{Action: "client-secret.get", Name: which}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) (ClientSecret, error) {
		m, rec, uuid, err := clientSecret(w, id, which)
		return rec.public(m.ID, uuid), err
	})
}

func clientSecret(w *tree.Reader, id, secretID string) (m methodRecord, rec clientSecretRecord, uuid ledger.UUID, err error) {
	_, what := which(ledger.UniversalKey)
	if m, _, err = top.Get[methodRecord](w, ledger.UniversalKey, id, what); err != nil {
		return m, rec, uuid, err
	}
	rec, uuid, err = top.Get[clientSecretRecord](w, ledger.ClientSecret, secretID, "Client secret")
	if err == nil && rec.Identity != m.Identity {
		err = top.Missing("Client secret", secretID)
	}
	return m, rec, uuid, err
}
