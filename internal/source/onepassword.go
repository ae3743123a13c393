package source

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
)

// item is an item of 1Password, read and written by its program op. Each field
// whose label can be a name, and that is not one of the item's own such as
// notesPlain, is a secret.
type item struct {
	w  World
	at Address // vault, item
}

type opField struct {
	ID      string
	Label   string
	Value   *string
	Purpose string // of a field that every item of its category has
	Type    string
}

// Read lists the fields.
func (i item) Read(ctx context.Context) ([]exchange.Item, error) {
	_, items, err := i.get(ctx)
	return items, err
}

// get returns the item as op has it, too: what is not understood stays in it.
func (i item) get(ctx context.Context) (map[string]any, []exchange.Item, error) {
	out, err := run(ctx, i.w, nil, "op", "item", "get", i.at.Parts[1], "--vault", i.at.Parts[0], "--format", "json", "--reveal")
	if err != nil {
		return nil, nil, i.meaning(err)
	}
	defer clear(out)
	var document map[string]any
	var fields struct{ Fields []opField }
	if json.Unmarshal(out, &document) != nil || json.Unmarshal(out, &fields) != nil {
		return nil, nil, api.Errorf(api.Invalid, "op printed what is not read")
	}
	var items []exchange.Item
	for _, f := range fields.Fields {
		if f.Value == nil || !f.ours() {
			continue
		}
		items = append(items, exchange.Item{Name: secret.Name(f.Label), Value: secret.NewValue([]byte(*f.Value))})
	}
	items, err = whole(i.at.String(), items)
	return document, items, err
}

func (f opField) ours() bool {
	_, err := secret.ParseName(f.Label)
	return err == nil && f.Purpose == "" && f.Type != "OTP"
}

// meaning goes by the words of op, whose exit status is always 1.
func (i item) meaning(err error) error {
	if err == nil {
		return nil
	}
	text := err.Error()
	switch {
	case api.CodeOf(err) != api.Invalid:
		return err
	case strings.Contains(text, "isn't an item"), strings.Contains(text, "isn't a vault"):
		return api.Errorf(api.Missing, "%s: nothing is there", i.at)
	case strings.Contains(text, "not currently signed in"), strings.Contains(text, "authoriz"), strings.Contains(text, "no account"):
		return api.Errorf(api.Denied, "%s: %s", i.at, text).WithHint("sign in with: op signin")
	case strings.Contains(text, "dial tcp"), strings.Contains(text, "lookup "):
		return api.Errorf(api.Unavailable, "%s: %s", i.at, text)
	}
	return err
}

// Write sends the item with its changes over standard input: arguments are
// seen by every process.
func (i item) Write(ctx context.Context, items []exchange.Item) error {
	document, _, err := i.get(ctx)
	command := []string{"op", "item", "edit", i.at.Parts[1], "--vault", i.at.Parts[0], "--format", "json"}
	switch {
	case api.IsCode(err, api.Missing):
		command = []string{"op", "item", "create", "--vault", i.at.Parts[0], "--format", "json", "-"}
		document = map[string]any{"title": i.at.Parts[1], "category": "SECURE_NOTE"}
	case err != nil:
		return err
	}
	fields, _ := document["fields"].([]any)
	for _, it := range items {
		if !utf8.Valid(it.Value.Reveal()) {
			return api.Errorf(api.Invalid, "%s is not UTF-8, and 1Password holds text", it.Name)
		}
		fields = setField(fields, it)
	}
	document["fields"] = fields
	b, err := json.Marshal(document)
	if err != nil {
		return err
	}
	defer clear(b)
	out, err := run(ctx, i.w, b, command...)
	clear(out)
	return i.meaning(err)
}

// setField changes the field of that name, or adds a concealed one.
func setField(fields []any, it exchange.Item) []any {
	for _, f := range fields {
		m, _ := f.(map[string]any)
		if purpose, _ := m["purpose"].(string); m["label"] == string(it.Name) && purpose == "" {
			m["value"] = string(it.Value.Reveal())
			return fields
		}
	}
	return append(fields, map[string]any{"type": "CONCEALED", "label": string(it.Name), "value": string(it.Value.Reveal())})
}
