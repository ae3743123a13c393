package server

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bailey-project/bailey/internal/api"
)

func TestOriginals(t *testing.T) {
	f := newFixture(t)
	content := []byte("# comment\r\nA='x'\r\n\xff")
	o := api.Original{Path: "apps/api/.env", Mode: 0o640}
	if err := f.client.PutOriginal(t.Context(), "shop", o, content); err != nil {
		t.Fatal(err)
	}
	got, b, err := f.client.Original(t.Context(), "shop", o.Path)
	if err != nil || !bytes.Equal(b, content) || got.Mode != 0o640 {
		t.Errorf("%+v %q %v", got, b, err)
	}
	list, err := f.client.Originals(t.Context(), "shop")
	if err != nil || len(list) != 1 || list[0].Path != o.Path || list[0].Content != nil || list[0].Size != len(content) {
		t.Errorf("list: %+v, %v", list, err)
	}
	if err := f.client.DeleteOriginal(t.Context(), "shop", o.Path); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.client.Original(t.Context(), "shop", o.Path); !api.IsCode(err, api.Missing) {
		t.Errorf("after delete: %v", err)
	}
}

func TestPlaceholders(t *testing.T) {
	f := newFixture(t)
	f.set("development", "/", "STRIPE_SECRET_KEY", "sk_live_abcdefghijklmnop")
	f.set("development", "/", "JWT_SECRET", "0123456789abcdef0123456789abcdef")
	q := api.PlaceholderQuery{Project: "shop", Environment: "development", Path: "/", Profile: "claude", Names: []api.Wanted{
		{Name: "STRIPE_SECRET_KEY", Kind: api.KindPlaceholder}, {Name: "JWT_SECRET", Kind: api.KindFake}, {Name: "NOT_THERE"},
	}}
	first, err := f.client.Placeholders(t.Context(), q)
	if err != nil || len(first) != 2 {
		t.Fatalf("%+v, %v", first, err)
	}
	if p := first[0].Placeholder; !strings.HasPrefix(p, "sk_live_") || p == "sk_live_abcdefghijklmnop" {
		t.Errorf("placeholder %q", p)
	}
	if p := first[1].Placeholder; len(p) != 32 || p == "0123456789abcdef0123456789abcdef" {
		t.Errorf("fake %q", p)
	}
	byID := q
	byID.Project = f.id
	second, err := f.client.Placeholders(t.Context(), byID)
	if err != nil || second[0] != first[0] || second[1] != first[1] {
		t.Errorf("not stable: %+v, %v", second, err)
	}
	q.Profile = "codex"
	if third, _ := f.client.Placeholders(t.Context(), q); third[0] == first[0] {
		t.Error("two profiles share a placeholder")
	}
	q.Names[0].Kind = "real"
	if _, err := f.client.Placeholders(t.Context(), q); !api.IsCode(err, api.Invalid) {
		t.Errorf("kind real: %v", err)
	}
}

func TestHistoryAndRestore(t *testing.T) {
	f := newFixture(t)
	ref := api.Ref{Project: "shop", Environment: "development", Path: "/", Name: "A"}
	f.set("development", "/", "A", "one")
	f.set("development", "/", "A", "two")
	if _, err := f.client.Delete(t.Context(), ref); err != nil {
		t.Fatal(err)
	}
	h, err := f.client.History(t.Context(), ref)
	if err != nil || len(h) < 3 || !h[0].Deleted || h[0].Current {
		t.Fatalf("%+v, %v", h, err)
	}
	if _, err := f.client.Restore(t.Context(), ref, 1); err != nil {
		t.Fatal(err)
	}
	s, err := f.client.Secret(t.Context(), ref, 0)
	if err != nil || string(s.Value().Reveal()) != "one" {
		t.Errorf("%q, %v", s.Value().Reveal(), err)
	}
	if h, _ := f.client.History(t.Context(), ref); !h[0].Current || h[0].Deleted {
		t.Errorf("%+v", h[0])
	}
}

func TestProjectsAndEnvironments(t *testing.T) {
	f := newFixture(t)
	if _, err := f.client.CreateProject(t.Context(), "shop"); !api.IsCode(err, api.Exists) {
		t.Errorf("twice: %v", err)
	}
	if err := f.client.CreateEnvironment(t.Context(), "shop", "qa"); err != nil {
		t.Fatal(err)
	}
	p, err := f.client.Project(t.Context(), f.id)
	if err != nil {
		t.Fatal(err)
	}
	var slugs []string
	for _, e := range p.Environments {
		slugs = append(slugs, e.Slug)
	}
	if got := strings.Join(slugs, " "); got != "development test staging production qa" {
		t.Errorf("environments: %s", got)
	}
	if list, err := f.client.Projects(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%d projects, %v", len(list), err)
	}
}

