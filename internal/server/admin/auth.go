package admin

import (
	"errors"
	"net/http"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/identity"
)

// Visit is the request as the vault's doors see it.
func Visit(a *desk.Ask) identity.Visit { return identity.Visit{From: a.Who.From, Now: time.Now()} }

// Refused is the answer to who is not let in, in the dialect's words.
func Refused(err error) error {
	switch {
	case errors.Is(err, identity.ErrExpired):
		return &api.Error{Code: api.Denied, Status: http.StatusForbidden, Name: "TokenError", Message: "Your token has expired. Please re-authenticate."}
	case errors.Is(err, identity.ErrMalformed):
		return &api.Error{Code: api.Denied, Status: http.StatusForbidden, Name: "TokenError", Message: "The provided access token is malformed. Please use a valid token or generate a new one and try again."}
	case errors.Is(err, identity.ErrSpent):
		return unauthorized("The access token is past its max TTL; log in again")
	case errors.Is(err, identity.ErrUnknown):
		return unauthorized("No identity access token found")
	}
	return err
}

type grantJSON struct {
	AccessToken api.Plain  `json:"accessToken"`
	ExpiresIn   int        `json:"expiresIn"`
	MaxTTL      int        `json:"accessTokenMaxTTL"`
	TokenType   string     `json:"tokenType"`
	Data        *tokenJSON `json:"tokenData,omitempty"`
}

func grantOf(g identity.Grant) grantJSON {
	return grantJSON{AccessToken: api.NewPlain(g.Token), ExpiresIn: g.TTL, MaxTTL: g.MaxTTL, TokenType: "Bearer"}
}

// Login exchanges a client secret for an access token.
func Login(a *desk.Ask) (any, error) {
	var body struct{ ClientID, ClientSecret *api.Plain }
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	switch {
	case body.ClientID == nil:
		return nil, api.Required("clientId")
	case body.ClientSecret == nil:
		return nil, api.Required("clientSecret")
	}
	// What stands in the field is recorded, so it must not be a secret that
	// somebody put there by mistake.
	id := string(body.ClientID.Value().Reveal())
	if !identity.ValidID(id) {
		return nil, unauthorized("Invalid credentials")
	}
	a.Caller.Actor = "identity:" + id
	g, err := identity.Login(a.Context(), a.Vault, a.Caller, Visit(a), id, body.ClientSecret.Value())
	if errors.Is(err, identity.ErrUnknown) {
		a.Refused("identity.login", id)
		err = unauthorized("Invalid credentials")
	}
	return grantOf(g), err
}

// token reads the access token of a body.
func token(a *desk.Ask) (secret.Value, error) {
	var body struct{ AccessToken *api.Plain }
	if err := a.Body(&body); err != nil {
		return secret.Value{}, err
	}
	if body.AccessToken == nil {
		return secret.Value{}, api.Required("accessToken")
	}
	return body.AccessToken.Value(), nil
}

// Renew gives the token in the body a new term.
func Renew(a *desk.Ask) (any, error) {
	t, err := token(a)
	if err != nil {
		return nil, err
	}
	g, err := identity.Renew(a.Context(), a.Vault, a.Caller, Visit(a), t)
	if identity.IsDenied(err) {
		a.Refused("token.renew", "")
	}
	return grantOf(g), Refused(err)
}

// Revoke ends the token in the body. Whoever has it may.
func Revoke(a *desk.Ask) (any, error) {
	t, err := token(a)
	if err == nil {
		err = identity.Revoke(a.Context(), a.Vault, a.Caller, Visit(a), t)
	}
	return map[string]string{"message": "Successfully revoked access token"}, Refused(err)
}

// Details says which organisation the visitor belongs to.
func Details(a *desk.Ask) (any, error) {
	org, err := identity.FindOrganisation(a.Context(), a.Vault, a.Caller, string(a.Who.Principal.Identity.Organisation))
	type organisation struct {
		ID   vault.ID `json:"id"`
		Name string   `json:"name"`
		Slug string   `json:"slug"`
	}
	return map[string]map[string]organisation{"identityDetails": {"organization": {org.ID, org.Name, org.Slug}}}, err
}

