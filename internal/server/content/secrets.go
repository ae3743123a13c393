// Package content answers for what projects hold: secrets, folders, imports,
// tags, and the events that tell of changes.
//
// It decides nothing about who asks; desk does, and every handler asks it
// first. Its invariant: no secret leaves that its visitor may not read, on
// whatever way: by name, by id, in a list, imported or referred to.
package content

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/server/access"
	"github.com/bailey-project/bailey/internal/server/desk"
	"github.com/bailey-project/bailey/internal/server/dialect"
	"github.com/bailey-project/bailey/internal/vault"
	"github.com/bailey-project/bailey/internal/vault/label"
	"github.com/bailey-project/bailey/internal/vault/link"
	"github.com/bailey-project/bailey/internal/vault/tree"
)

const personal = "personal"

// tagsOf are a project's tags.
func tagsOf(a *desk.Ask, project string) (dialect.Tags, error) {
	return vault.Look(a.Context(), a.Vault, func(w *tree.Reader) (dialect.Tags, error) { return readTags(w, project) })
}

func readTags(w *tree.Reader, project string) (dialect.Tags, error) {
	list, err := label.List(w, project)
	out := dialect.Tags{}
	for _, t := range list {
		out[t.ID] = api.Tag{ID: string(t.ID), Slug: t.Slug, Name: t.Name, Color: t.Color}
	}
	return out, err
}

func slugs(tags dialect.Tags, ids []vault.ID) (out []string) {
	for _, id := range ids {
		if t, ok := tags[id]; ok {
			out = append(out, t.Slug)
		}
	}
	return out
}

// thing is a secret as the rules see it.
func thing(s *vault.Secret, tags dialect.Tags) access.Thing {
	return access.Thing{Subject: access.Secrets, Environment: s.Environment, Path: s.Path, Name: string(s.Name), Tags: slugs(tags, s.Tags)}
}

// options reads what a question about secrets wants, and binds it to what the
// visitor may. Our own client says everything; v4 of the dialect takes what is
// not said for yes, v3 for no.
func options(a *desk.Ask, q url.Values, p vault.Place, tags dialect.Tags) link.Options {
	byDefault := strings.HasPrefix(a.URL.Path, "/api/v4/")
	o := link.Options{
		Recursive: dialect.Flag(q, "recursive", false),
		NamesOnly: !dialect.Flag(q, "viewSecretValue", true),
		Imports:   dialect.Flag(q, "includeImports", dialect.Flag(q, "include_imports", byDefault)),
		Expand:    dialect.Flag(q, "expandSecretReferences", byDefault),
		Strict:    dialect.Flag(q, "strictReferences", false),
	}
	if dialect.Flag(q, "includePersonalOverrides", byDefault) {
		o.Owner = a.Who.Owner()
	}
	action := "readValue"
	if o.NamesOnly {
		action = "describeSecret"
	}
	o.May = func(s *vault.Secret) bool { return a.Who.May(vault.ID(p.Project), action, thing(s, tags)) }
	if want := q.Get("tagSlugs"); want != "" {
		o.Tags = []vault.ID{}
		for slug := range strings.SplitSeq(want, ",") {
			for id, t := range tags {
				if t.Slug == strings.TrimSpace(slug) {
					o.Tags = append(o.Tags, id)
				}
			}
		}
	}
	return o
}

// at is the place that a question is about, and the project's tags.
func at(a *desk.Ask, q url.Values) (p vault.Place, tags dialect.Tags, err error) {
	if p, err = dialect.PlaceOf(q); err != nil {
		return p, nil, err
	}
	err = a.RequireAnd(&p, "describeSecret", access.Secrets, func(w *tree.Reader) error {
		tags, err = readTags(w, p.Project)
		return err
	})
	return p, tags, err
}

// List answers a folder. Values come back as they were stored, not trimmed.
func List(a *desk.Ask) (any, error) {
	q := a.Query()
	p, tags, err := at(a, q)
	if err != nil {
		if a.Exact && api.IsCode(dialect.Error(err), api.Missing) && p.Project != "" {
			return api.SecretList{Secrets: []api.Secret{}, Imports: []api.Import{}}, nil
		}
		return nil, err
	}
	o := options(a, q, p, tags)
	found, err := link.List(a.Context(), a.Vault, a.Caller, p, o)
	if err != nil {
		if a.Exact && api.IsCode(dialect.Error(err), api.Missing) {
			return api.SecretList{Secrets: []api.Secret{}, Imports: []api.Import{}}, nil
		}
		return nil, err
	}
	out := api.SecretList{Secrets: wire(found.Secrets, o.NamesOnly, tags), Imports: []api.Import{}}
	for _, im := range found.Imports {
		out.Imports = append(out.Imports, api.Import{SecretPath: im.From.Path, Environment: im.From.Environment,
			FolderID: string(im.Folder), Secrets: wire(im.Secrets, o.NamesOnly, tags)})
	}
	return out, nil
}

