package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
)

// Resolved lists a folder as it shows: with what it imports, with the user's
// personal secrets in place of everybody's, and with references replaced. A
// reference to nothing stays as it stands, or is Invalid when strict.
func (c *Client) Resolved(ctx context.Context, f Ref, strict bool) ([]Secret, error) {
	return c.shown(ctx, f, "strictReferences", strconv.FormatBool(strict))
}

// ShownNames lists like Resolved but asks for no values: they come back empty.
func (c *Client) ShownNames(ctx context.Context, f Ref) ([]Secret, error) {
	return c.shown(ctx, f, "viewSecretValue", "false")
}

func (c *Client) shown(ctx context.Context, f Ref, more ...string) ([]Secret, error) {
	q := query(append([]string{"projectId", f.Project, "environment", f.Environment, "secretPath", f.Path}, more...)...)
	var out SecretList
	if err := c.call(ctx, http.MethodGet, "/api/v4/secrets"+q, nil, &out); err != nil {
		return nil, err
	}
	have := map[string]bool{}
	for i := range out.Secrets {
		have[string(out.Secrets[i].Key)] = true
	}
	for i := len(out.Imports) - 1; i >= 0; i-- { // the later import wins
		for _, s := range out.Imports[i].Secrets {
			if !have[string(s.Key)] {
				have[string(s.Key)] = true
				out.Secrets = append(out.Secrets, s)
			}
		}
	}
	return out.Secrets, nil
}

// ResolvedOwn is Resolved without what the folder imports, and without personal
// secrets: what lies there for everybody.
func (c *Client) ResolvedOwn(ctx context.Context, f Ref) ([]Secret, error) {
	q := query("projectId", f.Project, "environment", f.Environment, "secretPath", f.Path, "includeImports", "false", "includePersonalOverrides", "false")
	var out SecretList
	err := c.call(ctx, http.MethodGet, "/api/v4/secrets"+q, nil, &out)
	return out.Secrets, err
}

// ResolvedSecret is Secret as the folder shows it, see Resolved.
func (c *Client) ResolvedSecret(ctx context.Context, r Ref, strict bool) (Secret, error) {
	q := query("projectId", r.Project, "environment", r.Environment, "secretPath", r.Path, "strictReferences", strconv.FormatBool(strict))
	var out SecretOne
	err := c.call(ctx, http.MethodGet, secretPath(r.Name)+q, nil, &out)
	return out.Secret, err
}

// Set creates a secret or changes what w names of it.
func (c *Client) Set(ctx context.Context, folder Ref, w Write) (Secret, error) {
	body := write(folder)
	body.Mode, body.Secrets = "upsert", []Write{w}
	if w.Plain == nil && w.Base64 == nil {
		body.Mode = "failOnNotFound"
	}
	var out SecretList
	err := c.call(ctx, http.MethodPatch, "/api/v4/secrets/batch", body, &out)
	if err != nil || len(out.Secrets) != 1 {
		return Secret{}, err
	}
	return out.Secrets[0], nil
}

// Tag finds a project's tag by its slug and makes it if it is not there.
func (c *Client) Tag(ctx context.Context, project, slug string) (Tag, error) {
	var out struct{ Tag Tag }
	base := "/api/v1/projects/" + url.PathEscape(project) + "/tags"
	err := c.call(ctx, http.MethodGet, base+"/slug/"+url.PathEscape(slug), nil, &out)
	if IsCode(err, Missing) {
		err = c.call(ctx, http.MethodPost, base, Tag{Slug: slug, Name: slug}, &out)
	}
	return out.Tag, err
}

func environmentPath(project, slug string) string {
	return "/api/v1/projects/" + url.PathEscape(project) + "/environments/" + url.PathEscape(slug)
}

// EnvironmentChange changes what is not nil.
type EnvironmentChange struct {
	Slug     *string `json:"slug,omitempty"`
	Name     *string `json:"name,omitempty"`
	Position *int    `json:"position,omitempty"`
}

// UpdateEnvironment renames an environment or moves it among the others.
func (c *Client) UpdateEnvironment(ctx context.Context, project, slug string, ch EnvironmentChange) error {
	return c.call(ctx, http.MethodPatch, environmentPath(project, slug), ch, nil)
}

// DeleteEnvironment hides an environment; RestoreEnvironment brings it back.
func (c *Client) DeleteEnvironment(ctx context.Context, project, slug string) error {
	return c.call(ctx, http.MethodDelete, environmentPath(project, slug), nil, nil)
}

// RestoreEnvironment brings a deleted environment back, at the end.
func (c *Client) RestoreEnvironment(ctx context.Context, project, slug string) error {
	return c.call(ctx, http.MethodPost, Base+"/environments/restore", Moment{Project: project, Environment: slug}, nil)
}

// Moment is an environment at some time, or after its change of some number;
// with neither, now.
type Moment struct {
	Project     string `json:"project"`
	Environment string `json:"environment"`
	Time        *Time  `json:"time,omitempty"`
	Version     uint64 `json:"version,omitempty"`
	DryRun      bool   `json:"dryRun,omitempty"`
	Other       string `json:"other,omitempty"` // for a comparison: another environment, now
}

// Difference is one secret that differs; it holds no value. Kind is added,
// removed, changed or noted (only what stands beside the value differs).
type Difference struct {
	Path string `json:"path"`
	Name string `json:"name"`
	Kind string `json:"kind"`
}

// Diff compares m with m.Other, or with what its environment is now.
func (c *Client) Diff(ctx context.Context, m Moment) ([]Difference, error) {
	var out struct{ Differences []Difference }
	err := c.repeatable().call(ctx, http.MethodPost, Base+"/environments/diff", m, &out)
	return out.Differences, err
}

// Rollback makes an environment what it was at m, unless it is a dry run.
func (c *Client) Rollback(ctx context.Context, m Moment) ([]Difference, error) {
	var out struct{ Differences []Difference }
	err := c.call(ctx, http.MethodPost, Base+"/environments/rollback", m, &out)
	return out.Differences, err
}

// Commit is one change of an environment.
type Commit struct {
	Version uint64   `json:"version"`
	Time    Time     `json:"time"`
	Actor   string   `json:"actor"`
	Names   []string `json:"names"`
}

// Log lists an environment's changes, newest first.
func (c *Client) Log(ctx context.Context, project, environment string) ([]Commit, error) {
	var out struct{ Commits []Commit }
	err := c.call(ctx, http.MethodGet, Base+"/environments/log"+query("project", project, "environment", environment), nil, &out)
	return out.Commits, err
}