// Organisations answers those that the visitor sees: the local user all, a
// machine its own.
func Organisations(a *desk.Ask) (any, error) {
	list, err := identity.Organisations(a.Context(), a.Vault, a.Caller)
	type organisation struct {
		ID   vault.ID `json:"id"`
		Name string   `json:"name"`
		Slug string   `json:"slug"`
	}
	out := []organisation{}
	for _, o := range list {
		if a.Who.Local || a.Who.Principal.Identity.Organisation == o.ID {
			out = append(out, organisation{o.ID, o.Name, o.Slug})
		}
	}
	return map[string][]organisation{"organizations": out}, err
}

type scopeJSON = identity.Scope

type serviceJSON struct {
	LegacyID    string      `json:"_id"`
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Scopes      []scopeJSON `json:"scopes"`
	User        struct{}    `json:"user"`
	CreatedAt   api.Time    `json:"createdAt"`
	UpdatedAt   api.Time    `json:"updatedAt"`
	Workspace   string      `json:"workspace"`
	ProjectID   string      `json:"projectId"`
	ExpiresAt   *api.Time   `json:"expiresAt"`
	Key         string      `json:"encryptedKey"`
	IV          string      `json:"iv"`
	Tag         string      `json:"tag"`
	Permissions []string    `json:"permissions"`
}

func serviceOf(t identity.ServiceToken) serviceJSON {
	out := serviceJSON{LegacyID: string(t.ID), ID: string(t.ID), Name: t.Name, Scopes: t.Scopes, CreatedAt: api.Time{Time: t.CreatedAt},
		UpdatedAt: api.Time{Time: t.UpdatedAt}, Workspace: string(t.Project), ProjectID: string(t.Project), Permissions: t.Permissions}
	if !t.ExpiresAt.IsZero() {
		out.ExpiresAt = &api.Time{Time: t.ExpiresAt}
	}
	return out
}

// OwnServiceToken answers the service token that asks.
func OwnServiceToken(a *desk.Ask) (any, error) {
	if a.Who.Principal.Service == nil {
		return nil, &api.Error{Code: api.Denied, Name: "Forbidden access to " + a.URL.Path, Message: "You are not allowed to access this resource"}
	}
	t, err := identity.GetServiceToken(a.Context(), a.Vault, a.Caller, string(a.Who.Principal.Service.ID))
	return serviceOf(t), err
}

// CreateServiceToken makes one; its text is in this answer only. The fields of
// projects that are encrypted by their clients are read and forgotten.
func CreateServiceToken(a *desk.Ask) (any, error) {
	var body struct {
		Name, WorkspaceID, ProjectID string
		Scopes                       []scopeJSON
		ExpiresIn                    *int
		Permissions                  []string
	}
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	project, err := a.Administrators(body.WorkspaceID+body.ProjectID, "service tokens")
	if err != nil {
		return nil, err
	}
	want := identity.ServiceToken{Project: project, Name: body.Name, Scopes: body.Scopes, Permissions: body.Permissions}
	if body.ExpiresIn != nil && *body.ExpiresIn > 0 {
		want.ExpiresAt = time.Now().Add(time.Duration(*body.ExpiresIn) * time.Second)
	}
	t, text, err := identity.CreateServiceToken(a.Context(), a.Vault, a.Caller, want)
	return struct {
		Token api.Plain   `json:"serviceToken"`
		Data  serviceJSON `json:"serviceTokenData"`
	}{api.NewPlain(text), serviceOf(t)}, err
}

// DeleteServiceToken ends one.
func DeleteServiceToken(a *desk.Ask) (any, error) {
	t, err := identity.GetServiceToken(a.Context(), a.Vault, a.Caller, a.PathValue("token"))
	if err != nil {
		return nil, err
	}
	if _, err := a.Administrators(string(t.Project), "service tokens"); err != nil {
		return nil, err
	}
	t, err = identity.DeleteServiceToken(a.Context(), a.Vault, a.Caller, string(t.ID))
	return map[string]serviceJSON{"serviceTokenData": serviceOf(t)}, err
}

// ListServiceTokens answers those of a project.
func ListServiceTokens(a *desk.Ask) (any, error) {
	project, err := a.Administrators(a.PathValue("project"), "service tokens")
	if err != nil {
		return nil, err
	}
	list, err := identity.ServiceTokens(a.Context(), a.Vault, a.Caller, string(project))
	out := make([]serviceJSON, 0, len(list))
	for _, t := range list {
		out = append(out, serviceOf(t))
	}
	return map[string][]serviceJSON{"serviceTokenData": out}, err
}
