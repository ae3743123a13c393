// Package member keeps which identity has which roles in a project, and the
// roles that projects make for themselves.
//
// What a role permits is not its to know, nor how identities log in. Its
// invariant: a role that is gone, or whose time is over, gives nothing.
package member

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/fault"
	"github.com/bailey-project/bailey/internal/vault/ledger"
	"github.com/bailey-project/bailey/internal/vault/top"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// RoleGrant is a role that was given, for ever or for a time.
type RoleGrant struct {
	ID         vault.ID
	Slug       string // built in, or that of a Role
	Role       *Role  // nil when it is built in
	Temporary  bool
	Range      string // as it was asked for: "1h"
	Start, End time.Time
}

// Active says whether it counts at that time.
func (g RoleGrant) Active(now time.Time) bool {
	return !g.Temporary || !now.Before(g.Start) && now.Before(g.End)
}

type grantRecord struct {
	ID    vault.ID `json:"id"`
	Slug  string   `json:"slug"`
	Role  vault.ID `json:"role,omitempty"`
	Range string   `json:"range,omitempty"`
	Start int64    `json:"start,omitempty"`
	End   int64    `json:"end,omitempty"` // 0 = for ever
}

// Membership is what an identity may in a project.
type Membership struct {
	ID        vault.ID
	Project   vault.ID
	Identity  vault.ID
	Roles     []RoleGrant
	CreatedAt time.Time
	UpdatedAt time.Time
}

type membershipRecord struct {
	Project  vault.ID      `json:"project"`
	Identity vault.ID      `json:"identity"`
	Roles    []grantRecord `json:"roles"`
	Created  int64         `json:"created"`
	Updated  int64         `json:"updated"`
}

func (r membershipRecord) roles(w *tree.Reader) (out []RoleGrant, err error) {
	for _, g := range r.Roles {
		one := RoleGrant{ID: g.ID, Slug: g.Slug, Temporary: g.End != 0, Range: g.Range}
		if one.Temporary {
			one.Start, one.End = at(g.Start), at(g.End)
		}
		if g.Role != "" {
			rec, id, err := top.Get[roleRecord](w, ledger.Role, string(g.Role), "Role")
			if errors.Is(err, fault.ErrMissing) {
				continue // a role that is gone gives nothing
			}
			if err != nil {
				return nil, err
			}
			role := rec.public(id)
			one.Role, one.Slug = &role, role.Slug
		}
		out = append(out, one)
	}
	return out, nil
}

func (r membershipRecord) public(w *tree.Reader, id ledger.UUID) (Membership, error) {
	roles, err := r.roles(w)
	return Membership{ledger.IDOf(id), r.Project, r.Identity, roles, at(r.Created), at(r.Updated)}, err
}

func at(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// Grants are the roles that an identity has at that time, by project.
func Grants(w *tree.Reader, identity vault.ID, now time.Time) (map[vault.ID][]RoleGrant, error) {
	out := map[vault.ID][]RoleGrant{}
	err := top.Each(w, ledger.Membership, func(_ ledger.UUID, m membershipRecord) error {
		if m.Identity != identity {
			return nil
		}
		roles, err := m.roles(w)
		out[m.Project] = slices.DeleteFunc(roles, func(g RoleGrant) bool { return !g.Active(now) })
		return err
	})
	return out, err
}

// record turns wanted roles into what is kept. builtIn says which slugs are
// roles without a record.
func (g RoleGrant) record(w *tree.Reader, project vault.ID, builtIn func(string) bool) (grantRecord, error) {
	id, err := ledger.NewUUID()
	if err != nil {
		return grantRecord{}, err
	}
	rec := grantRecord{ID: ledger.IDOf(id), Slug: g.Slug, Range: g.Range}
	if g.Temporary {
		if !g.End.After(g.Start) {
			return rec, fault.New(fault.ErrInvalid, "a temporary role needs a start and a range")
		}
		rec.Start, rec.End = g.Start.UnixMilli(), g.End.UnixMilli()
	}
	if builtIn(g.Slug) {
		return rec, nil
	}
	row, ok := w.Top().Find(ledger.Role, string(project), g.Slug)
	if !ok {
		return rec, fault.New(fault.ErrInvalid, "Role %s not found", g.Slug)
	}
	rec.Role = ledger.IDOf(row.ID)
	return rec, nil
}

// Set gives an identity roles in a project. With fresh it must have none
// yet (ErrExists), else some (ErrMissing).
func Set(ctx context.Context, v *vault.Vault, c vault.Caller, m Membership, fresh bool, builtIn func(string) bool) (Membership, error) {
	q := vault.Question{Action: "member.set", Place: vault.Place{Project: string(m.Project)}, Name: string(m.Identity)}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (out Membership, err error) {
		p, err := w.Project(string(m.Project))
		if err != nil {
			return out, err
		}
		id, ok := ledger.ParseID(m.Identity)
		if _, known := w.Top().Row(ledger.Identity, id); !ok || !known {
			return out, top.Missing("Identity", string(m.Identity))
		}
		name := []string{string(p.ID), string(m.Identity)}
		row, there := w.Top().Find(ledger.Membership, name...)
		rec := membershipRecord{Project: p.ID, Identity: m.Identity, Created: w.Ledger().Now}
		switch {
		case there && fresh:
			return out, fault.New(fault.ErrExists, "Identity with ID %s already exists in project with ID %s", m.Identity, p.ID)
		case !there && !fresh:
			return out, fault.New(fault.ErrMissing, "Identity with ID %s does not exist in project with ID %s", m.Identity, p.ID)
		case there:
			rec, err = ledger.Read[membershipRecord](w.Top(), row)
		default:
			row.ID, err = ledger.NewUUID()
		}
		if err != nil {
			return out, err
		}
		rec.Roles, rec.Updated = nil, w.Ledger().Now
		for _, g := range m.Roles {
			one, err := g.record(&w.Reader, p.ID, builtIn)
			if err != nil {
				return out, err
			}
			rec.Roles = append(rec.Roles, one)
		}
		if err := top.Put(w, ledger.Membership, row.ID, rec, name...); err != nil {
			return out, err
		}
		return rec.public(&w.Reader, row.ID)
	})
}

