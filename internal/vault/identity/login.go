package identity

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/member"
	"github.com/bailey-project/bailey/internal/vault/top"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// Token is an access token that was given out by name, or limited, or revoked.
type Token struct {
	ID        vault.ID
	Identity  vault.ID
	Name      string
	Uses      int
	Revoked   bool
	CreatedAt time.Time
	ExpiresAt time.Time
}

type tokenRecord struct {
	Identity vault.ID `json:"identity"`
	Name     string   `json:"name,omitempty"`
	Method   string   `json:"method"`
	Uses     int      `json:"uses,omitempty"`
	Revoked  bool     `json:"revoked,omitempty"`
	Created  int64    `json:"created"`
	Last     int64    `json:"last"` // milliseconds; then nobody needs the record any more
}

func (r tokenRecord) public(id ledger.UUID) Token {
	return Token{ledger.IDOf(id), r.Identity, r.Name, r.Uses, r.Revoked, at(r.Created), at(r.Last)}
}

// Grant is a new access token.
type Grant struct {
	Token       secret.Value
	TTL, MaxTTL int // seconds
	claims      claims
}

// Visit is an attempt to be let in.
type Visit struct {
	From netip.Addr // invalid when it is this machine's own socket
	Now  time.Time
}

func (s Visit) trusted(nets []netip.Prefix) bool {
	return !s.From.IsValid() || slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(s.From.Unmap()) })
}

// Login exchanges a client secret for an access token. ErrUnknown unless all
// is as it must be; that is for the caller to record, who knows how often it
// happens. A client secret has 256 random bits: the hash by which it is
// found needs no stretching.
func Login(ctx context.Context, v *vault.Vault, c vault.Caller, s Visit, clientID string, clientSecret secret.Value) (g Grant, err error) {
	q := vault.Question{Action: "identity.login", Name: clientID}
	var limited bool
	check := func(w *tree.Reader) (m methodRecord, rec clientSecretRecord, id ledger.UUID, err error) {
		row, ok := w.Top().Find(ledger.UniversalKey, clientID)
		if !ok {
			return m, rec, id, errUnknown()
		}
		if m, err = ledger.Read[methodRecord](w.Top(), row); err != nil {
			return m, rec, id, err
		}
		found, ok := w.Top().Find(ledger.ClientSecret, string(m.Identity), digest(string(clientSecret.Reveal())))
		if !ok || !s.trusted(m.ClientSecretIPs) {
			return m, rec, id, errUnknown()
		}
		rec, err = ledger.Read[clientSecretRecord](w.Top(), found)
		if err == nil && rec.expired(s.Now) {
			err = errUnknown()
		}
		limited = rec.Limit > 0
		return m, rec, found.ID, err
	}
	_, err = vault.Look(ctx, v, func(w *tree.Reader) (struct{}, error) {
		_, _, _, err := check(w)
		return struct{}{}, err
	})
	if err == nil && !limited {
		g, err = vault.Read(ctx, v, c, q, func(w *tree.Reader) (Grant, error) {
			m, _, id, err := check(w)
			if err != nil {
				return Grant{}, err
			}
			return grantOf(m, byUniversal, ledger.IDOf(id), s.Now)
		})
	}
	if err == nil && limited {
		g, err = vault.Write(ctx, v, c, q, func(w *tree.Writer) (Grant, error) {
			m, rec, id, err := check(&w.Reader)
			if err != nil {
				return Grant{}, err
			}
			rec.Uses, rec.Updated = rec.Uses+1, w.Ledger().Now
			if err := rec.put(w, id); err != nil {
				return Grant{}, err
			}
			return grantOf(m, byUniversal, ledger.IDOf(id), s.Now)
		})
	}
	if err != nil {
		return Grant{}, err
	}
	return g.signed(v)
}

// errUnknown is also of the vault's kind, so that the record says denied.
func errUnknown() error {
	return &fault.Error{Kind: fault.ErrDenied, Text: "Invalid credentials", Err: ErrUnknown}
}

// grantOf makes an unsigned token.
func grantOf(m methodRecord, how string, clientSecret vault.ID, now time.Time) (Grant, error) {
	id, err := ledger.NewUUID()
	return Grant{TTL: m.TTL, MaxTTL: m.MaxTTL, claims: claims{
		Identity: m.Identity, ClientSecret: clientSecret, ID: ledger.IDOf(id), Type: tokenType, Issued: now.Unix(),
		Expires: now.Unix() + int64(m.TTL), Born: now.Unix(), TTL: m.TTL, Last: now.Unix() + int64(m.MaxTTL), Method: how,
	}}, err
}

