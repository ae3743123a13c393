package content

import (
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/access"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/label"
)

type tagJSON struct {
	ID        string   `json:"id"`
	Slug      string   `json:"slug"`
	Color     string   `json:"color"`
	CreatedAt api.Time `json:"createdAt"`
	UpdatedAt api.Time `json:"updatedAt"`
	CreatedBy string   `json:"createdBy"`
	ProjectID string   `json:"projectId"`
	ActorType string   `json:"createdByActorType"`
	Name      string   `json:"name"`
}

func tagOf(t label.Tag) tagJSON {
	kind, name, ok := strings.Cut(t.Actor, ":")
	if !ok {
		kind, name = "user", t.Actor
	}
	return tagJSON{string(t.ID), t.Slug, t.Color, api.Time{Time: t.CreatedAt}, api.Time{Time: t.UpdatedAt}, name, string(t.Project), kind, t.Name}
}

// words are what the two ages of the dialect call a tag and its list.
func words(a *desk.Ask) (one, many string) {
	if strings.HasPrefix(a.URL.Path, "/api/v1/workspace/") {
		return "workspaceTag", "workspaceTags"
	}
	return "tag", "tags"
}

func oneTag(a *desk.Ask, t label.Tag, err error) (any, error) {
	one, _ := words(a)
	return map[string]tagJSON{one: tagOf(t)}, err
}

// ListTags answers a project's tags.
func ListTags(a *desk.Ask) (any, error) {
	project, err := a.Require(a.PathValue("project"), "read", access.Thing{Subject: access.Tags})
	if err != nil {
		return nil, err
	}
	list, err := label.All(a.Context(), a.Vault, a.Caller, string(project))
	out := make([]tagJSON, 0, len(list))
	for _, t := range list {
		out = append(out, tagOf(t))
	}
	_, many := words(a)
	return map[string][]tagJSON{many: out}, err
}

// CreateTag makes one.
func CreateTag(a *desk.Ask) (any, error) { return putTag(a, "create", "") }

// UpdateTag changes one.
func UpdateTag(a *desk.Ask) (any, error) { return putTag(a, "edit", vault.ID(a.PathValue("tag"))) }

func putTag(a *desk.Ask, action string, id vault.ID) (any, error) {
	var body struct{ Name, Slug, Color string }
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	project, err := a.Require(a.PathValue("project"), action, access.Thing{Subject: access.Tags})
	if err != nil {
		return nil, err
	}
	slug := body.Slug
	if id == "" {
		slug = dialect.First(body.Slug, body.Name)
	}
	if id == "" && slug == "" {
		return nil, api.Required("slug")
	}
	t, err := label.Put(a.Context(), a.Vault, a.Caller, string(project), label.Tag{ID: id, Slug: slug, Name: body.Name, Color: body.Color})
	return oneTag(a, t, err)
}

// GetTag finds one by id or slug.
func GetTag(a *desk.Ask) (any, error) {
	project, err := a.Require(a.PathValue("project"), "read", access.Thing{Subject: access.Tags})
	if err != nil {
		return nil, err
	}
	t, err := label.Get(a.Context(), a.Vault, a.Caller, string(project), a.PathValue("tag"))
	return oneTag(a, t, err)
}

// DeleteTag removes one from the project and its secrets.
func DeleteTag(a *desk.Ask) (any, error) {
	project, err := a.Require(a.PathValue("project"), "delete", access.Thing{Subject: access.Tags})
	if err != nil {
		return nil, err
	}
	t, err := label.Delete(a.Context(), a.Vault, a.Caller, string(project), a.PathValue("tag"))
	return oneTag(a, t, err)
}
