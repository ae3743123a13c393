package server

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/server/table"
)

// site is a fixture that is also open on the network, with a machine.
type site struct {
	*fixture
	url, identity, clientID, clientSecret, token string

	mu   sync.Mutex
	seen []string // what was asked over the network
}

func (s *site) network() {
	n := &Network{Server: s.server, Hosts: []string{"keep.test"}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.seen = append(s.seen, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		n.ServeHTTP(w, r)
	}))
	s.Cleanup(srv.Close)
	s.url = srv.URL
}

// asked returns what was asked over the network since the last call.
func (s *site) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

// field reads one field of a JSON answer by its path.
func (r reply) field(t *testing.T, path string) string {
	t.Helper()
	var v any
	r.into(t, &v)
	for part := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[part]
	}
	if v == nil {
		t.Fatalf("%s has no %s", r.body, path)
	}
	return fmt.Sprint(v)
}

// newSite makes a machine with that role in the organisation and, unless it is
// empty, in the project.
func newSite(t *testing.T, org, role string) *site {
	t.Helper()
	f := newFixture(t)
	s := &site{fixture: f}
	s.network()
	s.identity = f.must("POST", "/api/v1/identities", `{"name":"ci","role":"`+org+`"}`).field(t, "identity.id")
	ua := "/api/v1/auth/universal-auth/identities/" + s.identity
	s.clientID = f.must("POST", ua, `{}`).field(t, "identityUniversalAuth.clientId")
	s.clientSecret = f.must("POST", ua+"/client-secrets", `{}`).field(t, "clientSecret")
	if role != "" {
		f.must("POST", "/api/v2/workspace/shop/identity-memberships/"+s.identity, `{"roles":[{"role":"`+role+`"}]}`)
	}
	s.token = s.ask("POST", "/api/v1/auth/universal-auth/login", fmt.Sprintf(`{"clientId":%q,"clientSecret":%q}`, s.clientID, s.clientSecret)).field(t, "accessToken")
	return s
}

