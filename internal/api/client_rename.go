package api

import (
	"context"
	"net/http"

	"github.com/bailey-project/bailey/internal/secret"
)

// Rename gives a secret another name in its folder; its history comes along.
// Exists when the name is taken.
func (c *Client) Rename(ctx context.Context, r Ref, to secret.Name) (Secret, error) {
	body := write(r)
	body.NewName = to
	var out SecretOne
	err := c.call(ctx, http.MethodPatch, secretPath(r.Name), body, &out)
	return out.Secret, err
}

// Move moves secrets by id to another folder of the project, with all that they
// are but their history. Exists when one is there, unless replace.
func (c *Client) Move(ctx context.Context, from, to Ref, ids []string, replace bool) error {
	body := struct {
		Project                string   `json:"projectId"`
		SourceEnvironment      string   `json:"sourceEnvironment"`
		SourceSecretPath       string   `json:"sourceSecretPath"`
		DestinationEnvironment string   `json:"destinationEnvironment"`
		DestinationSecretPath  string   `json:"destinationSecretPath"`
		SecretIDs              []string `json:"secretIds"`
		ShouldOverwrite        bool     `json:"shouldOverwrite"`
	}{from.Project, from.Environment, from.Path, to.Environment, to.Path, ids, replace}
	return c.call(ctx, http.MethodPost, "/api/v4/secrets/move", body, nil)
}