func (g Grant) signed(v *vault.Vault) (Grant, error) {
	key, err := v.TokenKey()
	if err != nil {
		return Grant{}, err
	}
	g.Token, err = sign(key, g.claims)
	return g, err
}

// known is what stands behind a token; ErrUnknown when nothing does any more.
func known(w *tree.Reader, c claims, s Visit) (who Identity, m methodRecord, t tokenRecord, err error) {
	kind := ledger.UniversalKey
	if c.Method == byToken {
		kind = ledger.TokenAuth
	}
	if who, err = find(w, string(c.Identity)); err == nil {
		m, _, err = top.Get[methodRecord](w, kind, string(c.Identity), "")
	}
	if err == nil && c.Method == byUniversal {
		var from clientSecretRecord
		if from, _, err = top.Get[clientSecretRecord](w, ledger.ClientSecret, string(c.ClientSecret), ""); from.Revoked {
			err = errUnknown()
		}
	}
	if err == nil {
		t, _, err = top.Get[tokenRecord](w, ledger.Token, string(c.ID), "")
		if fault.Kind(err) == fault.ErrMissing.Error() && c.Method == byUniversal {
			t, err = tokenRecord{Identity: c.Identity, Method: c.Method, Created: c.Born * 1000, Last: c.Last * 1000}, nil
		}
	}
	switch {
	case fault.Kind(err) == fault.ErrMissing.Error(),
		err == nil && (t.Revoked || m.Uses > 0 && t.Uses >= m.Uses || !s.trusted(m.TokenIPs)):
		err = errUnknown()
	}
	return who, m, t, err
}

// Principal is who a token belongs to.
type Principal struct {
	Identity Identity // of an access token
	Grants   map[vault.ID][]member.RoleGrant
	Service  *ServiceToken // of a service token instead
}

// Name is how audit records call him.
func (p Principal) Name() string {
	if p.Service != nil {
		return p.Service.Name
	}
	return p.Identity.Name
}

// Authenticate says whose token it is and what he was given at that time. It
// is not recorded: what he then asks for is.
func Authenticate(ctx context.Context, v *vault.Vault, s Visit, token secret.Value) (p Principal, err error) {
	if service, ok := splitService(string(token.Reveal())); ok {
		return service.authenticate(ctx, v, s)
	}
	c, err := claimsOf(v, token, s.Now)
	if err != nil {
		return p, err
	}
	var limit int
	p, err = vault.Look(ctx, v, func(w *tree.Reader) (p Principal, err error) {
		who, m, _, err := known(w, c, s)
		if err != nil {
			return p, err
		}
		limit, p.Identity = m.Uses, who
		p.Grants, err = member.Grants(w, who.ID, s.Now)
		return p, err
	})
	if err == nil && limit > 0 {
		err = use(ctx, v, s, c)
	}
	return p, err
}

// use counts one use of a limited token.
func use(ctx context.Context, v *vault.Vault, s Visit, c claims) error {
	q := vault.Question{Action: "token.use", Name: string(c.ID)}
	_, err := vault.Write(ctx, v, vault.Caller{Actor: "identity:" + string(c.Identity)}, q, func(w *tree.Writer) (struct{}, error) {
		_, _, t, err := known(&w.Reader, c, s)
		if err != nil {
			return struct{}{}, err
		}
		t.Uses++
		return struct{}{}, putToken(w, c, t)
	})
	return err
}

func claimsOf(v *vault.Vault, token secret.Value, now time.Time) (claims, error) {
	key, err := v.TokenKey()
	if err != nil {
		return claims{}, err
	}
	return verify(key, string(token.Reveal()), now)
}

// putToken writes a record, and removes those that nobody needs any more.
func putToken(w *tree.Writer, c claims, t tokenRecord) error {
	err := top.Each(&w.Reader, ledger.Token, func(id ledger.UUID, old tokenRecord) error {
		if old.Last >= w.Ledger().Now || old.Method != byUniversal {
			return nil
		}
		return top.Remove(w, ledger.Token, id)
	})
	id, _ := ledger.ParseID(c.ID)
	return cmp.Or(err, top.Put(w, ledger.Token, id, t))
}

func dropTokens(w *tree.Writer, identity ledger.UUID, method string) error {
	return top.Each(&w.Reader, ledger.Token, func(id ledger.UUID, t tokenRecord) error {
		if t.Identity != ledger.IDOf(identity) || t.Method != method {
			return nil
		}
		return top.Remove(w, ledger.Token, id)
	})
}