func TestRecordEvents(t *testing.T) {
	f := newFixture(t)
	c := f.client.WithSession("s1")
	err := c.Record(t.Context(), api.Event{Action: "egress.denied", Host: "evil.example", Outcome: "denied"}, api.Event{Action: "session.start"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.client.Events(t.Context(), api.EventQuery{Session: "s1"})
	if err != nil || len(got) != 2 || got[0].Host != "evil.example" || got[0].Actor != "session" || got[0].Pid != os.Getpid() || got[0].Seq == 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := c.Record(t.Context(), api.Event{Action: "secret.get"}); !api.IsCode(err, api.Invalid) {
		t.Errorf("an event of the vault was forged: %v", err)
	}
	if got, _ := f.client.Events(t.Context(), api.EventQuery{Limit: 1}); len(got) != 1 {
		t.Errorf("limit 1: %d", len(got))
	}
}

func TestReadsAreRecordedBySession(t *testing.T) {
	f := newFixture(t)
	f.set("development", "/", "A", "a")
	ref := api.Ref{Project: "shop", Environment: "development", Path: "/", Name: "A"}
	if _, err := f.client.WithSession("s2").Secret(t.Context(), ref, 0); err != nil {
		t.Fatal(err)
	}
	got, err := f.client.Events(t.Context(), api.EventQuery{Session: "s2"})
	if err != nil || len(got) != 1 || got[0].Name != "A" || got[0].Environment != "development" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestVerifyNamesTheRecord(t *testing.T) {
	f := newFixture(t)
	f.set("development", "/", "A", "a")
	v, err := f.client.VerifyAudit(t.Context())
	if err != nil || !v.OK || v.Records == 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	file := filepath.Join(f.server.opts.AuditDir, "audit.log")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	b = bytes.Replace(b, []byte("shop"), []byte("chop"), 1)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	v, err = f.client.VerifyAudit(t.Context())
	if err != nil || v.OK || !strings.Contains(v.Problem, "record") {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestLeaseEndsWithTheLock(t *testing.T) {
	f := newFixture(t)
	lease, err := f.client.Lease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- lease.Wait() }()
	if err := f.client.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, api.ErrLeaseEnded) {
		t.Errorf("got %v", err)
	}
	if _, err := f.client.Lease(t.Context()); !api.IsCode(err, api.Locked) {
		t.Errorf("a lease on a locked vault: %v", err)
	}
}

func TestLeaseIsGivenUp(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	lease, err := f.client.Lease(ctx)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	_ = lease.Wait()
	deadline := time.Now().Add(20 * time.Second)
	for f.server.inFlight.Load() != 0 {
		if time.Now().After(deadline) {
			t.Fatal("the handler of a lease that was given up goes on")
		}
		runtime.Gosched()
	}
}

// What a folder imports is there, for whoever only asks for names, too.
func TestShownNames(t *testing.T) {
	f := newFixture(t)
	f.set("development", "/", "A", "CANARY1")
	f.set("staging", "/", "B", "CANARY2")
	f.must("POST", "/api/v1/secret-imports", `{"workspaceId":"shop","environment":"staging","path":"/","import":{"environment":"dev","path":"/"}}`)
	list, err := f.client.ShownNames(t.Context(), api.Ref{Project: "shop", Environment: "staging", Path: "/"})
	if err != nil || len(list) != 2 || list[0].Key != "B" || list[1].Key != "A" {
		t.Fatalf("%+v, %v", list, err)
	}
	for i := range list {
		if !list[i].SecretValueHidden || strings.Contains(string(list[i].Value().Reveal()), "CANARY") {
			t.Errorf("%s came with its value", list[i].Key)
		}
	}
}

// A move takes along what stands beside a value, or moves nothing.
func TestMove(t *testing.T) {
	f, ctx := newFixture(t), t.Context()
	from := api.Ref{Project: "shop", Environment: "development", Path: "/"}
	to := api.Ref{Project: "shop", Environment: "staging", Path: "/"}
	comment, text := "beside it", api.PlainString("${A}")
	var ids []string
	for _, w := range []api.Write{{Key: "A", Plain: &text, Comment: &comment, Literal: true}, {Key: "B", Plain: &text, Comment: &comment}} {
		s, err := f.client.Set(ctx, from, w)
		if err != nil || s.Literal != w.Literal {
			t.Fatalf("%+v, %v", s, err)
		}
		ids = append(ids, s.ID)
	}
	f.set("staging", "/", "B", "there")
	if err := f.client.Move(ctx, from, to, ids, false); !api.IsCode(err, api.Exists) {
		t.Errorf("onto another: %v", err)
	}
	if list, err := f.client.Names(ctx, from, false); err != nil || len(list) != 2 {
		t.Errorf("half of it was moved: %+v, %v", list, err)
	}
	if err := f.client.Move(ctx, from, to, ids, true); err != nil {
		t.Fatal(err)
	}
	for i, list := range [][]api.Secret{must(f.client.Secrets(ctx, from, false)), must(f.client.Secrets(ctx, to, false))} {
		if len(list) != 2*i {
			t.Errorf("%+v", list)
		}
		for _, s := range list {
			if s.Comment != comment || s.Literal != (s.Key == "A") || string(s.Value().Reveal()) != "${A}" {
				t.Errorf("moved: %+v", s)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
