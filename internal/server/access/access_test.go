package access

import (
	"strings"
	"testing"
)

func rules(t *testing.T, text string) Rules {
	t.Helper()
	rs, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return rs
}

func TestMay(t *testing.T) {
	onlyDev := `[{"subject":"secrets","action":["read"],"conditions":{"environment":{"$eq":"dev"},"secretPath":{"$glob":"/app/**"}}}]`
	v1 := `[{"subject":"secrets","action":"read","conditions":{"environment":"dev","secretPath":{"$glob":"/app/**"}}}]`
	inverted := `[{"subject":"secrets","action":["read","edit"]},{"subject":"secrets","action":"read","inverted":true,"conditions":{"secretName":{"$in":["ROOT","KEY"]}}}]`
	tagged := `[{"subject":["secrets","tags"],"action":"read","conditions":{"secretTags":{"$all":["a","b"]}}}]`
	half := `[{"subject":"secrets","action":"describeSecret"}]`
	for _, c := range []struct {
		rules, action string
		t             Thing
		want          bool
	}{
		{onlyDev, "read", Thing{Subject: Secrets, Environment: "dev", Path: "/app"}, true},
		{onlyDev, "readValue", Thing{Subject: Secrets, Environment: "dev", Path: "/app/x/y"}, true},
		{v1, "read", Thing{Subject: Secrets, Environment: "dev", Path: "/app/x"}, true},
		{onlyDev, "read", Thing{Subject: Secrets, Environment: "dev", Path: "/application"}, false},
		{onlyDev, "read", Thing{Subject: Secrets, Environment: "prod", Path: "/app"}, false},
		{onlyDev, "edit", Thing{Subject: Secrets, Environment: "dev", Path: "/app"}, false},
		{onlyDev, "read", Thing{Subject: Folders, Environment: "dev", Path: "/app"}, false},
		{inverted, "read", Thing{Subject: Secrets, Name: "KEY"}, false},
		{inverted, "read", Thing{Subject: Secrets, Name: "OTHER"}, true},
		{inverted, "edit", Thing{Subject: Secrets, Name: "KEY"}, true},
		{inverted, "read", Thing{Subject: Secrets, Some: true}, true},
		{tagged, "read", Thing{Subject: Secrets, Tags: []string{"b", "a", "c"}}, true},
		{tagged, "read", Thing{Subject: Secrets, Tags: []string{"b"}}, false},
		{tagged, "read", Thing{Subject: Secrets, Some: true}, true},
		{half, "readValue", Thing{Subject: Secrets}, false},
		{half, "describeSecret", Thing{Subject: Secrets}, true},
		{`[]`, "read", Thing{Subject: Secrets}, false},
	} {
		if got := rules(t, c.rules).May(c.action, c.t); got != c.want {
			t.Errorf("%s\n%s %+v: %v", c.rules, c.action, c.t, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		`{}`, `[{}]`, `[{"subject":"secrets"}]`, `[{"action":"read"}]`, `[{"subject":"secrets","action":[]}]`,
		`[{"subject":"secrets","action":"read","conditions":{"weather":"fine"}}]`,
		`[{"subject":"secrets","action":"read","conditions":{"environment":{"$like":"d"}}}]`,
		`[{"subject":"secrets","action":"read","conditions":{"environment":{}}}]`,
		`[{"subject":"secrets","action":"read","conditions":{"environment":7}}]`,
	} {
		if rs, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s became %+v", text, rs)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/", "/", true}, {"/**", "/", true}, {"/**", "/a/b", true}, {"/*", "/a", true}, {"/*", "/a/b", false}, {"/a/**", "/a", true},
		{"/a/**", "/ab", false}, {"/a/*/c", "/a/b/c", true}, {"/a/*/c", "/a/b/b/c", false}, {"/**/c", "/a/b/c", true}, {"/a?", "/ab", true},
		{"/a?", "/a/", false}, {"", "", true}, {"/a", "/a/b", false}, {"**", "/x/y", true},
	} {
		if got := Glob(c.pattern, c.path); got != c.want {
			t.Errorf("Glob(%q, %q) = %v", c.pattern, c.path, got)
		}
	}
	if Glob(strings.Repeat("**a", 200), "/"+strings.Repeat("a", 150)+"b") { // ends at all
		t.Error("matched")
	}
}

func TestViewersOnlyLook(t *testing.T) {
	for _, subject := range []string{Secrets, Folders, Imports, Environments, Tags, Workspace, Identities, Roles, ServiceTokens} {
		for _, action := range []string{"create", "edit", "delete"} {
			if RulesOf(Viewer).May(action, Thing{Subject: subject}) || RulesOf(NoAccess).May("read", Thing{Subject: subject}) {
				t.Errorf("%s on %s", action, subject)
			}
		}
	}
	for _, subject := range []string{Identities, Roles, ServiceTokens, Workspace} {
		if RulesOf(Member).May("edit", Thing{Subject: subject}) || !RulesOf(Admin).May("edit", Thing{Subject: subject}) {
			t.Errorf("edit on %s", subject)
		}
	}
}