// Get returns what an identity may in a project.
func Get(ctx context.Context, v *vault.Vault, c vault.Caller, project, identity string) (Membership, error) {
	q := vault.Question{Action: "member.get", Place: vault.Place{Project: project}, Name: identity}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) (Membership, error) {
		row, err := member(w, project, identity)
		if err != nil {
			return Membership{}, err
		}
		rec, err := ledger.Read[membershipRecord](w.Top(), row)
		if err != nil {
			return Membership{}, err
		}
		return rec.public(w, row.ID)
	})
}

func member(w *tree.Reader, project, identity string) (ledger.Row, error) {
	p, err := w.Project(project)
	if err != nil {
		return ledger.Row{}, err
	}
	row, ok := w.Top().Find(ledger.Membership, string(p.ID), identity)
	if !ok {
		err = fault.New(fault.ErrMissing, "Identity with ID %s does not exist in project with ID %s", identity, p.ID)
	}
	return row, err
}

// ByID finds a membership by its own id.
func ByID(ctx context.Context, v *vault.Vault, c vault.Caller, id string) (Membership, error) {
	return vault.Read(ctx, v, c, vault.Question{Action: "member.get", Name: id}, func(w *tree.Reader) (Membership, error) {
		rec, uuid, err := top.Get[membershipRecord](w, ledger.Membership, id, "Membership")
		if err != nil {
			return Membership{}, err
		}
		return rec.public(w, uuid)
	})
}

// List lists the identities of a project by when they came.
func List(ctx context.Context, v *vault.Vault, c vault.Caller, project string) (out []Membership, err error) {
	q := vault.Question{Action: "member.list", Place: vault.Place{Project: project}}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) ([]Membership, error) {
		p, err := w.Project(project)
		if err != nil {
			return nil, err
		}
		err = top.Each(w, ledger.Membership, func(id ledger.UUID, rec membershipRecord) error {
			if rec.Project != p.ID {
				return nil
			}
			m, err := rec.public(w, id)
			out = append(out, m)
			return err
		})
		slices.SortFunc(out, func(a, b Membership) int { return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID)) })
		return out, err
	})
}

// Remove takes all roles in a project from an identity.
func Remove(ctx context.Context, v *vault.Vault, c vault.Caller, project, identity string) (Membership, error) {
	q := vault.Question{Action: "member.remove", Place: vault.Place{Project: project}, Name: identity}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (Membership, error) {
		row, err := member(&w.Reader, project, identity)
		if err != nil {
			return Membership{}, err
		}
		rec, err := ledger.Read[membershipRecord](w.Top(), row)
		if err != nil {
			return Membership{}, err
		}
		out, err := rec.public(&w.Reader, row.ID)
		return out, cmp.Or(err, w.Ledger().Remove(w.Top(), row))
	})
}

