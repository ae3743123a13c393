package admin

import (
	"net/netip"
	"slices"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/identity"
)

// identityJSON is an identity in the dialect. "authMethod" is the word of
// 2024, for one of them.
type identityJSON struct {
	ID                  string              `json:"id"`
	Name                string              `json:"name"`
	HasDeleteProtection bool                `json:"hasDeleteProtection"`
	AuthMethods         []string            `json:"authMethods"`
	AuthMethod          *string             `json:"authMethod"`
	OrgID               string              `json:"orgId"`
	CreatedAt           api.Time            `json:"createdAt"`
	UpdatedAt           api.Time            `json:"updatedAt"`
	Metadata            []identity.Metadata `json:"metadata"`
}

func identityOf(i identity.Identity) identityJSON {
	out := identityJSON{ID: string(i.ID), Name: i.Name, HasDeleteProtection: i.Protected, AuthMethods: i.Methods, OrgID: string(i.Organisation),
		CreatedAt: api.Time{Time: i.CreatedAt}, UpdatedAt: api.Time{Time: i.UpdatedAt}, Metadata: i.Metadata}
	if len(i.Methods) > 0 {
		out.AuthMethod = &i.Methods[0]
	}
	if out.Metadata == nil {
		out.Metadata = []identity.Metadata{}
	}
	return out
}

func oneIdentity(i identity.Identity, err error) (any, error) {
	return map[string]identityJSON{"identity": identityOf(i)}, err
}

type identityBody struct {
	Name, Role, OrganizationID string
	HasDeleteProtection        *bool
	Metadata                   []identity.Metadata
}

// CreateIdentity makes an identity that cannot log in yet.
func CreateIdentity(a *desk.Ask) (any, error) {
	var body identityBody
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	if err := a.OrgAdmins("create", "identity"); err != nil {
		return nil, err
	}
	if body.Name == "" {
		return nil, api.Required("name")
	}
	return oneIdentity(identity.Create(a.Context(), a.Vault, a.Caller, identity.Identity{
		Name: body.Name, Role: body.Role, Organisation: vault.ID(body.OrganizationID), Metadata: body.Metadata,
		Protected: body.HasDeleteProtection != nil && *body.HasDeleteProtection,
	}))
}

// membershipJSON is an identity in its organisation. Its own id is the
// identity's: there is one membership each.
type membershipJSON struct {
	ID         string              `json:"id"`
	Role       string              `json:"role"`
	RoleID     *string             `json:"roleId"`
	OrgID      string              `json:"orgId"`
	CreatedAt  api.Time            `json:"createdAt"`
	UpdatedAt  api.Time            `json:"updatedAt"`
	IdentityID string              `json:"identityId"`
	Metadata   []identity.Metadata `json:"metadata"`
	Identity   identityJSON        `json:"identity"`
}

func membershipOf(i identity.Identity) membershipJSON {
	inner := identityOf(i)
	return membershipJSON{string(i.ID), i.Role, nil, string(i.Organisation), inner.CreatedAt, inner.UpdatedAt, string(i.ID), inner.Metadata, inner}
}

// self is true for a machine that asks about itself.
func self(a *desk.Ask, id string) bool {
	return a.Who.Principal.Service == nil && id != "" && string(a.Who.Principal.Identity.ID) == id
}

// GetIdentity answers one. A machine may look at itself.
func GetIdentity(a *desk.Ask) (any, error) {
	id := a.PathValue("identity")
	if err := a.OrgAdmins("read", "identity"); err != nil && !self(a, id) {
		return nil, err
	}
	i, err := identity.Get(a.Context(), a.Vault, a.Caller, id)
	return map[string]membershipJSON{"identity": membershipOf(i)}, err
}

