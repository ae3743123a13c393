package content

import (
	"context"
	"slices"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/access"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/label"
	"github.com/bailey-project/bailey/internal/vault/link"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

// Events that one can subscribe to.
const (
	created   = "secret:create"
	updated   = "secret:update"
	deleted   = "secret:delete"
	reimports = "secret:import-mutation"
)

// Event is one message of a stream. It holds names, never a value.
type Event struct {
	ProjectType string `json:"projectType"`
	Data        struct {
		EventType string    `json:"eventType"`
		Payload   []payload `json:"payload"`
	} `json:"data"`
}

type payload struct {
	Environment string `json:"environment"`
	SecretPath  string `json:"secretPath"`
	SecretKey   string `json:"secretKey,omitempty"`
}

// Subscription is what one stream has told so far.
type Subscription struct {
	ask     *desk.Ask
	project vault.ID
	want    []string
	seen    map[vault.ID]seen // by environment
}

type seen struct {
	version uint64
	imports map[string]uint64 // changes of imports by folder
}

// Subscribe reads what a stream is to tell of.
func Subscribe(a *desk.Ask) (*Subscription, error) {
	var body struct {
		ProjectID string
		Register  []struct{ Event string }
	}
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	if body.ProjectID == "" {
		return nil, api.Required("projectId")
	}
	project, err := a.Project(body.ProjectID)
	if err != nil {
		return nil, err
	}
	s := &Subscription{ask: a, project: project}
	for _, r := range body.Register {
		if !slices.Contains([]string{created, updated, deleted, reimports}, r.Event) {
			return nil, api.Errorf(api.Invalid, "there is no event %.50q", r.Event)
		}
		s.want = append(s.want, r.Event)
	}
	q := vault.Question{Action: "events.subscribe", Place: vault.Place{Project: string(project)}}
	_, err = vault.Read(a.Context(), a.Vault, a.Caller, q, func(w *tree.Reader) (struct{}, error) {
		s.seen, err = s.now(w)
		return struct{}{}, err
	})
	return s, err
}

func (s *Subscription) now(w *tree.Reader) (map[vault.ID]seen, error) {
	p, err := w.Project(string(s.project))
	if err != nil {
		return nil, err
	}
	out := map[vault.ID]seen{}
	for _, e := range p.Environments {
		if old, ok := s.seen[e.ID]; ok {
			at, err := w.Environment(string(s.project), string(e.ID))
			if err != nil || at.Version == old.version {
				out[e.ID] = old
				if err != nil {
					return nil, err
				}
				continue
			}
		}
		one := seen{}
		if one.version, one.imports, err = link.State(w, string(s.project), string(e.ID)); err != nil {
			return nil, err
		}
		out[e.ID] = one
	}
	return out, nil
}

// News are the events since the last call. They tell of what the visitor may
// know that it is there, and of nobody's personal secrets.
func (s *Subscription) News(ctx context.Context) (events []Event, err error) {
	a := s.ask
	_, err = vault.Look(ctx, a.Vault, func(w *tree.Reader) (struct{}, error) {
		now, err := s.now(w)
		if err != nil {
			return struct{}{}, err
		}
		p, err := w.Project(string(s.project))
		if err != nil {
			return struct{}{}, err
		}
		tags := dialect.Tags{}
		named, err := label.List(w, string(s.project))
		if err != nil {
			return struct{}{}, err
		}
		for _, t := range named {
			tags[t.ID] = api.Tag{Slug: t.Slug}
		}
		for _, e := range p.Environments {
			id := e.ID
			old, ok := s.seen[id]
			at := now[id]
			if ok && old.version == at.version {
				continue
			}
			list, err := w.Since(string(s.project), string(id), old.version)
			if err != nil {
				return struct{}{}, err
			}
			for i := range list {
				if a.Who.May(s.project, "describeSecret", thing(&list[i], tags)) {
					events = s.tell(events, kindOf(&list[i]), payload{list[i].Environment, list[i].Path, string(list[i].Name)})
				}
			}
			events = s.tellImports(w, events, id, old.imports, at.imports)
		}
		s.seen = now
		return struct{}{}, nil
	})
	return events, err
}

func kindOf(s *vault.Secret) string {
	switch {
	case s.Deleted:
		return deleted
	case s.Version == 1:
		return created
	}
	return updated
}

func (s *Subscription) tell(events []Event, kind string, p payload) []Event {
	if !slices.Contains(s.want, kind) {
		return events
	}
	e := Event{ProjectType: "secret-manager"}
	e.Data.EventType, e.Data.Payload = kind, []payload{p}
	return append(events, e)
}

func (s *Subscription) tellImports(w *tree.Reader, events []Event, env vault.ID, old, now map[string]uint64) []Event {
	e, err := w.Environment(string(s.project), string(env))
	if err != nil {
		return events
	}
	folders := map[string]bool{}
	for path, n := range now {
		folders[path] = old[path] != n
	}
	for path := range old {
		if _, still := now[path]; !still {
			folders[path] = true
		}
	}
	for path, changed := range folders {
		may := s.ask.Who.May(s.project, "read", access.Thing{Subject: access.Imports, Environment: e.Slug, Path: path})
		if changed && may {
			events = s.tell(events, reimports, payload{Environment: e.Slug, SecretPath: path})
		}
	}
	return events
}
