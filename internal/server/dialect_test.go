package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/secret"
)

// one reads the secret of an answer as a foreign client would.
type one struct {
	Secret map[string]any `json:"secret"`
}

func TestSecretLifeInTheDialect(t *testing.T) {
	f := newFixture(t)
	for _, base := range []string{"/api/v3/secrets/raw", "/api/v4/secrets"} {
		name := "KEY" + fmt.Sprint(len(base))
		where := fmt.Sprintf(`"workspaceId":%q,"environment":"dev","secretPath":"/"`, f.id)
		query := "?workspaceId=" + f.id + "&environment=dev&secretPath=/"

		r := f.do("POST", base+"/"+name, `{`+where+`,"secretValue":" two\nlines ","secretComment":"hi","type":"shared"}`)
		var made one
		r.into(t, &made)
		if r.status != 200 || made.Secret["secretValue"] != " two\nlines " || made.Secret["version"] != 1.0 || made.Secret["secretKey"] != name {
			t.Fatalf("create: %d %s", r.status, r.body)
		}
		for _, field := range []string{"id", "_id", "workspace", "environment", "type", "secretComment", "secretReminderNote", "skipMultilineEncoding", "metadata", "tags", "createdAt", "updatedAt", "secretPath"} {
			if _, ok := made.Secret[field]; !ok {
				t.Errorf("field %s is missing", field)
			}
		}
		if made.Secret["id"] != made.Secret["_id"] || made.Secret["workspace"] != f.id {
			t.Errorf("ids: %s", r.body)
		}
		if r := f.do("POST", base+"/"+name, `{`+where+`,"secretValue":"x"}`); r.status != 400 || !strings.Contains(r.body, "Secret already exist") {
			t.Errorf("create twice: %d %s", r.status, r.body)
		}
		if r := f.do("PATCH", base+"/"+name, `{`+where+`,"secretValue":"changed"}`); r.status != 200 || !strings.Contains(r.body, `"version":2`) {
			t.Errorf("update: %d %s", r.status, r.body)
		}
		if r := f.do("PATCH", base+"/NOT_THERE", `{`+where+`,"secretValue":"x"}`); r.status != 404 || !strings.Contains(r.body, `"error":"NotFound"`) {
			t.Errorf("update of nothing: %d %s", r.status, r.body)
		}
		if r := f.do("GET", base+"/"+name+query+"&version=1", ""); r.status != 200 || !strings.Contains(r.body, `two\nlines`) {
			t.Errorf("version 1: %d %s", r.status, r.body)
		}
		if r := f.do("GET", base+"/"+name+query+"&viewSecretValue=false", ""); strings.Contains(r.body, "changed") || !strings.Contains(r.body, `"secretValueHidden":true`) {
			t.Errorf("hidden: %s", r.body)
		}
		if r := f.do("PATCH", base+"/"+name, `{`+where+`,"newSecretName":"`+name+`_NEW"}`); r.status != 200 {
			t.Errorf("rename: %d %s", r.status, r.body)
		}
		name += "_NEW"
		if r := f.do("DELETE", base+"/"+name, `{`+where+`,"type":"personal"}`); r.status != 404 {
			t.Errorf("a machine has no personal secrets: %d %s", r.status, r.body)
		}
		if r := f.do("DELETE", base+"/"+name, `{`+where+`}`); r.status != 200 || strings.Contains(r.body, "changed") {
			t.Errorf("delete: %d %s", r.status, r.body)
		}
		if r := f.do("GET", base+"/"+name+query, ""); r.status != 404 {
			t.Errorf("after delete: %d %s", r.status, r.body)
		}
	}
}

