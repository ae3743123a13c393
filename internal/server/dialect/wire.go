package dialect

import (
	"net/http"
	"strconv"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault"
)

// defaultEvents is how many events a request gets that does not say.
const defaultEvents = 100

// Folder is a folder in the API's words.
func Folder(f vault.Folder) api.Folder {
	return api.Folder{
		ID: string(f.ID), Name: f.Name, Version: f.Version, Description: f.Description, EnvID: string(f.Environment), ParentID: string(f.Parent),
		CreatedAt: api.Time{Time: f.CreatedAt}, UpdatedAt: api.Time{Time: f.UpdatedAt}, RelativePath: f.Path,
	}
}

// Project is a project in the API's words.
func Project(p *vault.Project) api.Project {
	out := api.Project{ID: string(p.ID), Slug: p.Slug, Name: p.Name, Environments: []api.Environment{}}
	for i := range p.Environments {
		out.Environments = append(out.Environments, Environment(&p.Environments[i]))
	}
	return out
}

// Environment is an environment in the API's words.
func Environment(e *vault.Environment) api.Environment {
	return api.Environment{ID: string(e.ID), Slug: e.Slug, Name: e.Name}
}

// Original is a kept file in the API's words, without its content.
func Original(o *vault.Original) api.Original {
	return api.Original{Path: o.Path, Mode: uint32(o.Mode.Perm()), Size: o.Size, SavedAt: api.Time{Time: o.SavedAt}}
}

// EventOf is an event that c reports; who reports is not the event's to say.
func EventOf(e api.Event, c vault.Caller) audit.Event {
	return audit.Event{
		Time: e.Time.Time, Actor: c.Actor, Pid: c.Pid, Session: First(e.Session, c.Session), Action: e.Action,
		Project: e.Project, Environment: e.Environment, Path: e.Path, Name: e.Name, Host: e.Host,
		Outcome: e.Outcome, Detail: e.Detail,
	}
}

// FilterOf reads which events a request wants.
func FilterOf(r *http.Request) (audit.Filter, error) {
	q := r.URL.Query()
	f := audit.Filter{
		Project: q.Get("project"), Session: q.Get("session"),
		Action: q.Get("action"), Outcome: q.Get("outcome"), Limit: defaultEvents,
	}
	var err error
	if l := q.Get("limit"); l != "" {
		if f.Limit, err = strconv.Atoi(l); err != nil || f.Limit < 1 {
			return f, api.Errorf(api.Invalid, "limit is not a positive number")
		}
	}
	if since := q.Get("since"); since != "" {
		if f.Since, err = time.Parse(time.RFC3339Nano, since); err != nil {
			return f, api.Errorf(api.Invalid, "since is not a time as in RFC 3339")
		}
	}
	return f, nil
}

// Event is a record in the API's words.
func Event(r audit.Record) api.Event {
	return api.Event{
		Seq: uint64(r.Seq), Time: api.Time{Time: r.Time}, Actor: r.Actor, Pid: r.Pid, Action: r.Action,
		Project: r.Project, Environment: r.Environment, Path: r.Path, Name: r.Name, Host: r.Host,
		Session: r.Session, Count: r.Count, Outcome: r.Outcome, Detail: r.Detail, Locked: r.Locked,
	}
}