func wire(list []vault.Secret, hide bool, tags dialect.Tags) []api.Secret {
	out := make([]api.Secret, 0, len(list))
	for i := range list {
		out = append(out, dialect.Secret(&list[i], hide, tags))
	}
	return out
}

// Get answers one secret.
func Get(a *desk.Ask) (any, error) {
	q := a.Query()
	p, tags, err := at(a, q)
	if err != nil {
		return nil, err
	}
	o := options(a, q, p, tags)
	if o.Version, err = strconv.Atoi(dialect.First(q.Get("version"), "0")); err != nil || o.Version < 0 {
		return nil, api.Errorf(api.Invalid, "version is not a number")
	}
	ref, err := target(a, p)
	if err != nil {
		return nil, err
	}
	switch q.Get("type") {
	case "shared":
		o.Owner = ""
	case personal:
		if ref.Owner = a.Who.Owner(); ref.Owner == "" {
			return nil, notFound(ref.Name)
		}
	}
	found, err := link.Get(a.Context(), a.Vault, a.Caller, ref, o)
	if err != nil {
		return nil, err
	}
	return api.SecretOne{Secret: dialect.Secret(&found, o.NamesOnly, tags)}, nil
}

func wrap(err error) error {
	if err == nil {
		return nil
	}
	return dialect.Error(err)
}

// GetByID answers one secret of any project that the visitor may read.
func GetByID(a *desk.Ask) (any, error) {
	s, err := a.Vault.SecretByID(a.Context(), a.Caller, a.PathValue("id"))
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(a, string(s.Project))
	if err != nil {
		return nil, err
	}
	if !a.Who.May(s.Project, "readValue", thing(&s, tags)) || s.Owner != "" && s.Owner != a.Who.Owner() {
		return nil, api.Errorf(api.Missing, "Secret with id '%s' not found", a.PathValue("id"))
	}
	return api.SecretOne{Secret: dialect.Secret(&s, false, tags)}, nil
}

// target completes a place with the name in the route.
func target(a *desk.Ask, p vault.Place) (vault.Ref, error) {
	name, err := secret.ParseName(a.PathValue("name"))
	if err != nil {
		return vault.Ref{}, api.Errorf(api.Invalid, "%s", err)
	}
	return vault.Ref{Project: p.Project, Environment: p.Environment, Path: p.Path, Name: name}, nil
}

func notFound(name secret.Name) *api.Error {
	return api.Errorf(api.Missing, "Secret with name '%s' not found", name)
}

// Create makes one secret.
func Create(a *desk.Ask) (any, error) { return writeOne(a, vault.CreateOnly) }

// Update changes one secret.
func Update(a *desk.Ask) (any, error) { return writeOne(a, vault.UpdateOnly) }

func writeOne(a *desk.Ask, mode vault.Mode) (any, error) {
	var body api.Write
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	if body.Type == personal && a.Who.Owner() == "" {
		return nil, api.Errorf(api.Invalid, "Must be user to create personal secret")
	}
	if mode == vault.CreateOnly && body.Plain == nil && body.Base64 == nil {
		return nil, api.Required("secretValue")
	}
	body.Key = secret.Name(a.PathValue("name"))
	done, err := change(a, &body, []api.Write{body}, mode)
	if err != nil {
		return nil, err
	}
	return api.SecretOne{Secret: done[0]}, nil
}

// CreateMany makes many in one transaction.
func CreateMany(a *desk.Ask) (any, error) {
	return writeMany(a, func(string) vault.Mode { return vault.CreateOnly })
}

// UpdateMany changes many in one transaction. The mode "ignore", which drops
// what is not found, is not offered.
func UpdateMany(a *desk.Ask) (any, error) {
	return writeMany(a, func(mode string) vault.Mode {
		if mode == "upsert" {
			return vault.Upsert
		}
		return vault.UpdateOnly
	})
}