func (f *fixture) must(method, path, body string) reply {
	f.Helper()
	r := f.do(method, path, body)
	if r.status != http.StatusOK {
		f.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
	return r
}

// ask sends a request over the network with the machine's token.
func (s *site) ask(method, path, body string, headers ...string) reply {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	if s.token != "" {
		req.Header.Set("Authorization", "Bearer "+s.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if req.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		s.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	_, err = bufio.NewReader(resp.Body).WriteTo(&b)
	if err != nil {
		s.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, b.String()}
}

// Every route of the table, and of our own, is closed to who shows no token,
// a wrong one or a revoked one.
func TestEveryRouteWantsAToken(t *testing.T) {
	s := newSite(t, "admin", "admin")
	good := s.token
	open := map[string]bool{"GET /api/status": true, "POST /api/v1/auth/universal-auth/login": true, "POST /api/v1/auth/token/renew": true, "POST /api/v1/auth/token/revoke": true}
	if r := s.ask("POST", "/api/v1/auth/token/revoke", `{"accessToken":"`+good+`"}`); r.status != 200 {
		t.Fatal(r.body)
	}
	for _, token := range []string{"", "garbage", good} {
		s.token = token
		for _, route := range table.Routes() {
			path := strings.NewReplacer("{project}", "shop", "{path...}", "a", "{", "", "}", "").Replace(route.Pattern)
			r := s.ask(route.Method, path, "{}")
			if !open[route.Method+" "+route.Pattern] && r.status != 401 && r.status != 403 {
				t.Errorf("%s %s with %.10q: %d %s", route.Method, path, token, r.status, r.body)
			}
		}
		for _, own := range []string{"/status", "/projects", "/audit", "/lease"} {
			if r := s.ask("GET", api.Base+own, ""); r.status == 200 {
				t.Errorf("%s over the network with %.10q: %d", own, token, r.status)
			}
		}
	}
}

// The own routes do not exist on the network, not even for an administrator.
func TestOwnRoutesStayHome(t *testing.T) {
	s := newSite(t, "admin", "admin")
	patterns := []string{"GET " + api.Base + "/lease", "POST " + api.Base + "/lock", "POST " + api.Base + "/backup"}
	patterns = slices.AppendSeq(patterns, maps.Keys(s.server.own()))
	patterns = slices.AppendSeq(patterns, maps.Keys(s.server.ownPast()))
	for _, pattern := range patterns {
		method, path, _ := strings.Cut(pattern, " ")
		if r := s.ask(method, strings.ReplaceAll(path, "{project}", "shop"), "{}"); r.status != 404 {
			t.Errorf("%s: %d %s", pattern, r.status, r.body)
		}
	}
	for _, path := range []string{"/api/v1/bailey", "/api/v1/bailey/", "/api//v1/bailey/status", "/api/v1/./bailey/status", "/api/v1/%62ailey/status", "/api/v1/bailey/status/"} {
		if r := s.ask("GET", path, ""); r.status == 200 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if !strings.Contains(s.do("GET", api.Base+"/status", "").body, `"vault":true`) {
		t.Error("and not on the socket either")
	}
}

func TestHostAndOrigin(t *testing.T) {
	s := newSite(t, "no-access", "viewer")
	for host, want := range map[string]int{"localhost:99": 200, "127.0.0.1": 200, "keep.test": 200, "KEEP.test.": 200, "evil.test": 421, "127.0.0.2": 421, "127.0.0.1.evil.test": 421, "[::1]": 421} {
		if r := s.ask("GET", "/api/status", "", "Host", host); r.status != want {
			t.Errorf("Host %s: %d", host, r.status)
		}
	}
	if r := s.ask("GET", "/api/v4/secrets?projectId=shop&environment=dev", "", "Origin", "https://keep.test"); r.status != 403 {
		t.Errorf("a web page was answered: %d", r.status)
	}
}

// What each role may, over the network, for every kind of thing.
func TestRoles(t *testing.T) {
	where := `"workspaceId":"shop","environment":"dev"`
	read := []string{"GET /api/v4/secrets?projectId=shop&environment=dev", "GET /api/v3/secrets/raw/A?workspaceId=shop&environment=dev", "GET /api/v1/folders?projectId=shop&environment=dev", "GET /api/v1/workspace/shop"}
	write := []string{
		`POST /api/v3/secrets/raw/NEW {` + where + `,"secretValue":"x"}`, `PATCH /api/v3/secrets/raw/A {` + where + `,"secretValue":"y"}`,
		`POST /api/v1/folders {` + where + `,"name":"f"}`, `POST /api/v1/workspace/shop/environments {"name":"N","slug":"n"}`, `POST /api/v1/workspace/shop/tags {"slug":"t"}`,
	}
	rule := []string{
		`POST /api/v1/workspace/shop/roles {"slug":"r","permissions":[]}`, `PATCH /api/v1/workspace/shop {"name":"Other"}`,
		`POST /api/v2/service-token {"name":"s","workspaceId":"shop","scopes":[{"environment":"development"}],"permissions":["read"]}`,
	}
	for _, c := range []struct {
		role                   string
		reads, writes, governs bool
	}{{"admin", true, true, true}, {"member", true, true, false}, {"viewer", true, false, false}, {"no-access", false, false, false}, {"", false, false, false}} {
		s := newSite(t, "no-access", c.role)
		s.set("development", "/", "A", "a")
		for _, group := range []struct {
			asks []string
			may  bool
		}{{read, c.reads}, {write, c.writes}, {rule, c.governs}} {
			for _, ask := range group.asks {
				parts := append(strings.SplitN(ask, " ", 3), "")
				r := s.ask(parts[0], parts[1], parts[2])
				if group.may && r.status != 200 || !group.may && r.status != 403 {
					t.Errorf("%q: %s: %d %s", c.role, ask, r.status, r.body)
				}
			}
		}
		for _, ask := range []string{`POST /api/v1/identities {"name":"more"}`, `POST /api/v2/workspace {"projectName":"p"}`, `PATCH /api/v1/identities/` + s.identity + ` {"role":"admin"}`} {
			parts := strings.SplitN(ask, " ", 3)
			if r := s.ask(parts[0], parts[1], parts[2]); r.status != 403 {
				t.Errorf("%q in a project, nobody in the organisation: %s: %d %s", c.role, ask, r.status, r.body)
			}
		}
	}
}

func TestCustomRole(t *testing.T) {
	s := newSite(t, "no-access", "no-access")
	for _, dir := range []string{"app", "other"} {
		s.must("POST", "/api/v1/folders", `{"workspaceId":"shop","environment":"dev","name":"`+dir+`"}`)
		s.set("development", "/"+dir, "OPEN", "open-"+dir)
		s.set("development", "/"+dir, "ROOT", "root-"+dir)
	}
	tag := s.must("POST", "/api/v1/projects/shop/tags", `{"slug":"hot"}`).field(t, "tag.id")
	s.must("POST", "/api/v1/workspace/shop/roles", `{"slug":"only-app","name":"only app","permissions":[
		{"subject":"secrets","action":["read","edit"],"conditions":{"environment":{"$eq":"development"},"secretPath":{"$glob":"/app/**"}}},
		{"subject":"secrets","action":"readValue","inverted":true,"conditions":{"secretName":"ROOT"}},
		{"subject":"secrets","action":"edit","inverted":true,"conditions":{"secretTags":{"$in":["hot"]}}}]}`)
	s.must("PATCH", "/api/v2/workspace/shop/identity-memberships/"+s.identity, `{"roles":[{"role":"only-app"}]}`)
	list := s.ask("GET", "/api/v4/secrets?projectId=shop&environment=dev&secretPath=/app", "")
	if list.status != 200 || !strings.Contains(list.body, "open-app") || strings.Contains(list.body, "root-app") {
		t.Errorf("list: %d %s", list.status, list.body)
	}
	if r := s.ask("GET", "/api/v4/secrets?projectId=shop&environment=dev&secretPath=/app&viewSecretValue=false", ""); !strings.Contains(r.body, `"ROOT"`) {
		t.Errorf("names: %s", r.body)
	}
	s.must("PATCH", "/api/v3/secrets/raw/OPEN", `{"workspaceId":"shop","environment":"dev","secretPath":"/app","secretValue":"${ROOT} ${development.other.OPEN}"}`)
	root := s.must("GET", "/api/v3/secrets/raw/ROOT?workspaceId=shop&environment=dev&secretPath=/app", "").field(t, "secret.id")
	for _, ask := range []string{
		"GET /api/v4/secrets?projectId=shop&environment=dev&secretPath=/other", "GET /api/v4/secrets?projectId=shop&environment=prod&secretPath=/app",
		"GET /api/v4/secrets/ROOT?projectId=shop&environment=dev&secretPath=/app", "GET /api/v4/secrets/OPEN?projectId=shop&environment=dev&secretPath=/app",
		"GET /api/v3/secrets/raw/id/" + root, `DELETE /api/v3/secrets/raw/OPEN {"workspaceId":"shop","environment":"dev","secretPath":"/app"}`,
	} {
		parts := append(strings.SplitN(ask, " ", 3), "")
		if r := s.ask(parts[0], parts[1], parts[2]); r.status != 403 && r.status != 404 || strings.Contains(r.body, "root-app") || strings.Contains(r.body, "open-other") {
			t.Errorf("%s: %d %s", ask, r.status, r.body)
		}
	}
	edit := `{"workspaceId":"shop","environment":"dev","secretPath":"/app","secretValue":"mine"}`
	if r := s.ask("PATCH", "/api/v3/secrets/raw/OPEN", edit); r.status != 200 {
		t.Errorf("edit: %d %s", r.status, r.body)
	}
	s.must("PATCH", "/api/v3/secrets/raw/OPEN", `{"workspaceId":"shop","environment":"dev","secretPath":"/app","tagIds":["`+tag+`"]}`)
	for _, body := range []string{edit, `{"workspaceId":"shop","environment":"dev","secretPath":"/app","tagIds":[]}`} {
		if r := s.ask("PATCH", "/api/v3/secrets/raw/OPEN", body); r.status != 403 {
			t.Errorf("edit of what is tagged: %d %s", r.status, r.body)
		}
	}
	if r := s.do("POST", "/api/v1/workspace/shop/roles", `{"slug":"x","permissions":[{"subject":"secrets","action":"read","conditions":{"moon":"full"}}]}`); r.status != 400 {
		t.Errorf("a condition that nobody understands: %d %s", r.status, r.body)
	}
}

// A token that is shown on the socket counts: it gives less, not more.
func TestTokenOnTheSocket(t *testing.T) {
	s := newSite(t, "no-access", "viewer")
	s.set("development", "/", "A", "a")
	body := `{"workspaceId":"shop","environment":"dev","secretValue":"x"}`
	if r := s.do("POST", "/api/v3/secrets/raw/B", body, "Authorization", "Bearer "+s.token); r.status != 403 {
		t.Errorf("a viewer wrote: %d %s", r.status, r.body)
	}
	if r := s.do("POST", "/api/v3/secrets/raw/B", body, "Authorization", "Bearer nonsense"); r.status != 403 {
		t.Errorf("nonsense passed: %d %s", r.status, r.body)
	}
	for _, own := range []string{"GET /audit", "POST /lock", "GET /originals?project=shop"} {
		method, path, _ := strings.Cut(own, " ")
		if r := s.do(method, api.Base+path, "", "Authorization", "Bearer "+s.token); r.status != 404 {
			t.Errorf("a machine used %s: %d %s", own, r.status, r.body)
		}
	}
}

func TestTemporaryRole(t *testing.T) {
	s := newSite(t, "no-access", "")
	path := "/api/v2/workspace/shop/identity-memberships/" + s.identity
	grant := func(start time.Time) string {
		return fmt.Sprintf(`{"roles":[{"role":"viewer","isTemporary":true,"temporaryMode":"relative","temporaryRange":"1h","temporaryAccessStartTime":%q}]}`, start.UTC().Format(time.RFC3339))
	}
	s.must("POST", path, grant(time.Now().Add(-time.Minute)))
	if r := s.ask("GET", "/api/v1/workspace/shop", ""); r.status != 200 {
		t.Errorf("within its time: %d %s", r.status, r.body)
	}
	for _, start := range []time.Time{time.Now().Add(-2 * time.Hour), time.Now().Add(time.Hour)} {
		s.must("PATCH", path, grant(start))
		if r := s.ask("GET", "/api/v1/workspace/shop", ""); r.status != 403 {
			t.Errorf("from %s: %d %s", start, r.status, r.body)
		}
	}
}

func TestServiceToken(t *testing.T) {
	s := newSite(t, "no-access", "")
	s.set("development", "/", "A", "a")
	s.set("production", "/", "A", "live")
	made := s.must("POST", "/api/v2/service-token/", `{"name":"old","workspaceId":"`+s.id+`","scopes":[{"environment":"development","secretPath":"/**"}],"expiresIn":3600,"encryptedKey":"k","iv":"i","tag":"t","permissions":["read"],"randomBytes":"r"}`)
	s.token = made.field(t, "serviceToken") + ".0011"
	if r := s.ask("GET", "/api/v2/service-token/", ""); r.status != 200 || r.field(t, "workspace") != s.id {
		t.Errorf("itself: %d %s", r.status, r.body)
	}
	for path, want := range map[string]int{"dev": 200, "prod": 403} {
		if r := s.ask("GET", "/api/v3/secrets/raw?workspaceId="+s.id+"&environment="+path, ""); r.status != want {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := s.ask("POST", "/api/v3/secrets/raw/B", `{"workspaceId":"`+s.id+`","environment":"dev","secretValue":"x"}`); r.status != 403 {
		t.Errorf("it wrote: %d %s", r.status, r.body)
	}
}

// What a machine did stands in the audit record under its name, and so does
// who was not let in.
func TestNetworkIsRecorded(t *testing.T) {
	s := newSite(t, "no-access", "viewer")
	s.set("development", "/", "A", "a")
	s.ask("GET", "/api/v4/secrets/A?projectId=shop&environment=dev", "")
	s.token = "wrong"
	s.ask("GET", "/api/v4/secrets/A?projectId=shop&environment=dev", "")
	events, err := s.client.Events(t.Context(), api.EventQuery{Limit: 2})
	if err != nil || len(events) != 2 || events[0].Actor != "identity:ci" || events[0].Action != "secret.get" || events[1].Outcome != "denied" {
		t.Errorf("%+v, %v", events, err)
	}
}

func TestStream(t *testing.T) {
	s := newSite(t, "no-access", "viewer")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	body := `{"projectId":"` + s.id + `","register":[{"event":"secret:create"},{"event":"secret:update"},{"event":"secret:delete"},{"event":"secret:import-mutation"}]}`
	req, _ := http.NewRequestWithContext(ctx, "POST", s.url+"/api/v1/events/subscribe/project-events", strings.NewReader(body))
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%+v, %v", resp, err)
	}
	defer resp.Body.Close()
	s.set("development", "/", "A", "CANARY1")
	s.set("development", "/", "A", "CANARY2")
	if _, err := s.client.Delete(ctx, api.Ref{Project: "shop", Environment: "development", Path: "/", Name: "A"}); err != nil {
		t.Fatal(err)
	}
	s.must("POST", "/api/v1/secret-imports", `{"workspaceId":"shop","environment":"staging","path":"/","import":{"environment":"dev","path":"/"}}`)
	var seen []string
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() && !strings.Contains(strings.Join(seen, " "), "import") {
		if strings.Contains(lines.Text(), "CANARY") {
			t.Fatalf("a value in a stream: %s", lines.Text())
		}
		var e struct {
			Data struct {
				EventType string
				Payload   []struct{ Environment, SecretPath, SecretKey string }
			}
		}
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && json.Unmarshal([]byte(data), &e) == nil && e.Data.EventType != "" {
			p := e.Data.Payload[0]
			seen = append(seen, e.Data.EventType+" "+p.Environment+p.SecretPath+p.SecretKey)
		}
	}
	all := strings.Join(seen, ", ")
	if !strings.Contains(all, "secret:delete development/A") || !strings.HasSuffix(all, "secret:import-mutation staging/") {
		t.Errorf("seen: %s, %v", all, lines.Err())
	}
}

func TestExactMode(t *testing.T) {
	f := newFixture(t)
	path := "/api/v3/secrets/raw?workspaceId=shop&environment=nowhere"
	if r := f.do("GET", path, ""); r.status != 404 {
		t.Errorf("a typo is answered: %d %s", r.status, r.body)
	}
	f.server.opts.Exact = true
	if r := f.do("GET", path, ""); r.status != 200 || !strings.Contains(r.body, `"secrets":[]`) {
		t.Errorf("exact: %d %s", r.status, r.body)
	}
}

// Nobody gets to read what he may not by moving it to where he may.
func TestMovingGivesNothing(t *testing.T) {
	s := newSite(t, "no-access", "no-access")
	s.must("POST", "/api/v1/folders", `{"workspaceId":"shop","environment":"dev","name":"closed"}`)
	s.set("development", "/closed", "ROOT", "root-value")
	tag := s.must("POST", "/api/v1/projects/shop/tags", `{"slug":"free"}`).field(t, "tag.id")
	s.must("POST", "/api/v1/workspace/shop/roles", `{"slug":"mover","permissions":[
		{"subject":["secret-folders","secret-imports","tags"],"action":["read","create","edit","delete"]},
		{"subject":"secrets","action":["create","edit","delete","describeSecret"]},
		{"subject":"secrets","action":"read","conditions":{"secretPath":{"$glob":"/open/**"}}},
		{"subject":"secrets","action":"read","conditions":{"secretName":"OPEN"}},
		{"subject":"secrets","action":"read","conditions":{"secretTags":{"$in":["free"]}}}]}`)
	s.must("PATCH", "/api/v2/workspace/shop/identity-memberships/"+s.identity, `{"roles":[{"role":"mover"}]}`)
	folder := s.must("GET", "/api/v1/folders?workspaceId=shop&environment=dev", "")
	var list struct{ Folders []api.Folder }
	folder.into(t, &list)
	id := s.must("GET", "/api/v3/secrets/raw/ROOT?workspaceId=shop&environment=dev&secretPath=/closed", "").field(t, "secret.id")
	where := `"workspaceId":"shop","environment":"dev"`
	for _, ask := range []string{
		`PATCH /api/v1/folders/` + list.Folders[0].ID + ` {` + where + `,"path":"/","name":"open"}`,
		`PATCH /api/v3/secrets/raw/ROOT {` + where + `,"secretPath":"/closed","newSecretName":"OPEN"}`,
		`PATCH /api/v3/secrets/raw/ROOT {` + where + `,"secretPath":"/closed","tagIds":["` + tag + `"]}`,
		`POST /api/v3/secrets/move {"projectId":"shop","sourceEnvironment":"dev","sourceSecretPath":"/closed","destinationEnvironment":"dev","destinationSecretPath":"/","secretIds":["` + id + `"],"shouldOverwrite":true}`,
	} {
		parts := strings.SplitN(ask, " ", 3)
		if r := s.ask(parts[0], parts[1], parts[2]); r.status != 403 {
			t.Errorf("%s: %d %s", ask, r.status, r.body)
		}
	}
	s.ask("POST", "/api/v1/secret-imports", `{`+where+`,"path":"/","import":{"environment":"dev","path":"/closed"}}`)
	s.ask("POST", "/api/v3/secrets/raw/OPEN", `{`+where+`,"secretPath":"/","secretValue":"${development.closed.ROOT}"}`)
	for _, path := range []string{"/api/v4/secrets?projectId=shop&environment=dev&secretPath=/", "/api/v4/secrets/OPEN?projectId=shop&environment=dev", "/api/v4/secrets?projectId=shop&environment=dev&secretPath=/&recursive=true"} {
		if r := s.ask("GET", path, ""); strings.Contains(r.body, "root-value") {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

// Whoever only knocks does not fill the disk, nor gets in by another spelling.
func TestKnocking(t *testing.T) {
	s := newSite(t, "no-access", "")
	s.token = "nonsense"
	s.ask("GET", "/api/v1/projects", "")
	s.token = ""
	s.ask("POST", "/api/v1/auth/universal-auth/login", `{"clientId":"`+s.clientID+`","clientSecret":"x"}`)
	events, err := s.client.Events(t.Context(), api.EventQuery{Limit: 500, Outcome: "denied"})
	if err != nil || len(events) != 2 || events[0].Action != "token.authenticate" || !strings.HasPrefix(events[1].Detail, "from 127.0.0.1") {
		t.Errorf("%+v, %v", events, err)
	}
	k, now := &knocks{}, time.Now()
	recorded := 0
	for range refusals + 20 {
		if ok, _ := k.note(now); ok {
			recorded++
		}
	}
	if ok, before := k.note(now.Add(time.Minute)); recorded != refusals || !ok || before != 20 {
		t.Errorf("%d of %d recorded, then %v after %d that were not", recorded, refusals+20, ok, before)
	}
	for _, path := range []string{"/api/v1/auth/token/%72evoke", "/api/v1/auth//token/revoke", "/api/v1/auth/universal-auth/login/x", "/api/status/../v1/projects"} {
		if r := s.ask("POST", path, "{}"); r.status == 200 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := s.ask("POST", "/api/v1/auth/universal-auth/login", `{"clientId":"`+strings.Repeat("x", maxKnock)+`"}`); r.status != 413 {
		t.Errorf("a large knock: %d", r.status)
	}
}
