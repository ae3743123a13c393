// Package dialect translates between the vault's words and those of the API:
// places, secrets, changes, events, errors.
//
// It answers no requests and opens no vault. Its invariant: an error that
// leaves it has a code of the closed set, and carries no value.
package dialect

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/vault"
)

// PlaceOf reads where from a query, in the words of all ages of the dialect.
func PlaceOf(q url.Values) (vault.Place, error) {
	return checkPlace(
		First(q.Get("projectId"), q.Get("workspaceId"), q.Get("workspaceSlug"), q.Get("projectSlug")),
		First(q.Get("environment"), q.Get("environmentSlug")),
		First(q.Get("secretPath"), q.Get("path"), q.Get("directory")),
	)
}

// PlaceOfWrite reads where from the body of a write.
func PlaceOfWrite(w *api.Write) (vault.Place, error) {
	return checkPlace(First(w.ProjectID, w.WorkspaceID, w.Slug), w.Environment, w.Path)
}

func checkPlace(project, environment, path string) (vault.Place, error) {
	switch {
	case project == "":
		return vault.Place{}, api.Required("projectId")
	case environment == "":
		return vault.Place{}, api.Required("environment")
	}
	return vault.Place{Project: project, Environment: environment, Path: path}, nil
}

// PlaceOfFolder reads where from the body that makes or deletes a folder.
func PlaceOfFolder(b *api.FolderWrite) (vault.Place, error) {
	return checkPlace(First(b.ProjectID, b.WorkspaceID), b.Environment, First(b.Path, b.Directory))
}

// Flag reads a boolean of a query; the dialect writes "true" and "false".
func Flag(q url.Values, name string, byDefault bool) bool {
	switch q.Get(name) {
	case "true", "1":
		return true
	case "false", "0":
		return false
	}
	return byDefault
}

// First is the first of its arguments that is not empty.
func First(candidates ...string) string {
	for _, c := range candidates {
		if c != "" {
			return c
		}
	}
	return ""
}

// Read decodes the body. The dialect ignores unknown fields, so this does.
func Read(r *http.Request, into any) error {
	err := json.NewDecoder(r.Body).Decode(into)
	var known *api.Error
	var big *http.MaxBytesError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &kind):
		return mistyped(kind)
	case errors.As(err, &known), errors.As(err, &big):
		return err
	}
	return api.Errorf(api.Invalid, "the request's body is not the JSON expected here")
}

// mistyped is the answer to a field of the wrong kind, as Required is to one
// that is missing. The value is not repeated.
func mistyped(e *json.UnmarshalTypeError) *api.Error {
	received, _, _ := strings.Cut(e.Value, " ") // "number 5"
	received = strings.Replace(received, "bool", "boolean", 1)
	expected := map[reflect.Kind]string{reflect.String: "string", reflect.Bool: "boolean", reflect.Slice: "array", reflect.Struct: "object", reflect.Map: "object"}[e.Type.Kind()]
	expected = First(expected, "number")
	message := "Expected " + expected + ", received " + received
	return &api.Error{Code: api.Invalid, Status: http.StatusUnprocessableEntity, Name: "ValidationFailure", Message: message,
		Issues: []api.Issue{{Code: "invalid_type", Expected: expected, Received: received, Path: strings.Split(e.Field, "."), Message: message}}}
}

// Aliased tries again with Bailey's name of a default environment when the
// dialect's is not there: clients are configured with "dev" and "prod".
func Aliased(environment *string, do func() error) error {
	err := do()
	full, ok := map[string]string{"dev": "development", "prod": "production"}[*environment]
	if !ok || codeOf(err) != api.Missing {
		return err
	}
	short := *environment
	*environment = full
	if again := do(); codeOf(again) != api.Missing {
		return again
	}
	*environment = short
	return err
}

func codeOf(err error) api.Code {
	if err == nil {
		return ""
	}
	return Error(err).Code
}
