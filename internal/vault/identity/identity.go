// Package identity keeps who may ask over the network: organisations, machine
// identities with their ways to log in, their tokens, and service tokens.
//
// It answers who somebody is and which roles were given to him (member); what a
// role permits it does not know, nor does it listen anywhere. Its invariants: of a
// client secret or service token only a keyed hash is kept; an access token
// holds for nobody once its identity, its client secret or itself is revoked;
// and whoever is refused learns nothing of why.
package identity

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/member"
	"github.com/bailey-project/bailey/internal/vault/top"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// Roles in an organisation.
const (
	OrgAdmin  = "admin"     // makes projects and identities
	OrgMember = "member"    // makes projects
	OrgNone   = "no-access" // only what projects give
)

// Metadata is a pair that an identity carries.
type Metadata struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Identity is a machine that may log in.
type Identity struct {
	ID           vault.ID
	Organisation vault.ID
	Name         string
	Role         string // in the organisation
	Metadata     []Metadata
	Protected    bool     // is not deleted
	Methods      []string // "universal-auth", "token-auth"
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

type identityRecord struct {
	Organisation vault.ID   `json:"organisation"`
	Name         string     `json:"name"`
	Role         string     `json:"role"`
	Metadata     []Metadata `json:"metadata,omitempty"`
	Protected    bool       `json:"protected,omitempty"`
	Created      int64      `json:"created"`
	Updated      int64      `json:"updated"`
}

func (r identityRecord) public(w *tree.Reader, id ledger.UUID) Identity {
	out := Identity{ID: ledger.IDOf(id), Organisation: r.Organisation, Name: r.Name, Role: r.Role, Metadata: r.Metadata,
		Protected: r.Protected, Methods: []string{}, CreatedAt: at(r.Created), UpdatedAt: at(r.Updated)}
	if _, ok := w.Top().Row(ledger.UniversalKey, id); ok {
		out.Methods = append(out.Methods, "universal-auth")
	}
	if _, ok := w.Top().Row(ledger.TokenAuth, id); ok {
		out.Methods = append(out.Methods, "token-auth")
	}
	return out
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

func validRole(s string) error {
	if !slices.Contains([]string{OrgAdmin, OrgMember, OrgNone}, s) {
		return fault.New(fault.ErrInvalid, "%q is no role in an organisation: %s, %s, %s", s, OrgAdmin, OrgMember, OrgNone)
	}
	return nil
}

// Create makes an identity that cannot log in yet.
func Create(ctx context.Context, v *vault.Vault, c vault.Caller, want Identity) (Identity, error) {
	q := vault.Question{Action: "identity.create", Name: want.Name}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (out Identity, err error) {
		want.Role = cmp.Or(want.Role, OrgNone)
		if err := cmp.Or(top.ValidName("identity", want.Name), validRole(want.Role)); err != nil {
			return out, err
		}
		org, err := organisation(&w.Reader, string(want.Organisation))
		if err != nil {
			return out, err
		}
		id, err := ledger.NewUUID()
		if err != nil {
			return out, err
		}
		rec := identityRecord{Organisation: org.ID, Name: want.Name, Role: want.Role, Metadata: want.Metadata,
			Protected: want.Protected, Created: w.Ledger().Now, Updated: w.Ledger().Now}
		return rec.public(&w.Reader, id), top.Put(w, ledger.Identity, id, rec)
	})
}

// Get returns one identity.
func Get(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (Identity, error) {
	return vault.Read(ctx, v, c, vault.Question{Action: "identity.get", Name: id}, func(w *tree.Reader) (Identity, error) {
		return find(w, id)
	})
}

func find(w *tree.Reader, id string) (Identity, error) {
	rec, uuid, err := top.Get[identityRecord](w, ledger.Identity, id, "Identity")
	if err != nil {
		return Identity{}, err
	}
	return rec.public(w, uuid), nil
}

// List returns all identities by name.
func List(ctx context.Context, v *vault.Vault, c vault.Caller) (out []Identity, err error) {
	return vault.Read(ctx, v, c, vault.Question{Action: "identity.list"}, func(w *tree.Reader) ([]Identity, error) {
		err := top.Each(w, ledger.Identity, func(id ledger.UUID, rec identityRecord) error {
			out = append(out, rec.public(w, id))
			return nil
		})
		slices.SortFunc(out, func(a, b Identity) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
		return out, err
	})
}

// Change of an identity; what is nil stays.
type Change struct {
	Name, Role *string
	Metadata   []Metadata
	Protected  *bool
}

// Update changes an identity.
func Update(ctx context.Context, v *vault.Vault, c vault.Caller, id string, ch Change) (Identity, error) {
	q := vault.Question{Action: "identity.update", Name: id}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (out Identity, err error) {
		rec, uuid, err := top.Get[identityRecord](&w.Reader, ledger.Identity, id, "Identity")
		if err != nil {
			return out, err
		}
		if ch.Name != nil && *ch.Name != "" {
			rec.Name = *ch.Name
		}
		if ch.Role != nil && *ch.Role != "" {
			rec.Role = *ch.Role
		}
		if ch.Metadata != nil {
			rec.Metadata = ch.Metadata
		}
		if ch.Protected != nil {
			rec.Protected = *ch.Protected
		}
		if err := cmp.Or(top.ValidName("identity", rec.Name), validRole(rec.Role)); err != nil {
			return out, err
		}
		rec.Updated = w.Ledger().Now
		return rec.public(&w.Reader, uuid), top.Put(w, ledger.Identity, uuid, rec)
	})
}

// Delete removes an identity with everything that let it in anywhere.
func Delete(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (Identity, error) {
	q := vault.Question{Action: "identity.delete", Name: id}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (Identity, error) {
		rec, uuid, err := top.Get[identityRecord](&w.Reader, ledger.Identity, id, "Identity")
		if err != nil {
			return Identity{}, err
		}
		if rec.Protected {
			return Identity{}, fault.New(fault.ErrInvalid, "identity %s is protected from deletion", rec.Name)
		}
		out := rec.public(&w.Reader, uuid)
		for _, err := range []error{
			dropUniversal(w, uuid), dropTokenAuth(w, uuid),
			member.Forget(w, out.ID),
			top.Remove(w, ledger.Identity, uuid),
		} {
			if err != nil {
				return Identity{}, err
			}
		}
		return out, nil
	})
}

// Organisation owns projects and identities.
type Organisation struct {
	ID        vault.ID
	Slug      string
	Name      string
	CreatedAt time.Time
	UpdatedAt time.Time
}

type organisationRecord struct {
	Slug    string `json:"slug"`
	Name    string `json:"name"`
	Created int64  `json:"created"`
	Updated int64  `json:"updated"`
}

// own is the organisation that every vault has; its id is the vault's.
func own(w *tree.Reader) Organisation {
	return Organisation{ID: ledger.IDOf(w.Top().ID), Slug: "bailey", Name: "Bailey"}
}

// organisation finds one by id or slug; "" is the vault's own.
func organisation(w *tree.Reader, idOrSlug string) (Organisation, error) {
	o := own(w)
	if idOrSlug == "" || idOrSlug == string(o.ID) || idOrSlug == o.Slug {
		return o, nil
	}
	row, ok := w.Top().Find(ledger.Organisation, idOrSlug)
	if id, isID := ledger.ParseID(vault.ID(idOrSlug)); isID {
		row, ok = w.Top().Row(ledger.Organisation, id)
	}
	if !ok {
		return o, top.Missing("Organization", idOrSlug)
	}
	rec, err := ledger.Read[organisationRecord](w.Top(), row)
	return Organisation{ledger.IDOf(row.ID), rec.Slug, rec.Name, at(rec.Created), at(rec.Updated)}, err
}

// Organisations lists all, the vault's own first.
func Organisations(ctx context.Context, v *vault.Vault, c vault.Caller) ([]Organisation, error) {
	return vault.Read(ctx, v, c, vault.Question{Action: "organisation.list"}, func(w *tree.Reader) ([]Organisation, error) {
		out := []Organisation{own(w)}
		err := top.Each(w, ledger.Organisation, func(id ledger.UUID, rec organisationRecord) error {
			out = append(out, Organisation{ledger.IDOf(id), rec.Slug, rec.Name, at(rec.Created), at(rec.Updated)})
			return nil
		})
		slices.SortFunc(out[1:], func(a, b Organisation) int { return cmp.Compare(a.Slug, b.Slug) })
		return out, err
	})
}

// FindOrganisation finds one by id or slug; "" is the vault's own.
func FindOrganisation(ctx context.Context, v *vault.Vault, c vault.Caller, idOrSlug string) (Organisation, error) {
	return vault.Read(ctx, v, c, vault.Question{Action: "organisation.get", Name: idOrSlug}, func(w *tree.Reader) (Organisation, error) {
		return organisation(w, idOrSlug)
	})
}

// CreateOrganisation makes one. ErrExists when the slug is taken.
func CreateOrganisation(ctx context.Context, v *vault.Vault, c vault.Caller, slug, name string) (Organisation, error) {
	q := vault.Question{Action: "organisation.create", Name: slug}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (Organisation, error) {
		if !tree.ValidSlug(slug) {
			return Organisation{}, fault.New(fault.ErrInvalid, "organisation %q: a slug has small letters, digits and '-'", slug)
		}
		if o, err := organisation(&w.Reader, slug); err == nil {
			return Organisation{}, fault.New(fault.ErrExists, "there is an organisation %s already", o.Slug)
		}
		id, err := ledger.NewUUID()
		if err != nil {
			return Organisation{}, err
		}
		rec := organisationRecord{Slug: slug, Name: cmp.Or(name, slug), Created: w.Ledger().Now, Updated: w.Ledger().Now}
		return Organisation{ledger.IDOf(id), rec.Slug, rec.Name, at(rec.Created), at(rec.Updated)}, top.Put(w, ledger.Organisation, id, rec, slug)
	})
}

// ValidID says whether s has the form of an id, and so is none of the secrets
// that people paste into the wrong field.
func ValidID(s string) bool {
	_, ok := ledger.ParseID(vault.ID(s))
	return ok
}