// Forget takes all roles everywhere from an identity, within a larger change.
func Forget(w *tree.Writer, identity vault.ID) error {
	return top.Each(&w.Reader, ledger.Membership, func(row ledger.UUID, m membershipRecord) error {
		if m.Identity != identity {
			return nil
		}
		return top.Remove(w, ledger.Membership, row)
	})
}

// Role is one that a project made for itself. What its permissions mean is
// not this package's to know.
type Role struct {
	ID          vault.ID
	Project     vault.ID
	Slug        string
	Name        string
	Description string
	Permissions json.RawMessage
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

type roleRecord struct {
	Project     vault.ID        `json:"project"`
	Slug        string          `json:"slug"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Permissions json.RawMessage `json:"permissions"`
	Created     int64           `json:"created"`
	Updated     int64           `json:"updated"`
}

func (r roleRecord) public(id ledger.UUID) Role {
	return Role{ledger.IDOf(id), r.Project, r.Slug, r.Name, r.Description, r.Permissions, at(r.Created), at(r.Updated)}
}

// maxPermissions bounds a role's permissions, in bytes.
const maxPermissions = 64 << 10

// PutRole makes a role, or changes the one of want.ID.
func PutRole(ctx context.Context, v *vault.Vault, c vault.Caller, want Role) (Role, error) {
	q := vault.Question{Action: "role.set", Place: vault.Place{Project: string(want.Project)}, Name: want.Slug}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (out Role, err error) {
		p, err := w.Project(string(want.Project))
		if err != nil {
			return out, err
		}
		rec, id := roleRecord{Project: p.ID, Created: w.Ledger().Now}, ledger.UUID{}
		if want.ID != "" {
			rec, id, err = top.Get[roleRecord](&w.Reader, ledger.Role, string(want.ID), "Role")
			if err == nil && rec.Project != p.ID {
				err = top.Missing("Role", string(want.ID))
			}
		} else {
			id, err = ledger.NewUUID()
		}
		if err != nil {
			return out, err
		}
		rec.Slug, rec.Name = cmp.Or(want.Slug, rec.Slug), cmp.Or(want.Name, rec.Name)
		rec.Description, rec.Updated = cmp.Or(want.Description, rec.Description), w.Ledger().Now
		if want.Permissions != nil {
			rec.Permissions = want.Permissions
		}
		row, taken := w.Top().Find(ledger.Role, string(p.ID), rec.Slug)
		switch {
		case !tree.ValidSlug(rec.Slug):
			return out, fault.New(fault.ErrInvalid, "role %q: a slug has small letters, digits and '-'", rec.Slug)
		case taken && row.ID != id:
			return out, fault.New(fault.ErrExists, "Role with slug %s already exists", rec.Slug)
		case len(rec.Permissions) > maxPermissions:
			return out, fault.New(fault.ErrInvalid, "the permissions of a role have at most %d bytes", maxPermissions)
		}
		return rec.public(id), cmp.Or(top.ValidName("role", rec.Name), top.Put(w, ledger.Role, id, rec, string(p.ID), rec.Slug))
	})
}

// Roles lists those that a project made, by slug.
func Roles(ctx context.Context, v *vault.Vault, c vault.Caller, project string) (out []Role, err error) {
	q := vault.Question{Action: "role.list", Place: vault.Place{Project: project}}
	return vault.Read(ctx, v, c, q, func(w *tree.Reader) ([]Role, error) {
		p, err := w.Project(project)
		if err != nil {
			return nil, err
		}
		err = top.Each(w, ledger.Role, func(id ledger.UUID, rec roleRecord) error {
			if rec.Project == p.ID {
				out = append(out, rec.public(id))
			}
			return nil
		})
		slices.SortFunc(out, func(a, b Role) int { return cmp.Compare(a.Slug, b.Slug) })
		return out, err
	})
}

// DeleteRole removes a role; whoever had it has less from now on.
func DeleteRole(ctx context.Context, v *vault.Vault, c vault.Caller, project, id string) (Role, error) {
	q := vault.Question{Action: "role.delete", Place: vault.Place{Project: project}, Name: id}
	return vault.Write(ctx, v, c, q, func(w *tree.Writer) (Role, error) {
		p, err := w.Project(project)
		if err != nil {
			return Role{}, err
		}
		rec, uuid, err := top.Get[roleRecord](&w.Reader, ledger.Role, id, "Role")
		if err == nil && rec.Project != p.ID {
			err = top.Missing("Role", id)
		}
		return rec.public(uuid), cmp.Or(err, top.Remove(w, ledger.Role, uuid))
	})
}