// Renew gives a token a new term, within the maximum time since its login.
// ErrSpent when there is none left: the token itself is good until it expires.
func Renew(ctx context.Context, v *vault.Vault, c vault.Caller, s Visit, token secret.Value) (g Grant, err error) {
	old, err := claimsOf(v, token, s.Now)
	if err != nil {
		return g, err
	}
	q := vault.Question{Action: "token.renew", Name: string(old.ID)}
	if _, err = vault.Look(ctx, v, func(w *tree.Reader) (struct{}, error) {
		_, _, _, err := known(w, old, s)
		return struct{}{}, err
	}); err != nil {
		return g, err
	}
	g, err = vault.Read(ctx, v, c, q, func(w *tree.Reader) (Grant, error) {
		if _, _, _, err := known(w, old, s); err != nil {
			return Grant{}, err
		}
		next := old
		next.Issued, next.Expires = s.Now.Unix(), min(s.Now.Unix()+int64(old.TTL), old.Last)
		if next.Expires <= next.Issued {
			return Grant{}, &fault.Error{Kind: fault.ErrDenied, Text: "renewing a token", Err: ErrSpent}
		}
		return Grant{TTL: int(next.Expires - next.Issued), MaxTTL: int(old.Last - old.Born), claims: next}, nil
	})
	if err != nil {
		return Grant{}, err
	}
	return g.signed(v)
}

// Revoke ends a token and what it was renewed to.
func Revoke(ctx context.Context, v *vault.Vault, c vault.Caller, s Visit, token secret.Value) error {
	old, err := claimsOf(v, token, s.Now)
	if err != nil {
		return err
	}
	q := vault.Question{Action: "token.revoke", Name: string(old.ID)}
	_, err = vault.Write(ctx, v, c, q, func(w *tree.Writer) (struct{}, error) {
		_, _, t, err := known(&w.Reader, old, s)
		t.Revoked = true
		return struct{}{}, cmp.Or(err, putToken(w, old, t))
	})
	return err
}

// CreateToken makes a token of token auth; its text is in this answer only.
func CreateToken(ctx context.Context, v *vault.Vault, c vault.Caller, s Visit, id, name string) (out Token, g Grant, err error) {
	q := vault.Question{Action: "token.create", Name: id}
	out, err = vault.Write(ctx, v, c, q, func(w *tree.Writer) (out Token, err error) {
		_, what := which(ledger.TokenAuth)
		m, _, err := top.Get[methodRecord](&w.Reader, ledger.TokenAuth, id, what)
		if err == nil && len(name) > top.MaxName {
			err = top.ValidName("token", name)
		}
		if err != nil {
			return out, err
		}
		if g, err = grantOf(m, byToken, "", s.Now); err != nil {
			return out, err
		}
		rec := tokenRecord{Identity: m.Identity, Name: name, Method: byToken, Created: w.Ledger().Now, Last: g.claims.Last * 1000}
		uuid, _ := ledger.ParseID(g.claims.ID)
		return rec.public(uuid), putToken(w, g.claims, rec)
	})
	if err != nil {
		return Token{}, Grant{}, err
	}
	g, err = g.signed(v)
	return out, g, err
}

// Tokens lists those of token auth, oldest first.
func Tokens(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (out []Token, err error) {
	q := vault.Question{Action: "token.list", Name: id}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) ([]Token, error) {
		_, what := which(ledger.TokenAuth)
		m, _, err := top.Get[methodRecord](w, ledger.TokenAuth, id, what)
		if err != nil {
			return nil, err
		}
		err = top.Each(w, ledger.Token, func(row ledger.UUID, t tokenRecord) error {
			if t.Identity == m.Identity && t.Method == byToken {
				out = append(out, t.public(row))
			}
			return nil
		})
		slices.SortFunc(out, func(a, b Token) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID)) })
		return out, err
	})
}

// ChangeToken renames a token of token auth, or revokes it.
func ChangeToken(ctx context.Context, v *vault.Vault, c vault.Caller, id string, name *string, revoke bool) (Token, error) {
	q := vault.Question{Action: "token.update", Name: id}
	if revoke {
		q.Action = "token.revoke"
	}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (Token, error) {
		rec, uuid, err := top.Get[tokenRecord](&w.Reader, ledger.Token, id, "Token")
		if err == nil && rec.Method != byToken {
			err = top.Missing("Token", id)
		}
		if err != nil {
			return Token{}, err
		}
		if name != nil {
			rec.Name = *name
			err = top.ValidName("token", rec.Name)
		}
		rec.Revoked = rec.Revoked || revoke
		return rec.public(uuid), cmp.Or(err, top.Put(w, ledger.Token, uuid, rec))
	})
}

// IsDenied says whether err means that somebody is not let in.
func IsDenied(err error) bool {
	return errors.Is(err, ErrUnknown) || errors.Is(err, ErrExpired) || errors.Is(err, ErrMalformed) || errors.Is(err, ErrSpent)
}
