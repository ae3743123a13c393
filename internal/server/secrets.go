package server

import (
	"net/http"
	"strconv"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
)

// listSecrets answers a folder. Values come back as they were stored: neither
// trimmed nor expanded.
func (s *Server) listSecrets(v *vault.Vault, r *http.Request) (any, error) {
	q := r.URL.Query()
	place, err := dialect.PlaceOf(q)
	if err != nil {
		return nil, err
	}
	opts := vault.ListOptions{Recursive: dialect.Flag(q, "recursive", false), NamesOnly: !dialect.Flag(q, "viewSecretValue", true)}
	var list []vault.Secret
	err = dialect.Aliased(&place.Environment, func() error {
		list, err = v.List(r.Context(), s.caller(r), place, opts)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := api.SecretList{Secrets: make([]api.Secret, 0, len(list)), Imports: []api.Import{}}
	if q.Get("tagSlugs") != "" { // no secret has a tag yet
		return out, nil
	}
	for i := range list {
		out.Secrets = append(out.Secrets, dialect.Secret(&list[i], opts.NamesOnly))
	}
	return out, nil
}

func (s *Server) getSecret(v *vault.Vault, r *http.Request) (any, error) {
	q := r.URL.Query()
	place, err := dialect.PlaceOf(q)
	if err != nil {
		return nil, err
	}
	if q.Get("type") == "personal" {
		return nil, notFound(r.PathValue("name"))
	}
	version, err := strconv.Atoi(dialect.First(q.Get("version"), "0"))
	if err != nil || version < 0 {
		return nil, api.Errorf(api.Invalid, "version is not a number")
	}
	ref, err := target(r, place)
	if err != nil {
		return nil, err
	}
	var found vault.Secret
	err = dialect.Aliased(&ref.Environment, func() error {
		found, err = v.Get(r.Context(), s.caller(r), ref, version)
		return err
	})
	if err != nil {
		return nil, err
	}
	return api.SecretOne{Secret: dialect.Secret(&found, !dialect.Flag(q, "viewSecretValue", true))}, nil
}

// target completes a place with the name in the route.
func target(r *http.Request, p vault.Place) (vault.Ref, error) {
	name, err := secret.ParseName(r.PathValue("name"))
	if err != nil {
		return vault.Ref{}, api.Errorf(api.Invalid, "%s", err)
	}
	return vault.Ref{Project: p.Project, Environment: p.Environment, Path: p.Path, Name: name}, nil
}

func notFound(name string) *api.Error {
	return api.Errorf(api.Missing, "Secret with name '%s' not found", name)
}