// ListIdentities answers all, by name, in pages of offset and limit.
func ListIdentities(a *desk.Ask) (any, error) {
	if err := a.OrgAdmins("read", "identity"); err != nil {
		return nil, err
	}
	list, err := identity.List(a.Context(), a.Vault, a.Caller)
	if err != nil {
		return nil, err
	}
	page, err := paged(a, list)
	out := make([]membershipJSON, 0, len(page))
	for _, i := range page {
		out = append(out, membershipOf(i))
	}
	return struct {
		Identities []membershipJSON `json:"identities"`
		Total      int              `json:"totalCount"`
	}{out, len(list)}, err
}

// UpdateIdentity changes name, role, protection or metadata.
func UpdateIdentity(a *desk.Ask) (any, error) {
	var body identityBody
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	if err := a.OrgAdmins("edit", "identity"); err != nil {
		return nil, err
	}
	return oneIdentity(identity.Update(a.Context(), a.Vault, a.Caller, a.PathValue("identity"),
		identity.Change{Name: &body.Name, Role: &body.Role, Metadata: body.Metadata, Protected: body.HasDeleteProtection}))
}

// DeleteIdentity removes one with all that lets it in.
func DeleteIdentity(a *desk.Ask) (any, error) {
	if err := a.OrgAdmins("delete", "identity"); err != nil {
		return nil, err
	}
	return oneIdentity(identity.Delete(a.Context(), a.Vault, a.Caller, a.PathValue("identity")))
}

// netJSON is a trusted network in the dialect.
type netJSON struct {
	Type   string `json:"type"`
	Prefix int    `json:"prefix"`
	IP     string `json:"ipAddress"`
}

func netsOf(nets []netip.Prefix) []netJSON {
	out := make([]netJSON, 0, len(nets))
	for _, n := range nets {
		kind := "ipv6"
		if n.Addr().Is4() {
			kind = "ipv4"
		}
		out = append(out, netJSON{kind, n.Bits(), n.Addr().String()})
	}
	return out
}

