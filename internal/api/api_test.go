package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/bailey-project/bailey/internal/secret"
)

// transport answers every request with one answer and remembers the request.
type transport struct {
	status int
	body   string
	err    error
	got    *http.Request
	sent   string
}

func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	t.got = r
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		t.sent = string(b)
	}
	if t.err != nil {
		return nil, t.err
	}
	return &http.Response{StatusCode: t.status, Body: io.NopCloser(strings.NewReader(t.body)), Header: http.Header{}}, nil
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{Errorf(Invalid, "x"), 1},
		{Usagef("x"), 2},
		{fmt.Errorf("run: %w", Errorf(Denied, "x")), 10},
		{Errorf(Locked, "x"), 11},
		{Errorf(Missing, "x"), 12},
		{ErrFound, 13},
		{Errorf(Tampered, "x"), 20},
		{ErrInterrupted, 130},
		{context.Canceled, 130},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("ExitCode(%v) = %d, want %d", c.err, got, c.want)
		}
	}
}

func TestErrorTravels(t *testing.T) {
	for code, status := range statuses {
		e := Errorf(code, "what happened").WithHint("do this")
		b, err := json.Marshal(e.Body("req-1"))
		if err != nil {
			t.Fatal(err)
		}
		got := errorFrom(e.HTTPStatus(), b)
		var back *Error
		if !errors.As(got, &back) || back.Code != code || back.Message != "what happened" || back.Hint() != "do this" || back.HTTPStatus() != status {
			t.Errorf("%s came back as %+v", code, got)
		}
	}
}

func TestErrorsOfOtherServers(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		code   Code
		text   string
	}{
		{404, `{"statusCode":404,"message":"Secret with name 'X' not found","error":"NotFound"}`, Missing, "Secret with name 'X' not found"},
		{401, `{"statusCode":401,"message":"Invalid credentials","error":"UnauthorizedError"}`, Denied, "denied: Invalid credentials"},
		{422, `{"statusCode":422,"message":[{"code":"invalid_type","path":["secretValue"],"message":"Required"}],"error":"ValidationFailure"}`, Invalid, "secretValue: Required"},
		{502, `<html>`, Unavailable, "the server answered 502"},
		{429, `{}`, Unavailable, "the server answered 429"},
		{400, `{"code":"made up"}`, Invalid, "the server answered 400"},
	} {
		err := errorFrom(c.status, []byte(c.body))
		if CodeOf(err) != c.code || err.Error() != c.text {
			t.Errorf("%d %s: %s %q, want %s %q", c.status, c.body, CodeOf(err), err, c.code, c.text)
		}
	}
}

func TestIsAsksForTheCode(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", Errorf(Locked, "the vault is locked"))
	if !errors.Is(err, &Error{Code: Locked}) || errors.Is(err, &Error{Code: Missing}) || !IsCode(err, Locked) {
		t.Error("codes are not found")
	}
}

func TestPlainShowsNothing(t *testing.T) {
	const canary = "canary-0123456789"
	s := Secret{Key: "A", Plain: PlainString(canary)}
	type wrapper struct{ inner Secret }
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v", s, s), fmt.Sprintf("%s %q %x", s.Plain, s.Plain, s.Plain), fmt.Sprintf("%v %+v", wrapper{s}, &wrapper{s})} {
		if strings.Contains(text, canary) || strings.Contains(text, fmt.Sprintf("%x", canary)) {
			t.Errorf("printed: %s", text)
		}
	}
	b, err := json.Marshal(s)
	if err != nil || !strings.Contains(string(b), canary) {
		t.Errorf("does not travel: %v", err)
	}
}

func FuzzWire(f *testing.F) {
	f.Add([]byte("text"))
	f.Add([]byte("\xff\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		item := NewItem("A", secret.NewValue(b))
		j, err := json.Marshal(item)
		if err != nil {
			t.Fatal(err)
		}
		var back Item
		if err := json.Unmarshal(j, &back); err != nil {
			t.Fatal(err)
		}
		v, err := back.Value()
		if err != nil || string(v.Reveal()) != string(b) {
			t.Fatalf("%q came back as %q, %v", b, v.Reveal(), err)
		}
	})
}

func TestRequests(t *testing.T) {
	tr := &transport{status: 200, body: "{}"}
	c := New(tr, "http://keep.example/")
	ref := Ref{Project: "p", Environment: "dev", Path: "/a b", Name: "N"}
	for _, r := range []struct {
		do   func() error
		want string
	}{
		{func() error { _, err := c.Secrets(t.Context(), ref, true); return err }, "GET /api/v4/secrets?environment=dev&expandSecretReferences=false&includeImports=false&includePersonalOverrides=false&projectId=p&recursive=true&secretPath=%2Fa+b&viewSecretValue=true"},
		{func() error { _, err := c.Secret(t.Context(), ref, 3); return err }, "GET /api/v4/secrets/N?environment=dev&expandSecretReferences=false&includeImports=false&includePersonalOverrides=false&projectId=p&secretPath=%2Fa+b&version=3"},
		{func() error { _, err := c.Delete(t.Context(), ref); return err }, "DELETE /api/v4/secrets/N"},
		{func() error { return c.DeleteOriginal(t.Context(), "p", ".env") }, "DELETE /api/v1/bailey/originals?path=.env&project=p"},
	} {
		if err := r.do(); err != nil {
			t.Error(err)
		}
		if got := tr.got.Method + " " + tr.got.URL.RequestURI(); got != r.want {
			t.Errorf("got  %s\nwant %s", got, r.want)
		}
	}
	if err := c.WithSession("s1").Lock(t.Context()); err != nil || tr.got.Header.Get(HeaderSession) != "s1" {
		t.Errorf("session header %q, %v", tr.got.Header.Get(HeaderSession), err)
	}
	if _, err := c.Put(t.Context(), ref, []Item{NewItem("A", secret.NewValue([]byte("v")))}); err != nil || !strings.Contains(tr.sent, `"mode":"upsert"`) {
		t.Errorf("%s, %v", tr.sent, err)
	}
}

func TestTransportErrors(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: errors.New("refused")}
	c := New(&transport{err: refused}, LocalBase)
	if _, err := c.Status(t.Context()); !IsCode(err, Unavailable) {
		t.Errorf("refused: %v", err)
	}
	c = New(&transport{err: Errorf(Denied, "no")}, LocalBase)
	if _, err := c.Status(t.Context()); !IsCode(err, Denied) {
		t.Errorf("an error of the transport: %v", err)
	}
	c = New(&transport{err: ErrInterrupted}, LocalBase)
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrInterrupted) {
		t.Errorf("interrupted: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Dial("/nonexistent/socket").Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	c = New(&transport{status: 200, body: "not JSON"}, LocalBase)
	if _, err := c.Status(t.Context()); !IsCode(err, Internal) {
		t.Errorf("not JSON: %v", err)
	}
}

func TestBuild(t *testing.T) {
	own := OwnBuild("v1")
	if own.Written == 0 || ParseBuild(own.String()) != own {
		t.Errorf("%+v", own)
	}
	newer := Build{Version: "v2", Written: own.Written + 1}
	if !newer.After(own) || own.After(newer) || own.After(own) || ParseBuild("junk").After(own) || newer.After(Build{}) {
		t.Error("order of builds")
	}
}