func writeMany(a *desk.Ask, mode func(string) vault.Mode) (any, error) {
	var body api.Write
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	if body.Mode == "ignore" {
		return nil, api.Errorf(api.Invalid, "mode ignore is not offered: use failOnNotFound or upsert")
	}
	done, err := change(a, &body, body.Secrets, mode(body.Mode))
	return api.SecretList{Secrets: done, Imports: []api.Import{}}, err
}

// change applies writes to the folder that body names, all or none.
func change(a *desk.Ask, body *api.Write, writes []api.Write, mode vault.Mode) ([]api.Secret, error) {
	p, err := dialect.PlaceOfWrite(body)
	if err != nil {
		return nil, err
	}
	changes, err := dialect.Changes(writes, mode)
	if err != nil {
		return nil, err
	}
	verb := "edit"
	if mode == vault.CreateOnly {
		verb = "create"
	}
	if err := a.RequireAt(&p, verb, access.Secrets); err != nil {
		return nil, err
	}
	tags, err := tagsOf(a, p.Project)
	if err != nil {
		return nil, err
	}
	for i := range changes {
		if writes[i].Type == personal || body.Type == personal {
			changes[i].Owner = a.Who.Owner()
		}
	}
	if err := mayChangeAll(a, p, changes, tags); err != nil {
		return nil, err
	}
	done, err := a.Vault.SetMany(a.Context(), a.Caller, p, changes)
	if err != nil {
		return nil, dialect.Duplicate(err)
	}
	return wire(done, false, tags), nil
}