// parseNets reads addresses and networks; nil stays nil.
func parseNets(list []netJSON) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, n := range list {
		p, err := netip.ParsePrefix(n.IP)
		if err != nil {
			var ip netip.Addr
			if ip, err = netip.ParseAddr(n.IP); err == nil {
				p = netip.PrefixFrom(ip, ip.BitLen())
			}
		}
		if err != nil {
			return nil, api.Errorf(api.Invalid, "The IP is not a valid IPv4, IPv6, or CIDR block: %.50q", n.IP)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

type methodBody struct {
	ClientSecretTrustedIPs, AccessTokenTrustedIPs              []netJSON
	AccessTokenTTL, AccessTokenMaxTTL, AccessTokenNumUsesLimit *int
	AccessTokenPeriod                                          *int
}

func methodChange(a *desk.Ask) (ch identity.MethodChange, err error) {
	var body methodBody
	if err = a.Body(&body); err != nil {
		return ch, err
	}
	if body.AccessTokenPeriod != nil && *body.AccessTokenPeriod != 0 {
		return ch, api.Errorf(api.Invalid, "periodic tokens, renewable for ever, are not offered: set accessTokenMaxTTL")
	}
	ch = identity.MethodChange{TTL: body.AccessTokenTTL, MaxTTL: body.AccessTokenMaxTTL, Uses: body.AccessTokenNumUsesLimit}
	if ch.ClientSecretIPs, err = parseNets(body.ClientSecretTrustedIPs); err == nil {
		ch.TokenIPs, err = parseNets(body.AccessTokenTrustedIPs)
	}
	return ch, err
}

type methodJSON struct {
	ID              string    `json:"id"`
	ClientID        string    `json:"clientId,omitempty"`
	TTL             int       `json:"accessTokenTTL"`
	MaxTTL          int       `json:"accessTokenMaxTTL"`
	Uses            int       `json:"accessTokenNumUsesLimit"`
	ClientSecretIPs []netJSON `json:"clientSecretTrustedIps,omitempty"`
	TokenIPs        []netJSON `json:"accessTokenTrustedIps"`
	CreatedAt       api.Time  `json:"createdAt"`
	UpdatedAt       api.Time  `json:"updatedAt"`
	IdentityID      string    `json:"identityId"`
}

func methodOf(word string, m identity.Method, err error) (any, error) {
	return map[string]methodJSON{word: {string(m.ID), string(m.ClientID), m.TTL, m.MaxTTL, m.Uses, netsOf(m.ClientSecretIPs), netsOf(m.TokenIPs),
		api.Time{Time: m.CreatedAt}, api.Time{Time: m.UpdatedAt}, string(m.Identity)}}, err
}

const (
	universal = "identityUniversalAuth"
	tokenAuth = "identityTokenAuth"
)

// AttachUniversal lets an identity log in with client secrets.
func AttachUniversal(a *desk.Ask) (any, error) {
	return withChange(a, universal, identity.AttachUniversal)
}

// UpdateUniversal changes how.
func UpdateUniversal(a *desk.Ask) (any, error) {
	return withChange(a, universal, identity.UpdateUniversal)
}

// GetUniversal answers how.
func GetUniversal(a *desk.Ask) (any, error) { return plain(a, "read", universal, identity.Universal) }

// DetachUniversal ends it.
func DetachUniversal(a *desk.Ask) (any, error) {
	return plain(a, "delete", universal, identity.DetachUniversal)
}

// AttachToken lets an identity have tokens without a login.
func AttachToken(a *desk.Ask) (any, error) { return withChange(a, tokenAuth, identity.AttachToken) }

// UpdateToken changes how.
func UpdateToken(a *desk.Ask) (any, error) { return withChange(a, tokenAuth, identity.UpdateToken) }

// GetToken answers how.
func GetToken(a *desk.Ask) (any, error) { return plain(a, "read", tokenAuth, identity.TokenAuth) }

// DetachToken ends it.
func DetachToken(a *desk.Ask) (any, error) {
	return plain(a, "delete", tokenAuth, identity.DetachToken)
}

type clientSecretJSON struct {
	ID          string   `json:"id"`
	CreatedAt   api.Time `json:"createdAt"`
	UpdatedAt   api.Time `json:"updatedAt"`
	Description string   `json:"description"`
	Prefix      string   `json:"clientSecretPrefix"`
	Uses        int      `json:"clientSecretNumUses"`
	Limit       int      `json:"clientSecretNumUsesLimit"`
	TTL         int      `json:"clientSecretTTL"`
	Method      string   `json:"identityUAId"`
	Revoked     bool     `json:"isClientSecretRevoked"`
}

func clientSecretOf(c identity.ClientSecret) clientSecretJSON {
	return clientSecretJSON{string(c.ID), api.Time{Time: c.CreatedAt}, api.Time{Time: c.UpdatedAt}, c.Description, c.Prefix, c.Uses, c.Limit, c.TTL, string(c.Method), c.Revoked}
}

// CreateClientSecret makes one; it is in this answer only.
func CreateClientSecret(a *desk.Ask) (any, error) {
	var body struct {
		Description       string
		NumUsesLimit, TTL int
	}
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	if err := a.OrgAdmins("create", "identity"); err != nil {
		return nil, err
	}
	c, key, err := identity.CreateClientSecret(a.Context(), a.Vault, a.Caller, a.PathValue("identity"),
		identity.ClientSecret{Description: body.Description, Limit: body.NumUsesLimit, TTL: body.TTL})
	return struct {
		Secret api.Plain        `json:"clientSecret"`
		Data   clientSecretJSON `json:"clientSecretData"`
	}{api.NewPlain(key), clientSecretOf(c)}, err
}

// ListClientSecrets answers those that are not revoked.
func ListClientSecrets(a *desk.Ask) (any, error) {
	if err := a.OrgAdmins("read", "identity"); err != nil {
		return nil, err
	}
	list, err := identity.ClientSecrets(a.Context(), a.Vault, a.Caller, a.PathValue("identity"))
	out := make([]clientSecretJSON, 0, len(list))
	for _, c := range list {
		out = append(out, clientSecretOf(c))
	}
	return map[string][]clientSecretJSON{"clientSecretData": out}, err
}

// GetClientSecret answers one, without the secret.
func GetClientSecret(a *desk.Ask) (any, error) {
	if err := a.OrgAdmins("read", "identity"); err != nil {
		return nil, err
	}
	c, err := identity.GetClientSecret(a.Context(), a.Vault, a.Caller, a.PathValue("identity"), a.PathValue("secret"))
	return map[string]clientSecretJSON{"clientSecretData": clientSecretOf(c)}, err
}

// RevokeClientSecret ends one, and the tokens that it gave.
func RevokeClientSecret(a *desk.Ask) (any, error) {
	if err := a.OrgAdmins("delete", "identity"); err != nil {
		return nil, err
	}
	c, err := identity.RevokeClientSecret(a.Context(), a.Vault, a.Caller, a.PathValue("identity"), a.PathValue("secret"))
	return map[string]clientSecretJSON{"clientSecretData": clientSecretOf(c)}, err
}

type tokenJSON struct {
	ID        string   `json:"id"`
	Identity  string   `json:"identityId"`
	Name      string   `json:"name"`
	Uses      int      `json:"accessTokenNumUses"`
	Revoked   bool     `json:"isAccessTokenRevoked"`
	CreatedAt api.Time `json:"createdAt"`
	ExpiresAt api.Time `json:"expiresAt"`
}

func tokenOf(t identity.Token) tokenJSON {
	return tokenJSON{string(t.ID), string(t.Identity), t.Name, t.Uses, t.Revoked, api.Time{Time: t.CreatedAt}, api.Time{Time: t.ExpiresAt}}
}

// CreateToken makes a token of token auth; it is in this answer only.
func CreateToken(a *desk.Ask) (any, error) {
	var body struct{ Name string }
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	if err := a.OrgAdmins("create", "identity"); err != nil {
		return nil, err
	}
	t, g, err := identity.CreateToken(a.Context(), a.Vault, a.Caller, Visit(a), a.PathValue("identity"), body.Name)
	out, data := grantOf(g), tokenOf(t)
	out.Data = &data
	return out, err
}

// ListTokens answers those of token auth, in pages of offset and limit.
func ListTokens(a *desk.Ask) (any, error) {
	if err := a.OrgAdmins("read", "identity"); err != nil {
		return nil, err
	}
	list, err := identity.Tokens(a.Context(), a.Vault, a.Caller, a.PathValue("identity"))
	if err != nil {
		return nil, err
	}
	page, err := paged(a, list)
	out := make([]tokenJSON, 0, len(page))
	for _, t := range page {
		out = append(out, tokenOf(t))
	}
	return map[string][]tokenJSON{"tokens": out}, err
}

// RenameToken gives a token of token auth another name.
func RenameToken(a *desk.Ask) (any, error) {
	var body struct{ Name string }
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	if err := a.OrgAdmins("edit", "identity"); err != nil {
		return nil, err
	}
	t, err := identity.ChangeToken(a.Context(), a.Vault, a.Caller, a.PathValue("token"), &body.Name, false)
	return map[string]tokenJSON{"token": tokenOf(t)}, err
}

// RevokeToken ends a token of token auth.
func RevokeToken(a *desk.Ask) (any, error) {
	if err := a.OrgAdmins("delete", "identity"); err != nil {
		return nil, err
	}
	_, err := identity.ChangeToken(a.Context(), a.Vault, a.Caller, a.PathValue("token"), nil, true)
	return map[string]string{"message": "Successfully revoked access token"}, err
}

// paged is the part of a list that offset and limit name.
func paged[T any](a *desk.Ask, list []T) ([]T, error) {
	offset, err := number(a, "offset", 0)
	if err != nil {
		return nil, err
	}
	limit, err := number(a, "limit", len(list))
	if err != nil {
		return nil, err
	}
	offset = min(offset, len(list))
	return slices.Clone(list[offset:min(len(list), offset+min(limit, len(list)))]), nil
}
