package source

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
)

// infisical is a folder on a server of Infisical, or on one of Bailey's. It
// asks in the newest age of the dialect; a server that does not know it is
// asked in the one before, from then on and by other commands too.
type infisical struct {
	World
	at Address // project, environment, folder…

	mu    sync.Mutex
	token string
	old   bool
}

const ageBefore = "v3" // what is remembered of an older server

// Read lists the folder as it shows: with imports, references replaced.
func (s *infisical) Read(ctx context.Context) ([]exchange.Item, error) {
	var list api.SecretList
	err := s.ask(ctx, func(old bool) (string, string, any) {
		q := []string{"environment", s.at.Parts[1], "secretPath", s.folder()}
		if old {
			return http.MethodGet, "/api/v3/secrets/raw" + query(append(q, "workspaceId", s.at.Parts[0],
				"include_imports", "true", "expandSecretReferences", "true")...), nil
		}
		return http.MethodGet, "/api/v4/secrets" + query(append(q, "projectId", s.at.Parts[0],
			"includeImports", "true", "expandSecretReferences", "true", "includePersonalOverrides", "false")...), nil
	}, &list)
	if err != nil {
		return nil, err
	}
	return whole(s.at.String(), shown(list))
}

// shown are the secrets of a list; the later import wins, and the folder's own
// over all.
func shown(list api.SecretList) []exchange.Item {
	have := map[secret.Name]bool{}
	var items []exchange.Item
	add := func(secrets []api.Secret) {
		for i := range secrets {
			if s := &secrets[i]; !have[s.Key] {
				have[s.Key] = true
				items = append(items, exchange.Item{Name: s.Key, Value: s.Value()})
			}
		}
	}
	add(list.Secrets)
	for i := len(list.Imports) - 1; i >= 0; i-- {
		add(list.Imports[i].Secrets)
	}
	return items
}

// Write changes what is there and adds what is not.
func (s *infisical) Write(ctx context.Context, items []exchange.Item) error {
	before, err := s.Read(ctx)
	if err != nil {
		return err
	}
	have := map[secret.Name]bool{}
	for _, it := range before {
		have[it.Name] = true
	}
	var changed, added []api.Write
	for _, it := range items {
		text, exact := api.Wire(it.Value)
		w := api.Write{Key: it.Name, Plain: &text, Base64: exact, Literal: true}
		if have[it.Name] {
			changed = append(changed, w)
		} else {
			added = append(added, w)
		}
	}
	if s.old {
		if err := s.batch(ctx, http.MethodPatch, changed); err != nil {
			return err
		}
		return s.batch(ctx, http.MethodPost, added)
	}
	return s.batch(ctx, http.MethodPatch, append(changed, added...))
}

func (s *infisical) batch(ctx context.Context, method string, writes []api.Write) error {
	if len(writes) == 0 {
		return nil
	}
	body := api.Write{Environment: s.at.Parts[1], Path: s.folder(), Secrets: writes}
	return s.ask(ctx, func(old bool) (string, string, any) {
		if old {
			body.WorkspaceID = s.at.Parts[0]
			return method, "/api/v3/secrets/batch/raw", body
		}
		body.ProjectID, body.Mode = s.at.Parts[0], "upsert"
		return method, "/api/v4/secrets/batch", body
	}, &struct{}{})
}

func (s *infisical) folder() string { return "/" + strings.Join(s.at.Parts[2:], "/") }

// ask sends a request in the age that the server knows.
func (s *infisical) ask(ctx context.Context, request func(old bool) (method, path string, body any), out any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.login(ctx)
	if err != nil {
		return err
	}
	if !s.old && s.Recall != nil {
		s.old = s.Recall(s.at.Host) == ageBefore
	}
	method, path, body := request(s.old)
	got, err := w.call(ctx, method, path, body)
	if err == nil && !s.old && noRoute(got) {
		s.old = true
		if s.Remember != nil {
			s.Remember(s.at.Host, ageBefore)
		}
		method, path, body = request(true)
		got, err = w.call(ctx, method, path, body)
	}
	if err != nil {
		return err
	}
	return w.read(got, out)
}

// noRoute tells a server that does not know a route from one that has no such
// project.
func noRoute(a answer) bool {
	var body struct{ Message string }
	return a.status == http.StatusNotFound && json.Unmarshal(a.body, &body) == nil && strings.HasPrefix(body.Message, "Route ")
}

// login gets a token once: one that is given, or that of a machine identity.
func (s *infisical) login(ctx context.Context) (web, error) {
	w := web{at: s.at, rt: s.transport}
	if s.token == "" {
		s.token = s.first("INFISICAL_TOKEN")
	}
	if s.token == "" {
		id, key := s.first("INFISICAL_UNIVERSAL_AUTH_CLIENT_ID"), s.first("INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET")
		if id == "" || key == "" {
			return w, api.Errorf(api.Denied, "%s wants a token", s.at).
				WithHint("set INFISICAL_TOKEN, or INFISICAL_UNIVERSAL_AUTH_CLIENT_ID and INFISICAL_UNIVERSAL_AUTH_CLIENT_SECRET")
		}
		got, err := w.call(ctx, http.MethodPost, "/api/v1/auth/universal-auth/login", map[string]string{"clientId": id, "clientSecret": key})
		if err != nil {
			return w, err
		}
		var out struct{ AccessToken string }
		if err := w.read(got, &out); err != nil {
			return w, err
		}
		s.token = out.AccessToken
	}
	w.header = map[string]string{"Authorization": "Bearer " + s.token}
	return w, nil
}