func TestListInTheDialect(t *testing.T) {
	f := newFixture(t)
	for _, body := range []string{`"name":"app","path":"/"`, `"name":"nested","path":"/app"`} {
		if r := f.do("POST", "/api/v1/folders", `{"workspaceId":"shop","environment":"dev",`+body+`}`); r.status != 200 {
			t.Fatal(r.body)
		}
	}
	f.set("development", "/", "B", "b")
	f.set("development", "/", "A", "a")
	f.set("development", "/app/nested", "N", "n")
	var list struct {
		Secrets []map[string]any `json:"secrets"`
		Imports []any            `json:"imports"`
	}
	for query, want := range map[string]string{
		"workspaceId=shop&environment=dev&secretPath=/":                      "A B",
		"workspaceSlug=shop&environment=development":                         "A B",
		"projectId=" + f.id + "&environment=dev&recursive=true":              "A B N",
		"projectId=shop&environment=dev&secretPath=/app/nested/":             "N",
		"projectId=shop&environment=prod":                                    "",
		"projectId=shop&environment=dev&recursive=true&tagSlugs=x":           "",
		"workspaceId=shop&environment=dev&secretPath=/&include_imports=true": "A B",
	} {
		r := f.do("GET", "/api/v3/secrets/raw?"+query, "")
		r.into(t, &list)
		var names []string
		for _, s := range list.Secrets {
			names = append(names, s["secretKey"].(string))
		}
		if got := strings.Join(names, " "); r.status != 200 || got != want || list.Imports == nil {
			t.Errorf("%s: %d %q, want %q (%s)", query, r.status, got, want, r.body)
		}
	}
	if r := f.do("GET", "/api/v4/secrets?projectId=shop&environment=qa", ""); r.status != 404 {
		t.Errorf("unknown environment: %d %s", r.status, r.body)
	}
	if r := f.do("GET", "/api/v4/secrets?projectId=nope&environment=dev", ""); r.status != 404 {
		t.Errorf("unknown project: %d %s", r.status, r.body)
	}
}

func TestETag(t *testing.T) {
	f := newFixture(t)
	f.set("development", "/", "A", "a")
	path := "/api/v4/secrets?projectId=shop&environment=dev"
	first := f.do("GET", path, "")
	tag := first.header.Get("Etag")
	if tag == "" || !strings.HasPrefix(tag, `"`) {
		t.Fatalf("Etag %q", tag)
	}
	if again := f.do("GET", path, ""); again.header.Get("Etag") != tag {
		t.Error("the same content has another ETag")
	}
	if r := f.do("GET", path, "", "If-None-Match", tag); r.status != 304 || r.body != "" {
		t.Errorf("%d %q", r.status, r.body)
	}
	f.set("development", "/", "A", "b")
	if r := f.do("GET", path, "", "If-None-Match", tag); r.status != 200 || r.header.Get("Etag") == tag {
		t.Errorf("after a change: %d", r.status)
	}
}

func TestConventions(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		part               string
	}{
		{"GET", "/api/status", "", 200, `"message":"Ok"`},
		{"GET", "/api/status/", "", 200, `"message":"Ok"`},
		{"GET", "/api/nowhere", "", 404, `"message":"Route GET:/api/nowhere not found"`},
		{"PUT", "/api/status", "", 404, `"error":"Not Found"`},
		{"POST", "/api/v1/auth/universal-auth/login/", `{"clientId":"a","clientSecret":"b"}`, 401, `"message":"Invalid credentials"`},
		{"POST", "/api/v1/auth/universal-auth/login", `{"clientId":"a"}`, 422, `"path":["clientSecret"],"message":"Required"`},
		{"POST", "/api/v1/auth/token/renew", `{"accessToken":"x"}`, 403, `"error":"TokenError"`},
		{"GET", "/api/v4/secrets?environment=dev", "", 422, `"path":["projectId"]`},
		{"POST", "/api/v3/secrets/raw/A", `{"workspaceId":"shop","environment":"dev"}`, 422, `"path":["secretValue"]`},
		{"POST", "/api/v3/secrets/raw/A", `{"workspaceId":"shop","environment":"dev","secretValue":"x","type":"personal"}`, 404, `"error":"NotFound"`},
		{"POST", "/api/v3/secrets/raw/A", `not json`, 400, `"code":"invalid"`},
		{"POST", "/api/v3/secrets/raw/A", `{"workspaceId":"shop","environment":"dev","secretValue":4711}`, 422, `"expected":"string","received":"number","path":["secretValue"],"message":"Expected string, received number"`},
		{"POST", "/api/v3/secrets/raw/A", `{"workspaceId":true}`, 422, `"received":"boolean","path":["workspaceId"]`},
	} {
		r := f.do(c.method, c.path, c.body)
		if r.status != c.status || !strings.Contains(r.body, c.part) {
			t.Errorf("%s %s: %d %s, want %d with %s", c.method, c.path, r.status, r.body, c.status, c.part)
		}
		if ct := r.header.Get("Content-Type"); ct != "application/json; charset=utf-8" {
			t.Errorf("%s: Content-Type %q", c.path, ct)
		}
	}
}

