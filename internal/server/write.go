package server

import (
	"net/http"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
)

func (s *Server) createSecret(v *vault.Vault, r *http.Request) (any, error) {
	return s.writeOne(v, r, vault.CreateOnly)
}

func (s *Server) updateSecret(v *vault.Vault, r *http.Request) (any, error) {
	return s.writeOne(v, r, vault.UpdateOnly)
}

func (s *Server) writeOne(v *vault.Vault, r *http.Request, mode vault.Mode) (any, error) {
	var body api.Write
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	if body.Type == "personal" {
		return nil, api.Errorf(api.Invalid, "Must be user to create personal secret")
	}
	if mode == vault.CreateOnly && body.Plain == nil && body.Base64 == nil {
		return nil, api.Required("secretValue")
	}
	body.Key = secret.Name(r.PathValue("name"))
	done, err := s.change(v, r, &body, []api.Write{body}, mode)
	if err != nil {
		return nil, err
	}
	return api.SecretOne{Secret: done[0]}, nil
}

func (s *Server) createSecrets(v *vault.Vault, r *http.Request) (any, error) {
	return s.writeMany(v, r, func(string) vault.Mode { return vault.CreateOnly })
}

// updateSecrets changes many in one transaction. The mode "ignore", which
// drops what is not found, is not offered.
func (s *Server) updateSecrets(v *vault.Vault, r *http.Request) (any, error) {
	return s.writeMany(v, r, func(mode string) vault.Mode {
		if mode == "upsert" {
			return vault.Upsert
		}
		return vault.UpdateOnly
	})
}

func (s *Server) writeMany(v *vault.Vault, r *http.Request, mode func(string) vault.Mode) (any, error) {
	var body api.Write
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	if body.Mode == "ignore" {
		return nil, api.Errorf(api.Invalid, "mode ignore is not offered: use failOnNotFound or upsert")
	}
	done, err := s.change(v, r, &body, body.Secrets, mode(body.Mode))
	return api.SecretList{Secrets: done, Imports: []api.Import{}}, err
}

// change applies writes to the folder that body names, all or none.
func (s *Server) change(v *vault.Vault, r *http.Request, body *api.Write, writes []api.Write, mode vault.Mode) ([]api.Secret, error) {
	place, err := dialect.PlaceOfWrite(body)
	if err != nil {
		return nil, err
	}
	changes, err := dialect.Changes(writes, mode)
	if err != nil {
		return nil, err
	}
	var done []vault.Secret
	err = dialect.Aliased(&place.Environment, func() error {
		done, err = v.SetMany(r.Context(), s.caller(r), place, changes)
		return err
	})
	if err != nil {
		return nil, dialect.Duplicate(err)
	}
	out := make([]api.Secret, 0, len(done))
	for i := range done {
		out = append(out, dialect.Secret(&done[i], false))
	}
	return out, nil
}

// deleteSecret deletes and answers with what was deleted, without its value.
// The official CLI asks for type "personal" unless told otherwise; a machine
// has no personal secrets.
func (s *Server) deleteSecret(v *vault.Vault, r *http.Request) (any, error) {
	var body api.Write
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	if body.Type == "personal" {
		return nil, notFound(r.PathValue("name"))
	}
	done, err := s.remove(v, r, &body, []secret.Name{secret.Name(r.PathValue("name"))})
	if err != nil {
		return nil, err
	}
	return api.SecretOne{Secret: done[0]}, nil
}

func (s *Server) deleteSecrets(v *vault.Vault, r *http.Request) (any, error) {
	var body api.Write
	if err := dialect.Read(r, &body); err != nil {
		return nil, err
	}
	var names []secret.Name
	for _, w := range body.Secrets {
		names = append(names, w.Key)
	}
	done, err := s.remove(v, r, &body, names)
	return api.SecretList{Secrets: done, Imports: []api.Import{}}, err
}

func (s *Server) remove(v *vault.Vault, r *http.Request, body *api.Write, names []secret.Name) ([]api.Secret, error) {
	place, err := dialect.PlaceOfWrite(body)
	if err != nil {
		return nil, err
	}
	var gone []vault.Secret
	err = dialect.Aliased(&place.Environment, func() error {
		gone, err = v.Delete(r.Context(), s.caller(r), place, names...)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]api.Secret, 0, len(gone))
	for i := range gone {
		out = append(out, dialect.Secret(&gone[i], true))
	}
	return out, nil
}
