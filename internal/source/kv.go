package source

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/exchange"
	"github.com/bailey-project/bailey/internal/secret"
)

// kv is one secret of a KV engine, version 2, of OpenBao or HashiCorp Vault:
// each key of it is a name.
type kv struct {
	w  World
	at Address
}

// kvAnswer is what GET …/data/… gives.
type kvAnswer struct {
	Data struct {
		Data     map[string]json.RawMessage
		Metadata struct{ Version int }
	}
}

// Read reads the newest version.
func (k *kv) Read(ctx context.Context) ([]exchange.Item, error) {
	items, _, err := k.read(ctx)
	return items, err
}

func (k *kv) read(ctx context.Context) (items []exchange.Item, version int, err error) {
	w, err := k.web()
	if err != nil {
		return nil, 0, err
	}
	got, err := w.call(ctx, http.MethodGet, k.path(), nil)
	if err != nil {
		return nil, 0, err
	}
	var out kvAnswer
	if got.status == http.StatusNotFound {
		// A deleted one answers so too, and the next version counts on from it.
		_ = json.Unmarshal(got.body, &out)
		return nil, out.Data.Metadata.Version, w.failure(got)
	}
	if err := w.read(got, &out); err != nil {
		return nil, 0, err
	}
	for name, raw := range out.Data.Data {
		text, ok := scalar(raw)
		if !ok {
			return nil, 0, api.Errorf(api.Invalid, "%s: %s is neither text nor a number", k.at, name)
		}
		items = append(items, exchange.Item{Name: secret.Name(name), Value: secret.NewValue([]byte(text))})
	}
	items, err = whole(k.at.String(), items)
	return items, out.Data.Metadata.Version, err
}

// Write makes a new version, unless somebody else did since it was read.
func (k *kv) Write(ctx context.Context, items []exchange.Item) error {
	before, version, err := k.read(ctx)
	if err != nil && !api.IsCode(err, api.Missing) {
		return err
	}
	data := map[string]api.Plain{}
	for _, it := range merge(before, items) {
		if !utf8.Valid(it.Value.Reveal()) {
			return api.Errorf(api.Invalid, "%s is not UTF-8, and %s holds text", it.Name, k.at)
		}
		data[string(it.Name)] = api.NewPlain(it.Value)
	}
	w, err := k.web()
	if err != nil {
		return err
	}
	got, err := w.call(ctx, http.MethodPost, k.path(), map[string]any{"options": map[string]int{"cas": version}, "data": data})
	switch {
	case err != nil:
		return err
	case got.status == http.StatusBadRequest && strings.Contains(string(got.body), "check-and-set"):
		return api.Errorf(api.Unavailable, "%s was changed by somebody else meanwhile; nothing is written", k.at)
	case got.status == http.StatusOK, got.status == http.StatusNoContent:
		return nil
	}
	return w.failure(got)
}

func (k *kv) path() string {
	escaped := strings.Split(k.at.path(), "/")
	return "/v1/" + escaped[0] + "/data/" + strings.Join(escaped[1:], "/")
}

// web finds the token where the servers' own programs do.
func (k *kv) web() (web, error) {
	token := k.w.first("BAO_TOKEN", "VAULT_TOKEN")
	if token == "" {
		b, err := os.ReadFile(filepath.Join(k.w.Home, ".vault-token"))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return web{}, api.Errorf(api.Denied, "~/.vault-token cannot be read")
		}
		token = strings.TrimSpace(string(b))
	}
	if token == "" {
		return web{}, api.Errorf(api.Denied, "%s wants a token", k.at).
			WithHint("set BAO_TOKEN or VAULT_TOKEN, or log in with: bao login")
	}
	header := map[string]string{"X-Vault-Token": token, "X-Vault-Request": "true"}
	if ns := k.w.first("BAO_NAMESPACE", "VAULT_NAMESPACE"); ns != "" {
		header["X-Vault-Namespace"] = ns
	}
	return web{at: k.at, header: header, rt: k.w.transport}, nil
}

// scalar is the text of a JSON string, number or truth value.
func scalar(raw json.RawMessage) (string, bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil && string(raw) != "null" {
		return s, true
	}
	text := strings.TrimSpace(string(raw))
	return text, text != "" && text != "null" && !strings.ContainsAny(text[:1], "{[")
}

func query(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return "?" + v.Encode()
}