func TestFolders(t *testing.T) {
	f := newFixture(t)
	where := `"workspaceId":"shop","environment":"dev"`
	first := f.do("POST", "/api/v1/folders", `{`+where+`,"name":"app","directory":"/"}`)
	again := f.do("POST", "/api/v1/folders", `{`+where+`,"name":"app","path":"/"}`)
	if first.status != 200 || first.body != again.body {
		t.Errorf("making a folder twice: %s / %s", first.body, again.body)
	}
	f.do("POST", "/api/v1/folders", `{`+where+`,"name":"nested","path":"/app"}`)
	r := f.do("GET", "/api/v1/folders?workspaceId=shop&environment=dev&directory=/app", "")
	if !strings.Contains(r.body, `"name":"nested"`) || strings.Contains(r.body, `"name":"app"`) {
		t.Errorf("list: %s", r.body)
	}
	if r := f.do("DELETE", "/api/v1/folders/nested", `{`+where+`,"directory":"/"}`); r.status != 404 {
		t.Errorf("deleted in the wrong directory: %s", r.body)
	}
	if r := f.do("DELETE", "/api/v1/folders/nested", `{`+where+`,"directory":"/app"}`); r.status != 200 {
		t.Errorf("delete by name: %d %s", r.status, r.body)
	}
	r = f.do("GET", "/api/v1/folders?workspaceId=shop&environment=dev&path=/", "")
	var list struct{ Folders []api.Folder }
	r.into(t, &list)
	if len(list.Folders) != 1 {
		t.Fatalf("list: %s", r.body)
	}
	if r := f.do("DELETE", "/api/v1/folders/"+list.Folders[0].ID, `{`+where+`}`); r.status != 200 {
		t.Errorf("delete by id: %d %s", r.status, r.body)
	}
}

func TestBatch(t *testing.T) {
	f := newFixture(t)
	where := `"workspaceId":"shop","environment":"dev","secretPath":"/"`
	r := f.do("POST", "/api/v3/secrets/batch/raw", `{`+where+`,"secrets":[{"secretKey":"B1","secretValue":"1"},{"secretKey":"B2","secretValue":"2"}]}`)
	if r.status != 200 || strings.Count(r.body, `"secretKey"`) != 2 {
		t.Fatalf("create: %d %s", r.status, r.body)
	}
	r = f.do("PATCH", "/api/v4/secrets/batch", `{`+where+`,"secrets":[{"secretKey":"B1","secretValue":"11"},{"secretKey":"NEW","secretValue":"x"}]}`)
	if r.status != 404 {
		t.Errorf("failOnNotFound is the default: %d %s", r.status, r.body)
	}
	if s, _ := f.client.Secret(t.Context(), api.Ref{Project: "shop", Environment: "development", Path: "/", Name: "B1"}, 0); string(s.Value().Reveal()) != "1" {
		t.Error("half of a refused batch was written")
	}
	r = f.do("PATCH", "/api/v4/secrets/batch", `{`+where+`,"mode":"upsert","secrets":[{"secretKey":"B1","secretValue":"11"},{"secretKey":"NEW","secretValue":"x"}]}`)
	if r.status != 200 {
		t.Errorf("upsert: %d %s", r.status, r.body)
	}
	r = f.do("DELETE", "/api/v3/secrets/batch/raw", `{`+where+`,"secrets":[{"secretKey":"B1"},{"secretKey":"B2"}]}`)
	if r.status != 200 || strings.Count(r.body, `"secretKey"`) != 2 {
		t.Errorf("delete: %d %s", r.status, r.body)
	}
}

func TestValuesAreExact(t *testing.T) {
	f := newFixture(t)
	ref := api.Ref{Project: "shop", Environment: "development", Path: "/", Name: "V"}
	for _, v := range []string{"", " \n trim me not \n\n", "${A}", "\xff\xfe\x00binary", "ünï\u2028", strings.Repeat("x", 100_000)} {
		f.set("development", "/", "V", v)
		s, err := f.client.Secret(t.Context(), ref, 0)
		if err != nil || string(s.Value().Reveal()) != v {
			t.Errorf("%.20q came back as %.20q, %v", v, s.Value().Reveal(), err)
		}
		list, err := f.client.Secrets(t.Context(), ref, false)
		if err != nil || len(list) != 1 || string(list[0].Value().Reveal()) != v {
			t.Errorf("%.20q in a list: %v", v, err)
		}
	}
	if list, err := f.client.Names(t.Context(), ref, true); err != nil || len(list) != 1 || list[0].Key != secret.Name("V") || strings.Contains(string(list[0].Value().Reveal()), "x") {
		t.Errorf("Names: %v", err)
	}
}
