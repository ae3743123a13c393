package api

import (
	"context"
	"net/http"
	"net/url"
)

// Identity is a machine that may log in.
type Identity struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Role    string   `json:"role"` // in the organisation
	Methods []string `json:"authMethods"`
}

// Identities lists all by name.
func (c *Client) Identities(ctx context.Context) ([]Identity, error) {
	var wire struct {
		Identities []struct {
			Role     string
			Identity Identity
		}
	}
	err := c.call(ctx, http.MethodGet, "/api/v1/identities", nil, &wire)
	out := make([]Identity, 0, len(wire.Identities))
	for _, m := range wire.Identities {
		m.Identity.Role = m.Role
		out = append(out, m.Identity)
	}
	return out, err
}

// CreateIdentity makes one with universal auth and returns its client id.
func (c *Client) CreateIdentity(ctx context.Context, name, role string) (id Identity, clientID string, err error) {
	var made struct{ Identity Identity }
	body := map[string]string{"name": name, "role": role}
	if err = c.call(ctx, http.MethodPost, "/api/v1/identities", body, &made); err != nil {
		return id, "", err
	}
	var ua struct{ IdentityUniversalAuth struct{ ClientID string } }
	err = c.call(ctx, http.MethodPost, universalPath(made.Identity.ID), struct{}{}, &ua)
	return made.Identity, ua.IdentityUniversalAuth.ClientID, err
}

func universalPath(id string) string {
	return "/api/v1/auth/universal-auth/identities/" + url.PathEscape(id)
}

// ClientID is with what an identity logs in, besides a client secret.
func (c *Client) ClientID(ctx context.Context, id string) (string, error) {
	var ua struct{ IdentityUniversalAuth struct{ ClientID string } }
	err := c.call(ctx, http.MethodGet, universalPath(id), nil, &ua)
	return ua.IdentityUniversalAuth.ClientID, err
}

// CreateClientSecret makes one; it is in this answer only.
func (c *Client) CreateClientSecret(ctx context.Context, id, description string) (Plain, error) {
	var out struct{ ClientSecret Plain }
	err := c.call(ctx, http.MethodPost, universalPath(id)+"/client-secrets", map[string]string{"description": description}, &out)
	return out.ClientSecret, err
}

// Grant gives an identity a role in a project, instead of what it had.
func (c *Client) Grant(ctx context.Context, project, id, role string) error {
	path := "/api/v2/workspace/" + url.PathEscape(project) + "/identity-memberships/" + url.PathEscape(id)
	body := map[string]string{"role": role}
	err := c.call(ctx, http.MethodPatch, path, body, nil)
	if IsCode(err, Missing) {
		err = c.call(ctx, http.MethodPost, path, body, nil)
	}
	return err
}

// DeleteIdentity removes an identity with all that lets it in.
func (c *Client) DeleteIdentity(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/api/v1/identities/"+url.PathEscape(id), nil, nil)
}
