package dialect

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/bailey-project/bailey/internal/api"
	"github.com/bailey-project/bailey/internal/audit"
	"github.com/bailey-project/bailey/internal/vault"
)

func TestErrorsHaveACode(t *testing.T) {
	for _, c := range []struct {
		err  error
		want api.Code
	}{
		{vault.ErrInvalid, api.Invalid}, {vault.ErrDenied, api.Denied}, {vault.ErrMissing, api.Missing}, {vault.ErrExists, api.Exists},
		{vault.ErrLocked, api.Locked}, {vault.ErrUnavailable, api.Unavailable}, {vault.ErrTampered, api.Tampered},
		{audit.ErrTampered, api.Tampered}, {audit.ErrLocked, api.Locked},
		{&fs.PathError{Op: "open", Path: "/b", Err: syscall.EROFS}, api.Unavailable},
		{errors.New("surprise"), api.Internal},
	} {
		if got := Error(fmt.Errorf("wrapped: %w", c.err)); got.Code != c.want {
			t.Errorf("%v: %s, want %s", c.err, got.Code, c.want)
		}
	}
	if e := Error(errors.New("canary")); strings.Contains(e.Message+e.Hint(), "canary") {
		t.Errorf("the detail of an internal error leaves: %v", e)
	}
	if e := Error(&vault.Error{Kind: vault.ErrTampered, Text: "record 3", Hint: "do"}); e.Hint() != "do" || e.Message != "record 3" {
		t.Errorf("%+v", e)
	}
}

func TestPlaceOf(t *testing.T) {
	for query, want := range map[string]string{
		"projectId=p&environment=e&secretPath=/x": "p e /x", "workspaceId=p&environmentSlug=e&directory=/y": "p e /y",
		"workspaceSlug=p&environment=e": "p e ",
	} {
		q, _ := url.ParseQuery(query)
		p, err := PlaceOf(q)
		if got := p.Project + " " + p.Environment + " " + p.Path; err != nil || got != want {
			t.Errorf("%s: %q, %v", query, got, err)
		}
	}
}

func TestAliased(t *testing.T) {
	for _, c := range []struct{ asked, there, want string }{
		{"dev", "development", "development"}, {"dev", "dev", "dev"}, {"prod", "production", "production"}, {"dev", "other", "dev"}, {"qa", "qa", "qa"},
	} {
		env := c.asked
		err := Aliased(&env, func() error {
			if env != c.there {
				return vault.ErrMissing
			}
			return nil
		})
		if env != c.want || (err == nil) != (c.want == c.there) {
			t.Errorf("%s where %s is: %s, %v", c.asked, c.there, env, err)
		}
	}
}
