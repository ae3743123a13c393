package identity

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/top"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// Scope is where a service token is good.
type Scope struct {
	Environment string `json:"environment"`
	SecretPath  string `json:"secretPath"` // a glob
}

// ServiceToken is the dialect's old kind of token, for one project.
type ServiceToken struct {
	ID          vault.ID
	Project     vault.ID
	Name        string
	Scopes      []Scope
	Permissions []string  // "read", "write"
	ExpiresAt   time.Time // zero: never
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

type serviceRecord struct {
	Project     vault.ID `json:"project"`
	Name        string   `json:"name"`
	Scopes      []Scope  `json:"scopes"`
	Permissions []string `json:"permissions"`
	Digest      string   `json:"digest"` // of its secret, by which it is found
	Expires     int64    `json:"expires,omitempty"`
	Created     int64    `json:"created"`
	Updated     int64    `json:"updated"`
}

func (r serviceRecord) public(id ledger.UUID) ServiceToken {
	t := ServiceToken{ID: ledger.IDOf(id), Project: r.Project, Name: r.Name, Scopes: r.Scopes, Permissions: r.Permissions,
		CreatedAt: at(r.Created), UpdatedAt: at(r.Updated)}
	if r.Expires != 0 {
		t.ExpiresAt = at(r.Expires)
	}
	return t
}

// serviceText is a service token as it is shown: st.ID.SECRET, and behind it
// what only old clients need.
type serviceText struct{ id, secret string }

func splitService(token string) (s serviceText, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) < 3 || len(parts) > 4 || parts[0] != "st" {
		return s, false
	}
	return serviceText{parts[1], parts[2]}, true
}

func (t serviceText) authenticate(ctx context.Context, v *vault.Vault, s Visit) (Principal, error) {
	return vault.Look(ctx, v, func(w *tree.Reader) (p Principal, err error) {
		row, ok := w.Top().Find(ledger.ServiceToken, digest(t.secret))
		if !ok || string(ledger.IDOf(row.ID)) != t.id {
			return p, errUnknown()
		}
		rec, err := ledger.Read[serviceRecord](w.Top(), row)
		if err != nil {
			return p, err
		}
		found := rec.public(row.ID)
		if !found.ExpiresAt.IsZero() && !s.Now.Before(found.ExpiresAt) {
			return p, ErrExpired
		}
		p.Service = &found
		return p, nil
	})
}

// CreateServiceToken makes one, good for life; its text is in this answer only.
func CreateServiceToken(ctx context.Context, v *vault.Vault, c vault.Caller, want ServiceToken) (out ServiceToken, text secret.Value, err error) {
	q := vault.Question{Action: "service-token.create", Place: vault.Place{Project: string(want.Project)}, Name: want.Name}
	out, err = vault.Write(ctx, v, c, q, func(w *tree.Writer) (out ServiceToken, err error) {
		p, err := w.Project(string(want.Project))
		if err == nil {
			err = top.ValidName("service token", want.Name)
		}
		if err != nil {
			return out, err
		}
		if len(want.Scopes) == 0 || len(want.Scopes) > 100 || len(want.Permissions) == 0 {
			return out, fault.New(fault.ErrInvalid, "a service token has 1 to 100 scopes and permissions")
		}
		for _, perm := range want.Permissions {
			if perm != "read" && perm != "write" {
				return out, fault.New(fault.ErrInvalid, "%q is no permission of a service token: read, write", perm)
			}
		}
		for i, s := range want.Scopes {
			if _, err := w.Environment(string(p.ID), s.Environment); err != nil {
				return out, err
			}
			want.Scopes[i].SecretPath = cmp.Or(s.SecretPath, "/")
		}
		id, err := ledger.NewUUID()
		if err != nil {
			return out, err
		}
		key, err := newSecret(32)
		if err != nil {
			return out, err
		}
		rec := serviceRecord{Project: p.ID, Name: want.Name, Scopes: want.Scopes, Permissions: want.Permissions, Digest: digest(key), Created: w.Ledger().Now, Updated: w.Ledger().Now}
		if !want.ExpiresAt.IsZero() {
			rec.Expires = want.ExpiresAt.UnixMilli()
		}
		text = secret.NewValue([]byte("st." + string(ledger.IDOf(id)) + "." + key))
		return rec.public(id), top.Put(w, ledger.ServiceToken, id, rec, rec.Digest)
	})
	return out, text, err
}

// ServiceTokens lists those of a project, oldest first.
func ServiceTokens(ctx context.Context, v *vault.Vault, c vault.Caller, project string) (out []ServiceToken, err error) {
	q := vault.Question{Action: "service-token.list", Place: vault.Place{Project: project}}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) ([]ServiceToken, error) {
		p, err := w.Project(project)
		if err != nil {
			return nil, err
		}
		err = top.Each(w, ledger.ServiceToken, func(id ledger.UUID, rec serviceRecord) error {
			if rec.Project == p.ID {
				out = append(out, rec.public(id))
			}
			return nil
		})
		slices.SortFunc(out, func(a, b ServiceToken) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID)) })
		return out, err
	})
}

// GetServiceToken returns one, without its text.
func GetServiceToken(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (ServiceToken, error) {
	return vault.Read(ctx, v, c, vault.Question{Action: "service-token.get", Name: id}, func(w *tree.Reader) (ServiceToken, error) {
		rec, uuid, err := top.Get[serviceRecord](w, ledger.ServiceToken, id, "Service token")
		return rec.public(uuid), err
	})
}

// DeleteServiceToken ends one.
func DeleteServiceToken(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (ServiceToken, error) {
	q := vault.Question{Action: "service-token.delete", Name: id}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (ServiceToken, error) {
		rec, uuid, err := top.Get[serviceRecord](&w.Reader, ledger.ServiceToken, id, "Service token")
		return rec.public(uuid), cmp.Or(err, top.Remove(w, ledger.ServiceToken, uuid))
	})
}