// mayChangeAll is mayChange for many, in one look.
func mayChangeAll(a *desk.Ask, p vault.Place, changes []vault.Change, tags dialect.Tags) error {
	_, err := vault.Look(a.Context(), a.Vault, func(w *tree.Reader) (struct{}, error) {
		for i := range changes {
			if err := mayChange(a, w, p, &changes[i], tags); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, nil
	})
	return err
}

// mayChange refuses a change by what the secret is and what it would be.
func mayChange(a *desk.Ask, w *tree.Reader, p vault.Place, ch *vault.Change, tags dialect.Tags) error {
	for _, id := range ch.Tags {
		if _, ok := tags[id]; !ok {
			return api.Errorf(api.Invalid, "Tag not found")
		}
	}
	is := vault.Secret{Environment: p.Environment, Path: p.Path, Name: ch.Name, Tags: ch.Tags}
	old, err := w.Get(vault.Ref{Project: p.Project, Environment: p.Environment, Path: p.Path, Name: ch.Name}, 0)
	verbs := []string{"edit"}
	switch {
	case api.IsCode(wrap(err), api.Missing):
		if ch.Mode != vault.UpdateOnly {
			verbs = []string{"create"}
		}
	case err != nil:
		return err
	default:
		if !a.Who.May(vault.ID(p.Project), "edit", thing(&old, tags)) && ch.Mode != vault.CreateOnly {
			return desk.Refuse("edit", access.Secrets)
		}
		// With another name or tag other rules hold: nobody gives them to what he
		// may not read.
		if (ch.Tags != nil || ch.Rename != "") && ch.Mode != vault.CreateOnly && !a.Who.May(vault.ID(p.Project), "readValue", thing(&old, tags)) {
			return desk.Refuse("read", access.Secrets)
		}
		if ch.Tags == nil {
			is.Tags = old.Tags
		}
		if ch.Mode == vault.CreateOnly {
			verbs = []string{"create"}
		}
	}
	if ch.Rename != "" && ch.Rename != ch.Name {
		verbs = append(verbs, "create")
		is.Name = ch.Rename
	}
	for _, verb := range verbs {
		if !a.Who.May(vault.ID(p.Project), verb, thing(&is, tags)) {
			return desk.Refuse(verb, access.Secrets)
		}
	}
	return nil
}

// Delete deletes one secret and answers with what was deleted, without its
// value. The official CLI asks for type "personal" unless told otherwise; a
// machine has no personal secrets.
func Delete(a *desk.Ask) (any, error) {
	var body api.Write
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	name := secret.Name(a.PathValue("name"))
	if body.Type == personal && a.Who.Owner() == "" {
		return nil, notFound(name)
	}
	body.Secrets = []api.Write{{Key: name, Type: body.Type}}
	done, err := remove(a, &body)
	if err != nil {
		return nil, err
	}
	return api.SecretOne{Secret: done[0]}, nil
}

// DeleteMany deletes many in one transaction.
func DeleteMany(a *desk.Ask) (any, error) {
	var body api.Write
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	done, err := remove(a, &body)
	return api.SecretList{Secrets: done, Imports: []api.Import{}}, err
}

func remove(a *desk.Ask, body *api.Write) ([]api.Secret, error) {
	p, err := dialect.PlaceOfWrite(body)
	if err != nil {
		return nil, err
	}
	if err := a.RequireAt(&p, "delete", access.Secrets); err != nil {
		return nil, err
	}
	tags, err := tagsOf(a, p.Project)
	if err != nil {
		return nil, err
	}
	var names []secret.Name
	for _, w := range body.Secrets {
		names = append(names, w.Key)
	}
	if err := mayTouch(a, p, names, tags, "delete"); err != nil {
		return nil, err
	}
	if len(names) == 1 && body.Secrets[0].Type == personal {
		gone, err := a.Vault.DeletePersonal(a.Context(), a.Caller, vault.Ref{Project: p.Project, Environment: p.Environment, Path: p.Path, Name: names[0], Owner: a.Who.Owner()})
		return wire([]vault.Secret{gone}, true, tags), err
	}
	if slices.ContainsFunc(body.Secrets, func(w api.Write) bool { return w.Type == personal }) {
		return nil, api.Errorf(api.Invalid, "personal secrets are deleted one by one")
	}
	gone, err := a.Vault.Delete(a.Context(), a.Caller, p, names...)
	return wire(gone, true, tags), err
}

// mayTouch refuses unless the visitor may do that to each of the secrets that
// are there.
func mayTouch(a *desk.Ask, p vault.Place, names []secret.Name, tags dialect.Tags, verb string) error {
	for _, n := range names {
		old, err := vault.Look(a.Context(), a.Vault, func(w *tree.Reader) (vault.Secret, error) {
			return w.Get(vault.Ref{Project: p.Project, Environment: p.Environment, Path: p.Path, Name: n}, 0)
		})
		if err != nil {
			return err
		}
		if !a.Who.May(vault.ID(p.Project), verb, thing(&old, tags)) {
			return desk.Refuse(verb, access.Secrets)
		}
	}
	return nil
}

// Move moves secrets by id from one folder to another.
func Move(a *desk.Ask) (any, error) {
	var body struct {
		ProjectID, ProjectSlug, WorkspaceID           string
		SourceEnvironment, SourceSecretPath           string
		DestinationEnvironment, DestinationSecretPath string
		SecretIDs                                     []string `json:"secretIds"`
		ShouldOverwrite                               bool
	}
	if err := a.Body(&body); err != nil {
		return nil, err
	}
	project := dialect.First(body.ProjectID, body.WorkspaceID, body.ProjectSlug)
	if project == "" {
		return nil, api.Required("projectId")
	}
	from := vault.Place{Project: project, Environment: body.SourceEnvironment, Path: body.SourceSecretPath}
	to := vault.Place{Project: project, Environment: body.DestinationEnvironment, Path: body.DestinationSecretPath}
	if err := a.RequireAt(&from, "delete", access.Secrets); err != nil {
		return nil, err
	}
	if err := a.RequireAt(&to, "create", access.Secrets); err != nil {
		return nil, err
	}
	list, err := vault.Look(a.Context(), a.Vault, func(w *tree.Reader) ([]vault.Secret, error) {
		return w.List(from, vault.ListOptions{NamesOnly: true})
	})
	if err != nil {
		return nil, err
	}
	var names []secret.Name
	for _, s := range list {
		if slices.Contains(body.SecretIDs, string(s.ID)) {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 || len(names) != len(body.SecretIDs) {
		return nil, api.Errorf(api.Missing, "Not all of the secrets are in folder %s", from.Path)
	}
	tags, err := tagsOf(a, from.Project)
	if err != nil {
		return nil, err
	}
	if err := mayTouch(a, from, names, tags, "delete"); err != nil {
		return nil, err
	}
	if err := mayTouch(a, from, names, tags, "readValue"); err != nil {
		return nil, err
	}
	changes := make([]vault.Change, len(names))
	for i := range names {
		changes[i] = vault.Change{Name: names[i], Mode: vault.Upsert}
		if !body.ShouldOverwrite {
			changes[i].Mode = vault.CreateOnly
		}
	}
	if err := mayChangeAll(a, to, changes, tags); err != nil {
		return nil, err
	}
	err = a.Vault.Move(a.Context(), a.Caller, from, to, names, body.ShouldOverwrite)
	return map[string]bool{"isSourceUpdated": err == nil, "isDestinationUpdated": err == nil}, err
}
