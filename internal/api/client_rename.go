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
