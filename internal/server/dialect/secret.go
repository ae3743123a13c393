package dialect

import (
	"bytes"
	"strings"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
	"github.com/bailey-project/bailey/internal/vault"
)

// hidden stands for a value that was not asked for.
const hidden = "<hidden-by-infisical>"

// Tags of a project, to give those of a secret their names.
type Tags map[vault.ID]api.Tag

// Secret is a secret in the dialect's words.
func Secret(s *vault.Secret, hide bool, tags Tags) api.Secret {
	out := api.Secret{
		ID: string(s.ID), LegacyID: string(s.ID), Workspace: string(s.Project), Environment: s.Environment,
		Version: s.Version, Type: "shared", Key: s.Name, Path: s.Path, Comment: s.Comment,
		SkipMultilineEncoding: s.SkipMultilineEncoding, SecretValueHidden: hide,
		SecretMetadata: make([]api.Metadata, 0, len(s.Metadata)), Tags: []api.Tag{},
		CreatedAt: api.Time{Time: s.CreatedAt}, UpdatedAt: api.Time{Time: s.UpdatedAt},
		Actor: actor(s.Actor),
	}
	if s.Owner != "" {
		out.Type = "personal"
	}
	if s.ReminderNote != "" || s.ReminderDays != 0 {
		out.SecretReminderNote, out.SecretReminderRepeatDays = &s.ReminderNote, &s.ReminderDays
	}
	for _, id := range s.Tags {
		if t, ok := tags[id]; ok { // else it was removed
			out.Tags = append(out.Tags, t)
		}
	}
	for _, m := range s.Metadata {
		out.SecretMetadata = append(out.SecretMetadata, api.Metadata{Key: m.Key, Value: m.Value})
	}
	if hide {
		out.Plain = api.PlainString(hidden)
		return out
	}
	out.Plain, out.Base64 = api.Wire(s.Value)
	out.Literal = !s.References && bytes.Contains(s.Value.Reveal(), []byte("${"))
	return out
}

func actor(name string) *api.Actor {
	kind, rest, ok := strings.Cut(name, ":")
	if !ok {
		kind, rest = "user", name
	}
	return &api.Actor{Type: kind, Name: rest}
}

// Changes are the changes that writes ask for.
func Changes(writes []api.Write, mode vault.Mode) ([]vault.Change, error) {
	changes := make([]vault.Change, 0, len(writes))
	for i := range writes {
		w := &writes[i]
		name, err := secret.ParseName(string(w.Key))
		if err != nil {
			return nil, api.Errorf(api.Invalid, "%s", err)
		}
		ch := vault.Change{Name: name, Mode: mode, Comment: w.Comment, SkipMultilineEncoding: w.SkipMultilineEncoding,
			ReminderNote: w.ReminderNote, ReminderDays: w.ReminderRepeatDays}
		for _, m := range w.Metadata {
			ch.Metadata = append(ch.Metadata, vault.Metadata{Key: m.Key, Value: m.Value})
		}
		if w.TagIDs != nil {
			ch.Tags = []vault.ID{}
			for _, id := range w.TagIDs {
				ch.Tags = append(ch.Tags, vault.ID(id))
			}
		}
		if w.NewName != "" {
			if ch.Rename, err = secret.ParseName(string(w.NewName)); err != nil {
				return nil, api.Errorf(api.Invalid, "%s", err)
			}
		}
		if w.Plain != nil || w.Base64 != nil {
			value, err := valueOf(w)
			if err != nil {
				return nil, err
			}
			ch.Value, ch.References = &value, !w.Literal && bytes.Contains(value.Reveal(), []byte("${"))
		}
		changes = append(changes, ch)
	}
	return changes, nil
}

func valueOf(w *api.Write) (secret.Value, error) {
	var text api.Plain
	if w.Plain != nil {
		text = *w.Plain
	}
	return api.Unwire(text, w.Base64)
}
