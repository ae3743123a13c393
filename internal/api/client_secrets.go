package api

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/bailey-project/bailey/internal/secret"
)

// Secrets lists a folder, with what lies below it when recursive, sorted by
// name. One round trip.
func (c *Client) Secrets(ctx context.Context, folder Ref, recursive bool) ([]Secret, error) {
	return c.list(ctx, folder, recursive, true)
}

// Names lists like Secrets but asks for no values: they come back empty.
func (c *Client) Names(ctx context.Context, folder Ref, recursive bool) ([]Secret, error) {
	return c.list(ctx, folder, recursive, false)
}

func (c *Client) list(ctx context.Context, f Ref, recursive, values bool) ([]Secret, error) {
	q := query("projectId", f.Project, "environment", f.Environment, "secretPath", f.Path,
		"recursive", strconv.FormatBool(recursive), "viewSecretValue", strconv.FormatBool(values),
		"expandSecretReferences", "false", "includeImports", "false", "includePersonalOverrides", "false")
	var out SecretList
	err := c.call(ctx, http.MethodGet, "/api/v4/secrets"+q, nil, &out)
	return out.Secrets, err
}

// Secret reads one secret; version 0 is the current one.
func (c *Client) Secret(ctx context.Context, r Ref, version int) (Secret, error) {
	v := ""
	if version > 0 {
		v = strconv.Itoa(version)
	}
	q := query("projectId", r.Project, "environment", r.Environment, "secretPath", r.Path,
		"version", v, "expandSecretReferences", "false", "includeImports", "false", "includePersonalOverrides", "false")
	var out SecretOne
	err := c.call(ctx, http.MethodGet, secretPath(r.Name)+q, nil, &out)
	return out.Secret, err
}

// Put creates or updates many secrets of one folder in one transaction, with
// values that are what they are: ${ in them refers to nothing, unless an item
// says so. The folder must exist.
func (c *Client) Put(ctx context.Context, folder Ref, items []Item) ([]Secret, error) {
	body := write(folder)
	body.Mode = "upsert"
	for i := range items {
		body.Secrets = append(body.Secrets, Write{Key: items[i].Name, Plain: &items[i].Plain, Base64: items[i].Base64, Literal: !items[i].References})
	}
	var out SecretList
	err := c.repeatable().call(ctx, http.MethodPatch, "/api/v4/secrets/batch", body, &out)
	return out.Secrets, err
}

// Delete removes a secret; its history stays.
func (c *Client) Delete(ctx context.Context, r Ref) (Secret, error) {
	var out SecretOne
	err := c.call(ctx, http.MethodDelete, secretPath(r.Name), write(r), &out)
	return out.Secret, err
}

// History lists the versions of a secret, newest first.
func (c *Client) History(ctx context.Context, r Ref) ([]Version, error) {
	var out struct{ Versions []Version }
	q := query("project", r.Project, "environment", r.Environment, "path", r.Path, "name", string(r.Name))
	err := c.call(ctx, http.MethodGet, Base+"/history"+q, nil, &out)
	return out.Versions, err
}

// Restore makes an earlier version the current one again, as a new version.
func (c *Client) Restore(ctx context.Context, r Ref, version int) (Secret, error) {
	var out SecretOne
	err := c.call(ctx, http.MethodPost, Base+"/restore",
		Restore{Project: r.Project, Environment: r.Environment, Path: r.Path, Name: r.Name, Version: version}, &out)
	return out.Secret, err
}

// Folders lists the folders in f.Path, all below it when recursive.
func (c *Client) Folders(ctx context.Context, f Ref, recursive bool) ([]Folder, error) {
	var out struct{ Folders []Folder }
	q := query("projectId", f.Project, "environment", f.Environment, "path", f.Path, "recursive", strconv.FormatBool(recursive))
	err := c.call(ctx, http.MethodGet, "/api/v1/folders"+q, nil, &out)
	return out.Folders, err
}

// MakeFolder makes the folder name in f.Path, with f.Path itself.
func (c *Client) MakeFolder(ctx context.Context, f Ref, name string) (Folder, error) {
	var out struct{ Folder Folder }
	err := c.call(ctx, http.MethodPost, "/api/v1/folders",
		FolderWrite{ProjectID: f.Project, Environment: f.Environment, Path: f.Path, Name: name}, &out)
	return out.Folder, err
}

func write(r Ref) Write {
	return Write{ProjectID: r.Project, Environment: r.Environment, Path: r.Path, Type: "shared"}
}

func secretPath(name secret.Name) string {
	return "/api/v4/secrets/" + url.PathEscape(string(name))
}
